package bench

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
)

// touch reads a payload at both ends, so that its memory is really fetched.
func touch(records []stream.Record) {
	sum := 0
	for i := range records {
		if d := records[i].Data; len(d) > 0 {
			sum += int(d[0]) + int(d[len(d)-1])
		}
	}
	touched += sum
}

// touched keeps the compiler from leaving touch out.
var touched int

// filled is a stream with records in it.
func filled(b *testing.B, shards, records int, data []byte) *stream.Stream {
	b.Helper()
	s, err := stream.New("bench", stream.Config{Shards: shards})
	require.NoError(b, err)
	keys := someKeys(10_000)
	for i := range records {
		if _, err := s.Put(b.Context(), stream.Entry{PartitionKey: keys[i%len(keys)], Data: data}); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

const drained = 1_000_000 // records

// BenchmarkDrain reads a million records in batches of 1,000, shard after
// shard, and touches every payload. An operation is one record.
func BenchmarkDrain(b *testing.B) {
	for _, size := range sizes {
		for _, shards := range []int{1, 8} {
			b.Run(fmt.Sprintf("size=%s/shards=%d", size.name, shards), func(b *testing.B) {
				s := filled(b, shards, drained, make([]byte, size.bytes-keyBytes))
				page, err := s.ListShards(b.Context(), stream.ListShardsRequest{})
				require.NoError(b, err)
				ctx, buf := context.Background(), make([]stream.Record, 1000)
				b.SetBytes(int64(size.bytes))
				b.ReportAllocs()
				b.ResetTimer()
				for left := b.N; left > 0; {
					for _, info := range page.Shards {
						c, err := s.Cursor(info.ID, stream.TrimHorizon())
						if err != nil {
							b.Fatal(err)
						}
						for left > 0 {
							n, err := c.Read(ctx, buf[:min(len(buf), left)])
							if err != nil {
								b.Fatal(err)
							}
							if n == 0 {
								break
							}
							touch(buf[:n])
							left -= n
						}
					}
				}
			})
		}
	}
}

// BenchmarkRecords is the same with the iterator over the whole stream.
func BenchmarkRecords(b *testing.B) {
	for _, size := range sizes {
		for _, shards := range []int{1, 8} {
			b.Run(fmt.Sprintf("size=%s/shards=%d", size.name, shards), func(b *testing.B) {
				s := filled(b, shards, drained, make([]byte, size.bytes-keyBytes))
				ctx := context.Background()
				b.SetBytes(int64(size.bytes))
				b.ReportAllocs()
				b.ResetTimer()
				one := make([]stream.Record, 1)
				for left := b.N; left > 0; {
					for rec, err := range s.RecordsToLatest(ctx, stream.TrimHorizon()) {
						if err != nil {
							b.Fatal(err)
						}
						one[0] = rec
						touch(one)
						if left--; left == 0 {
							break
						}
					}
				}
			})
		}
	}
}

// BenchmarkWakeup puts one record for a reader that is blocked at the tip, and
// beside it hands over to a goroutine that is blocked on an unbuffered channel:
// nothing at all, and a record with a copy of its data, which is what a put
// does. Each waits until its reader is blocked again.
func BenchmarkWakeup(b *testing.B) {
	s, err := stream.New("bench", stream.Config{})
	require.NoError(b, err)
	ctx := context.Background()
	page, err := s.ListShards(ctx, stream.ListShardsRequest{})
	require.NoError(b, err)
	data := make([]byte, 100-keyBytes)
	arrived := make(chan time.Time, 1)

	go func() {
		c, err := s.Cursor(page.Shards[0].ID, stream.Latest())
		if err != nil {
			panic(err)
		}
		buf := make([]stream.Record, 1)
		for {
			if _, err := c.Next(ctx, buf); err != nil {
				return // the stream has been closed
			}
			arrived <- time.Now()
		}
	}()
	defer s.Close()
	bare := make(chan struct{})
	go func() {
		for range bare {
			arrived <- time.Now()
		}
	}()
	defer close(bare)
	records := make(chan stream.Record)
	go func() {
		for rec := range records {
			now := time.Now()
			touched += int(rec.Data[0])
			arrived <- now
		}
	}()
	defer close(records)

	handOvers := []struct {
		do   func()
		took []time.Duration
	}{
		{do: func() {
			if _, err := s.Put(ctx, stream.Entry{PartitionKey: "client-000000001", Data: data}); err != nil {
				b.Fatal(err)
			}
		}},
		{do: func() { bare <- struct{}{} }},
		{do: func() {
			records <- stream.Record{PartitionKey: "client-000000001", Data: bytes.Clone(data)}
		}},
	}
	for b.Loop() {
		for i := range handOvers {
			for range 100 {
				runtime.Gosched() // so that the readers block again
			}
			start := time.Now()
			handOvers[i].do()
			handOvers[i].took = append(handOvers[i].took, (<-arrived).Sub(start))
		}
	}
	at := func(i int, q float64) float64 {
		took := handOvers[i].took
		slices.Sort(took)
		return float64(took[int(q*float64(len(took)-1))])
	}
	b.ReportMetric(at(0, 0.5), "p50-ns")
	b.ReportMetric(at(0, 0.99), "p99-ns")
	b.ReportMetric(at(0, 0.5)/at(1, 0.5), "p50-x-bare")
	b.ReportMetric(at(0, 0.99)/at(1, 0.99), "p99-x-bare")
	b.ReportMetric(at(0, 0.5)/at(2, 0.5), "p50-x-record")
	b.ReportMetric(at(0, 0.99)/at(2, 0.99), "p99-x-record")
}
