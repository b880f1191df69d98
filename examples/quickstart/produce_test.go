package main

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
)

func TestClientHasOneProducer(t *testing.T) {
	t.Parallel()
	src, _ := parseLog("the built-in log", builtin)
	for _, producers := range []int{1, 4, 300} {
		parts := assign(src, producers)
		require.Len(t, parts, producers)
		producerOf := make(map[int]int)
		all := 0
		for p, part := range parts {
			require.True(t, slices.IsSorted(part), "in the order of the log")
			all += len(part)
			for _, i := range part {
				c := src.client(i)
				if first, ok := producerOf[c]; ok {
					require.Equal(t, first, p)
				}
				producerOf[c] = p
			}
		}
		require.Equal(t, src.len(), all)
	}
	require.Greater(t, len(slices.DeleteFunc(assign(src, 4), func(part []int) bool { return len(part) == 0 })), 1)
}

// putter keeps the sizes of batches, and fails as it is told.
type putter struct {
	stream.Putter
	records, bytes []int
	refuse, err    error
}

func (p *putter) PutBatch(_ context.Context, entries []stream.Entry) (stream.BatchResult, error) {
	bytes := 0
	for _, e := range entries {
		bytes += len(e.PartitionKey) + len(e.Data)
	}
	p.records, p.bytes = append(p.records, len(entries)), append(p.bytes, bytes)
	out := stream.BatchResult{Results: make([]stream.PutResult, len(entries))}
	if p.refuse != nil {
		out.Failed, out.Results[len(entries)-1].Err = 1, p.refuse
	}
	return out, p.err
}

// produceAll puts a whole source by one producer, with the gates open.
func produceAll(t *testing.T, p *putter, src source, size int) error {
	t.Helper()
	pace := newPace(src.len())
	close(pace.split.open)
	close(pace.merged.open)
	err := newProducer(p, src, pace, size).produce(t.Context(), assign(src, 1)[0])
	if err == nil {
		require.EqualValues(t, src.len(), pace.put.Load())
	}
	return err
}

func TestBatchesAreBoundedByRecords(t *testing.T) {
	t.Parallel()
	var p putter
	require.NoError(t, produceAll(t, &p, newGenerated(1001, 10), 500))
	require.Equal(t, []int{500, 500, 1}, p.records)
}

func TestBatchesAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	var p putter
	require.NoError(t, produceAll(t, &p, newGenerated(25, maxSize), 500))
	require.LessOrEqual(t, slices.Max(p.bytes), stream.DefaultMaxBatchBytes)
	require.Equal(t, []int{10, 10, 5}, p.records)
}

func TestFailedPutEndsTheRun(t *testing.T) {
	t.Parallel()
	cause := errors.New("out of order")
	for _, p := range []*putter{{err: cause}, {refuse: cause}} {
		require.ErrorIs(t, produceAll(t, p, newGenerated(1000, 10), 100), cause)
		require.Len(t, p.records, 1)
	}
	require.ErrorContains(t, produceAll(t, &putter{refuse: cause}, newGenerated(10, 10), 100), "put a record of 2001:db8::1: out of order")
}

func TestShortLogIsPutInManyBatches(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ records, producers, want int }{
		{1, 4, 1}, {2000, 4, 31}, {2000, 1, 125}, {2000, 1000, 1}, {1_000_000, 4, 500},
	} {
		require.Equal(t, tt.want, batchSize(tt.records, tt.producers))
	}
}
