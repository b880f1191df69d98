package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/stream"
)

// shardCounts are those of routing; a user of one shard pays nothing for those
// of ten thousand, and these little.
var shardCounts = []int{1, 8, 512, 10_000}

// BenchmarkPutAmong puts among more and more shards. (The look-up by itself is
// BenchmarkRoute of package stream.)
func BenchmarkPutAmong(b *testing.B) {
	keys := someKeys(100_000)
	data := make([]byte, 100-keyBytes)
	for _, life := range logs {
		for _, shards := range shardCounts {
			b.Run(fmt.Sprintf("log=%s/shards=%d", life, shards), func(b *testing.B) {
				s := newStream(b, life, shards, keys, data)
				put := putter(b, s, life, shards, keys, data)
				put(1_000_000) // so that every shard has its memory
				b.ReportAllocs()
				b.ResetTimer()
				put(b.N)
			})
		}
	}
}

// BenchmarkSplit splits and merges a shard of a stream that has 10,000, beside
// a producer, and reports how long a split takes and how long the puts beside
// it take, as far as they were slower than usual.
func BenchmarkSplit(b *testing.B) {
	const shards = 10_000
	s, err := stream.New("bench", stream.Config{Shards: shards, MaxBytes: warmBytes})
	require.NoError(b, err)
	ctx := context.Background()
	keys, data := someKeys(100_000), make([]byte, 100-keyBytes)
	var splitting, done atomic.Bool
	var beside []time.Duration
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; !done.Load(); i++ {
			during := splitting.Load()
			start := time.Now()
			if _, err := s.Put(ctx, stream.Entry{PartitionKey: keys[i%len(keys)], Data: data}); err != nil {
				panic(err)
			}
			if during && len(beside) < 1<<20 {
				beside = append(beside, time.Since(start))
			}
		}
	})
	id, at := "shardId-000000000000", hashkey.EvenAt(shards, 0).Midpoint()
	var splits time.Duration
	for b.Loop() {
		splitting.Store(true)
		start := time.Now()
		lower, upper, err := s.Split(ctx, id, at)
		splits += time.Since(start)
		splitting.Store(false)
		if err != nil {
			b.Fatal(err)
		}
		merged, err := s.Merge(ctx, lower.ID, upper.ID)
		if err != nil {
			b.Fatal(err)
		}
		id = merged.ID
	}
	done.Store(true)
	wg.Wait()
	b.ReportMetric(float64(splits.Nanoseconds())/float64(b.N), "split-ns")
	if len(beside) > 0 {
		slices.Sort(beside)
		b.ReportMetric(float64(beside[len(beside)/2]), "put-p50-ns")
		b.ReportMetric(float64(beside[len(beside)*99/100]), "put-p99-ns")
	}
}
