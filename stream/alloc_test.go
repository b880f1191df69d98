package stream_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/stream"
)

// These run alone: what another test allocates meanwhile would count.

func allocating(t *testing.T, cfg stream.Config) *stream.Stream {
	t.Helper()
	s, err := stream.New("orders", cfg)
	require.NoError(t, err)
	return s
}

func TestPutDoesNotAllocate(t *testing.T) {
	for name, cfg := range map[string]stream.Config{
		"one shard":    {},
		"four shards":  {Shards: 4},
		"1,000 shards": {Shards: 1000},
		"at a bound":   {Shards: 4, MaxBytes: 4 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			s := allocating(t, cfg)
			ctx, data := t.Context(), make([]byte, 1000)
			keys := make([]string, 64)
			for i := range keys {
				keys[i] = fmt.Sprint("partition-key-", i)
			}
			explicit := hashkey.FromPartitionKey("explicit")
			i := 0
			put := func() {
				e := stream.Entry{PartitionKey: keys[i%len(keys)], Data: data}
				if i++; i%8 == 0 {
					e.ExplicitHashKey = &explicit
				}
				if _, err := s.Put(ctx, e); err != nil {
					t.Fatal(err)
				}
			}
			for range 30_000 { // to full segments, and to the bound
				put()
			}
			require.Zero(t, testing.AllocsPerRun(5000, put))
		})
	}
}

func TestPutBatchAllocatesItsResultsOnly(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool forgets under the race detector")
	}
	for _, shards := range []int{1, 4} {
		t.Run(fmt.Sprint(shards, " shards"), func(t *testing.T) {
			s := allocating(t, stream.Config{Shards: shards, MaxBytes: 64 << 20})
			ctx := t.Context()
			entries := make([]stream.Entry, 500)
			for i := range entries {
				entries[i] = stream.Entry{PartitionKey: fmt.Sprint("partition-key-", i), Data: make([]byte, 100)}
			}
			results := make([]stream.PutResult, 0, len(entries))
			for range 1000 {
				if _, err := s.PutBatchInto(ctx, entries, results); err != nil {
					t.Fatal(err)
				}
			}
			require.Zero(t, testing.AllocsPerRun(500, func() {
				if _, err := s.PutBatchInto(ctx, entries, results); err != nil {
					t.Fatal(err)
				}
			}))
			require.LessOrEqual(t, testing.AllocsPerRun(500, func() {
				if _, err := s.PutBatch(ctx, entries); err != nil {
					t.Fatal(err)
				}
			}), 1.0)
		})
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	s := allocating(t, stream.Config{Shards: 4, MaxBatchRecords: 1 << 20, MaxBatchBytes: 1 << 30})
	entries := make([]stream.Entry, 200_000)
	for i := range entries {
		entries[i] = stream.Entry{PartitionKey: fmt.Sprint("partition-key-", i%1000), Data: []byte("data")}
	}
	_, err := s.PutBatch(t.Context(), entries)
	require.NoError(t, err)
	reader, err := s.Reader(stream.TrimHorizon())
	require.NoError(t, err)
	defer reader.Close()
	c, err := s.Cursor(long(0), stream.TrimHorizon())
	require.NoError(t, err)
	ctx, buf := t.Context(), make([]stream.Record, 100)
	require.Zero(t, testing.AllocsPerRun(150, func() {
		if n, err := c.Read(ctx, buf); n != len(buf) || err != nil {
			t.Fatal(n, err)
		}
	}))
	require.Zero(t, testing.AllocsPerRun(150, func() {
		if n, err := c.Next(ctx, buf); n == 0 || err != nil {
			t.Fatal(n, err)
		}
	}))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if n, err := reader.Read(ctx, buf); n != len(buf) || err != nil {
			t.Fatal(n, err)
		}
	}))
}

// A stream in a unit test costs next to nothing: under 8 KiB.
func TestNewStreamIsSmall(t *testing.T) {
	const streams = 100
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.TotalAlloc
	for range streams {
		allocating(t, stream.Config{})
	}
	runtime.ReadMemStats(&m)
	require.Less(t, (m.TotalAlloc-before)/streams, uint64(8<<10))
}
