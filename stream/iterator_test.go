package stream_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

func (r rig) iterator(t *testing.T, id string, p stream.Position) stream.Iterator {
	t.Helper()
	it, err := r.Iterator(t.Context(), id, p)
	require.NoError(t, err)
	return it
}

func TestGetPagesThroughAShard(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	for i := range 10 {
		r.put(t, "key", fmt.Sprint(i))
		r.clock.Advance(time.Second)
	}
	it := r.iterator(t, long(0), stream.TrimHorizon())
	require.Equal(t, long(0), it.ShardID())
	var got []string
	for i, want := range []int{4, 4, 2, 0, 0} {
		page, err := r.Get(t.Context(), it, 4)
		require.NoError(t, err)
		require.Len(t, page.Records, want)
		require.False(t, page.AtEnd())
		require.Empty(t, page.Children)
		// The age of the last record of the page, and nothing at the tip.
		require.Equal(t, []time.Duration{7 * time.Second, 3 * time.Second, 0, 0, 0}[i], page.Lag)
		got = append(got, payloads(page.Records)...)

		again, err := r.Get(t.Context(), it, 4)
		require.NoError(t, err)
		require.Equal(t, page, again, "an iterator is a value, and can be used again")
		it = page.Next
	}
	require.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, got)
	r.put(t, "key", "10")
	page, err := r.Get(t.Context(), it, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"10"}, payloads(page.Records))
}

func TestGetLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{MaxBatchRecords: 1 << 20})
	entries := make([]stream.Entry, stream.MaxGet+5)
	for i := range entries {
		entries[i] = stream.Entry{PartitionKey: "key"}
	}
	_, err := r.PutBatch(t.Context(), entries)
	require.NoError(t, err)
	it := r.iterator(t, long(0), stream.TrimHorizon())
	for limit, want := range map[int]int{0: stream.MaxGet, 1: 1, 9999: 9999, stream.MaxGet: stream.MaxGet} {
		page, err := r.Get(t.Context(), it, limit)
		require.NoError(t, err)
		require.Len(t, page.Records, want)
	}
	for _, limit := range []int{-1, stream.MaxGet + 1} {
		_, err := r.Get(t.Context(), it, limit)
		require.Equal(t, &stream.LimitError{Limit: limit, Max: 10000}, err)
	}
}

// I5: the answer that takes the last record of a closed shard also says that it
// is the end, and where to go on.
func TestGetAtTheEndOfAClosedShard(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	for i := range 4 {
		r.put(t, "key", fmt.Sprint(i))
	}
	it := r.iterator(t, long(0), stream.TrimHorizon())
	latest := r.iterator(t, long(0), stream.Latest())
	lower, upper := r.halve(t, long(0))
	r.clock.Advance(time.Minute)
	children := []shard.ChildShard{
		{ShardID: lower.ID, ParentShards: []string{long(0)}, HashKeyRange: lower.HashKeyRange},
		{ShardID: upper.ID, ParentShards: []string{long(0)}, HashKeyRange: upper.HashKeyRange},
	}

	page, err := r.Get(t.Context(), it, 3)
	require.NoError(t, err)
	require.Equal(t, []string{"0", "1", "2"}, payloads(page.Records))
	require.False(t, page.AtEnd())
	require.Empty(t, page.Children)

	page, err = r.Get(t.Context(), page.Next, 3)
	require.NoError(t, err)
	require.Equal(t, []string{"3"}, payloads(page.Records))
	require.True(t, page.AtEnd())
	require.Equal(t, children, page.Children)
	require.Equal(t, time.Minute, page.Lag, "since the shard was closed")

	// Where nothing is left, the end comes at once.
	for _, end := range []stream.Iterator{latest, r.iterator(t, long(0), stream.Latest())} {
		page, err = r.Get(t.Context(), end, 3)
		require.NoError(t, err)
		require.Empty(t, page.Records)
		require.True(t, page.AtEnd())
		require.Equal(t, children, page.Children)
	}
	require.Zero(t, page.Next)
	_, err = r.Get(t.Context(), page.Next, 3)
	require.Equal(t, &stream.IteratorError{}, err)
}

// I7: an iterator to what has been trimmed goes on from the horizon and says
// what it missed.
func TestGetOfTrimmedRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Retention: 10 * time.Second})
	it := r.iterator(t, long(0), stream.TrimHorizon())
	for i := range 8 {
		r.put(t, "key", fmt.Sprint(i))
		r.clock.Advance(time.Second)
	}
	r.clock.Advance(5 * time.Second) // "0" to "2" have expired
	page, err := r.Get(t.Context(), it, 2)
	require.NoError(t, err)
	require.Equal(t, []string{"3", "4"}, payloads(page.Records))
	require.Equal(t, uint64(3), page.Missed)
	page, err = r.Get(t.Context(), page.Next, 2)
	require.NoError(t, err)
	require.Equal(t, []string{"5", "6"}, payloads(page.Records))
	require.Zero(t, page.Missed)
}

// An iterator at LATEST sees what is put before it is first used.
func TestIteratorIsResolvedWhenItIsMade(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	r.put(t, "key", "before")
	it := r.iterator(t, long(0), stream.Latest())
	r.put(t, "key", "after")
	page, err := r.Get(t.Context(), it, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"after"}, payloads(page.Records))
}

func TestIteratorsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2})
	n := r.putAt(t, r.openShards(t)[1].HashKeyRange.Start, "in 1").SequenceNumber
	for _, tt := range []struct {
		name, id string
		p        stream.Position
		is       error
	}{
		{"no shard", "x", stream.TrimHorizon(), stream.ErrShardNotFound},
		{"a shard still to come", long(2), stream.TrimHorizon(), stream.ErrShardNotFound},
		{"a number of another shard", long(0), stream.AtSequenceNumber(n), stream.ErrSequenceNumber},
		{"no number", long(0), stream.AfterSequenceNumber(stream.SequenceNumber{}), stream.ErrSequenceNumber},
		{"the future", long(0), stream.AtTimestamp(begun.Add(time.Millisecond)), stream.ErrTimestamp},
		{"no type of position", long(0), stream.Position{Type: 5}, stream.ErrPosition},
	} {
		_, err := r.Iterator(t.Context(), tt.id, tt.p)
		require.ErrorIs(t, err, tt.is, tt.name)
		_, err = r.Open(t.Context(), tt.id, tt.p)
		require.ErrorIs(t, err, tt.is, tt.name)
		_, err = r.Cursor(tt.id, tt.p)
		require.ErrorIs(t, err, tt.is, tt.name)
	}
	_, err := r.Iterator(cancelledContext(t), long(0), stream.TrimHorizon())
	require.ErrorIs(t, err, context.Canceled)
	_, err = r.Get(cancelledContext(t), r.iterator(t, long(0), stream.TrimHorizon()), 1)
	require.ErrorIs(t, err, context.Canceled)
	_, err = r.Get(t.Context(), stream.Iterator{}, 1)
	require.ErrorIs(t, err, stream.ErrIterator)
}

func TestIteratorText(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 12})
	for range 3 {
		r.putAt(t, r.openShards(t)[11].HashKeyRange.Start, "")
	}
	it := r.iterator(t, long(11), stream.Latest())
	require.Equal(t, "shardId-000000000011:4", it.String())
	again, err := stream.ParseIterator(it.String())
	require.NoError(t, err)
	require.Equal(t, it, again)

	for _, text := range []string{
		"", ":", "x", "shardId-000000000011", "shardId-000000000011:", ":4", "shardId-11:4", "11:4", "shardId-000000000011:04",
		"shardId-000000000011:+4", "shardId-000000000011:-1", "shardId-000000000011:4 ", "shardId-000000000011:4:5",
		"shardId-000000000011:18446744073709551616", "shardId-002147483648:1", "shardId-000000000011:x", "x-000000000011:4",
	} {
		it, err := stream.ParseIterator(text)
		require.Equal(t, &stream.IteratorError{Text: text}, err)
		require.Zero(t, it)
	}
}

// Whatever is an iterator is so in one text only, and reading from it does no
// harm.
func FuzzParseIterator(f *testing.F) {
	for _, text := range []string{
		"shardId-000000000000:1", "shardId-000000000000:0", "shardId-000000000001:18446744073709551615", "shardId-002147483647:1", "1:1", "",
	} {
		f.Add(text)
	}
	s, err := stream.New("orders", stream.Config{})
	require.NoError(f, err)
	for range 3 {
		_, err := s.Put(f.Context(), stream.Entry{PartitionKey: "key"})
		require.NoError(f, err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		it, err := stream.ParseIterator(text)
		if err != nil {
			require.ErrorIs(t, err, stream.ErrIterator)
			require.Zero(t, it)
			return
		}
		require.Equal(t, text, it.String())
		index, ok := shard.ParseID(it.ShardID())
		require.True(t, ok)
		require.True(t, strings.HasPrefix(text, shard.ID(index)+":"))

		page, err := s.Get(t.Context(), it, 10)
		if it.ShardID() != shard.ID(0) {
			require.ErrorIs(t, err, stream.ErrShardNotFound)
			return
		}
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Records), 3)
	})
}
