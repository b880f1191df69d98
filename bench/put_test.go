package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
)

// growTo is how large a growing log becomes before a new one is begun.
const growTo = 1 << 30

// logs are the two lives of a log: at its bound, where each put trims the
// oldest record, and growing.
var logs = []string{"steady", "growing"}

// newStream makes a stream with one of these lives, filled to its bound if it
// has one.
func newStream(b *testing.B, life string, shards int, keys []string, data []byte) *stream.Stream {
	b.Helper()
	cfg := stream.Config{Shards: shards}
	if life == "steady" {
		cfg.MaxBytes = warmBytes
	}
	s, err := stream.New("bench", cfg)
	require.NoError(b, err)
	if life == "steady" {
		for i := range 2 * warmBytes / (len(data) + keyBytes) {
			_, err := s.Put(b.Context(), stream.Entry{PartitionKey: keys[i%len(keys)], Data: data})
			require.NoError(b, err)
		}
	}
	return s
}

// putter returns n single puts, keys in turn, into s or what replaces it when
// it has grown enough.
func putter(b *testing.B, s *stream.Stream, life string, shards int, keys []string, data []byte) func(n int) {
	ctx, next, grown := context.Background(), 0, 0
	return func(n int) {
		if grown += n * (len(data) + keyBytes); life == "growing" && grown > growTo {
			s, grown = newStream(b, life, shards, keys, data), 0
		}
		for range n {
			if _, err := s.Put(ctx, stream.Entry{PartitionKey: keys[next], Data: data}); err != nil {
				b.Fatal(err)
			}
			if next++; next == len(keys) {
				next = 0
			}
		}
	}
}

// BenchmarkPut puts records one by one, from one producer and from GOMAXPROCS.
func BenchmarkPut(b *testing.B) {
	keys := someKeys(10_000)
	for _, life := range logs {
		for _, size := range sizes {
			data := make([]byte, size.bytes-keyBytes)
			for _, shards := range []int{1, 8} {
				name := fmt.Sprintf("log=%s/size=%s/shards=%d", life, size.name, shards)
				b.Run(name+"/par=1", func(b *testing.B) {
					floor := warmMemory(shards)
					if life == "growing" {
						floor = freshMemory(shards)
					}
					s := newStream(b, life, shards, keys, data)
					b.SetBytes(int64(size.bytes))
					beside(b, putter(b, s, life, shards, keys, data), floorOf(floor, keys, data))
				})
				if life == "steady" {
					b.Run(name+"/par=max", func(b *testing.B) {
						b.SetBytes(int64(size.bytes))
						putInParallel(b, shards, keys, data)
					})
				}
			}
		}
	}
}

// putInParallel has GOMAXPROCS producers put at once, and GOMAXPROCS do the
// steps of the floor on as many blocks of memory as there are shards. It also
// reports how many times the records a second of one producer that is.
func putInParallel(b *testing.B, shards int, keys []string, data []byte) {
	s := newStream(b, "steady", shards, keys, data)
	blocks := warmMemory(shards)
	start := time.Now()
	one := putter(b, s, "steady", shards, keys, data)
	var oneTime time.Duration
	var ones int
	inParallel := func(n int, do func(i int)) {
		procs := runtime.GOMAXPROCS(0)
		var wg sync.WaitGroup
		for p := range procs {
			wg.Go(func() {
				for i := p; i < n; i += procs {
					do(i)
				}
			})
		}
		wg.Wait()
	}
	ctx := context.Background()
	var opTime time.Duration
	beside(b, func(n int) {
		begin := time.Now()
		inParallel(n, func(i int) {
			if _, err := s.Put(ctx, stream.Entry{PartitionKey: keys[i%len(keys)], Data: data}); err != nil {
				panic(err)
			}
		})
		opTime += time.Since(begin)
	}, func(n int) {
		inParallel(n, func(i int) {
			putTo(blocks, keys[i%len(keys)], data, start)
		})
		begin := time.Now()
		one(n / 4)
		oneTime += time.Since(begin)
		ones += n / 4
	})
	if ones > 0 {
		b.ReportMetric(float64(oneTime)/float64(ones)/(float64(opTime)/float64(b.N)), "x-one-producer")
	}
}

// BenchmarkPutTail times every single put of a stream at its bound and reports
// the distribution.
func BenchmarkPutTail(b *testing.B) {
	keys := someKeys(10_000)
	for _, size := range sizes {
		data := make([]byte, size.bytes-keyBytes)
		b.Run("size="+size.name, func(b *testing.B) {
			s := newStream(b, "steady", 1, keys, data)
			ctx, next := context.Background(), 0
			took := make([]time.Duration, 0, 1<<20)
			for b.Loop() {
				start := time.Now()
				_, err := s.Put(ctx, stream.Entry{PartitionKey: keys[next], Data: data})
				d := time.Since(start)
				if err != nil {
					b.Fatal(err)
				}
				if len(took) < cap(took) {
					took = append(took, d)
				}
				if next++; next == len(keys) {
					next = 0
				}
			}
			reportTail(b, took)
		})
	}
}

func reportTail(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))]) }
	b.ReportMetric(at(0.5), "p50-ns")
	b.ReportMetric(at(0.99), "p99-ns")
	b.ReportMetric(at(0.999), "p999-ns")
	b.ReportMetric(at(0.999)/at(0.5), "p999/p50")
}

// BenchmarkPutBatch puts batches of 500; a figure is of one record.
func BenchmarkPutBatch(b *testing.B) {
	const batch = 500
	for _, size := range sizes {
		data := make([]byte, size.bytes-keyBytes)
		for _, keyed := range []string{"10000", "new"} {
			for _, shards := range []int{1, 8} {
				b.Run(fmt.Sprintf("size=%s/keys=%s/shards=%d", size.name, keyed, shards), func(b *testing.B) {
					keys := someKeys(10_000)
					if keyed == "new" {
						// More than any cache holds by the time that they come round.
						keys = someKeys(1_000_000)
					}
					s := newStream(b, "steady", shards, keys, data)
					entries, results := make([]stream.Entry, batch), make([]stream.PutResult, batch)
					ctx, next, step := context.Background(), 0, 1
					if keyed == "10000" {
						step = 7919 // so that batches do not repeat each other
					}
					b.SetBytes(int64(size.bytes))
					beside(b, func(n int) {
						for ; n > 0; n -= batch {
							for i := range entries {
								entries[i] = stream.Entry{PartitionKey: keys[next], Data: data}
								next = (next + step) % len(keys)
							}
							out, err := s.PutBatchInto(ctx, entries, results)
							if err != nil || out.Failed > 0 {
								b.Fatal(err, out.Failed)
							}
						}
					}, floorOf(warmMemory(shards), keys, data))
				})
			}
		}
	}
}

// BenchmarkPutWhileResharding puts from one producer while another goroutine
// splits and merges without pause.
func BenchmarkPutWhileResharding(b *testing.B) {
	keys := someKeys(10_000)
	data := make([]byte, 100-keyBytes)
	s := newStream(b, "steady", 8, keys, data)
	var done atomic.Bool
	var reshards atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		ctx := context.Background()
		for !done.Load() {
			page, err := s.ListShards(ctx, stream.ListShardsRequest{Filter: stream.ShardFilter{Type: stream.AtLatest}})
			if err != nil {
				panic(err)
			}
			parent := page.Shards[0]
			lower, upper, err := s.Split(ctx, parent.ID, parent.HashKeyRange.Midpoint())
			if err != nil {
				panic(err)
			}
			if _, err := s.Merge(ctx, lower.ID, upper.ID); err != nil {
				panic(err)
			}
			reshards.Add(2)
		}
	})
	beside(b, putter(b, s, "steady", 8, keys, data), floorOf(warmMemory(8), keys, data))
	done.Store(true)
	wg.Wait()
	b.ReportMetric(float64(reshards.Load())/b.Elapsed().Seconds(), "reshards/s")
}
