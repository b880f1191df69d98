package stream_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

// requireBetween asserts what the numbers of a closed shard and those of its
// children say: the children were made in the second after it was closed.
func requireBetween(t *testing.T, parent stream.ShardInfo, children ...stream.ShardInfo) {
	t.Helper()
	end, err := parent.EndingSequenceNumber.Fields()
	require.NoError(t, err)
	require.Equal(t, uint64(1<<63-1), end.RecordIndex)
	for _, c := range children {
		start, err := c.StartingSequenceNumber.Fields()
		require.NoError(t, err)
		require.Equal(t, end.Arrival.Add(time.Second), start.Creation)
		require.Equal(t, start.Creation, start.Arrival)
		require.Zero(t, start.RecordIndex)
		require.Positive(t, c.StartingSequenceNumber.Compare(parent.EndingSequenceNumber))
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2})
	for i := range 20 {
		r.put(t, fmt.Sprint("key ", i), fmt.Sprint(i))
	}
	r.clock.Advance(90*time.Second + 250*time.Millisecond)
	keys := hashkey.EvenAt(2, 1)
	at, _ := keys.Start.Add(hashkey.Key{Lo: 1000})
	lowerKeys, upperKeys, err := keys.Split(at)
	require.NoError(t, err)

	lower, upper, err := r.Split(t.Context(), long(1), at)
	require.NoError(t, err)
	closing := begun.Add(90*time.Second + 250*time.Millisecond)
	require.Equal(t, stream.ShardInfo{
		ID: long(2), ParentID: long(1), HashKeyRange: lowerKeys,
		StartingSequenceNumber: lower.StartingSequenceNumber, Created: closing,
	}, lower)
	require.Equal(t, stream.ShardInfo{
		ID: long(3), ParentID: long(1), HashKeyRange: upperKeys,
		StartingSequenceNumber: upper.StartingSequenceNumber, Created: closing,
	}, upper)
	require.True(t, lower.Open())

	parent, err := r.Shard(long(1))
	require.NoError(t, err)
	require.False(t, parent.Open())
	require.Equal(t, begun, parent.Created)
	require.Equal(t, closing, parent.Closed)
	require.Equal(t, keys, parent.HashKeyRange)
	requireBetween(t, parent, lower, upper)
	f, err := parent.EndingSequenceNumber.Fields()
	require.NoError(t, err)
	require.Equal(t, closing.Truncate(time.Second), f.Arrival, "the closing second")

	require.Equal(t, []string{"0", "1", "2", "3"}, shardIDs(r.listed(t, stream.ShardFilter{})))
	require.Equal(t, []string{"0", "2", "3"}, shardIDs(r.openShards(t)))
	require.Equal(t, 3, r.OpenShards())
	require.Equal(t, upper, r.Route(keys.End))
	below, _ := at.Prev()
	require.Equal(t, lower, r.Route(below))
	require.Equal(t, upper, r.Route(at))
	require.Len(t, r.all(t, stream.TrimHorizon()), 20, "what was stored stays readable")
}

func TestMerge(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 3})
	r.putAt(t, hashkey.EvenAt(3, 1).Start, "in 1")
	r.clock.Advance(time.Minute)
	child, err := r.Merge(t.Context(), "shardId-1", "2") // IDs are read as loosely as by the service
	require.NoError(t, err)
	require.Equal(t, stream.ShardInfo{
		ID: long(3), ParentID: long(1), AdjacentParentID: long(2),
		HashKeyRange:           hashkey.Range{Start: hashkey.EvenAt(3, 1).Start, End: hashkey.Max()},
		StartingSequenceNumber: child.StartingSequenceNumber, Created: begun.Add(time.Minute),
	}, child)
	for _, id := range []string{long(1), long(2)} {
		parent, err := r.Shard(id)
		require.NoError(t, err)
		require.Equal(t, begun.Add(time.Minute), parent.Closed)
		requireBetween(t, parent, child)
		c, err := r.Cursor(id, stream.Latest())
		require.NoError(t, err)
		_, err = c.Read(t.Context(), make([]stream.Record, 1))
		require.Equal(t, &shard.EndOfShardError{
			ShardID:  id,
			Children: []shard.ChildShard{{ShardID: long(3), ParentShards: []string{long(1), long(2)}, HashKeyRange: child.HashKeyRange}},
			ClosedAt: begun.Add(time.Minute),
		}, err)
	}
	require.Equal(t, []string{"in 1"}, r.all(t, stream.TrimHorizon()))
}

// A merge of shards whose IDs are not in the order of their ranges.
func TestMergeTakesTheLowerRangeFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2})
	lower, upper := r.halve(t, long(0)) // 2 and 3
	child := r.merge(t, upper.ID, long(1))
	require.Equal(t, long(3), child.ParentID)
	require.Equal(t, long(1), child.AdjacentParentID)
	whole := r.merge(t, lower.ID, child.ID)
	require.Equal(t, hashkey.Full(), whole.HashKeyRange)
	require.Equal(t, long(5), whole.ID)
}

func TestSplitsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2, MaxShards: 4})
	keys := hashkey.EvenAt(2, 1)
	add := func(k hashkey.Key, n uint64) hashkey.Key { sum, _ := k.Add(hashkey.Key{Lo: n}); return sum }
	sub := func(k hashkey.Key, n uint64) hashkey.Key { diff, _ := k.Sub(hashkey.Key{Lo: n}); return diff }

	// start+1 < key < end, as by the service.
	for _, at := range []hashkey.Key{{}, sub(keys.Start, 1), keys.Start, add(keys.Start, 1), keys.End} {
		_, _, err := r.Split(t.Context(), long(1), at)
		require.ErrorIs(t, err, stream.ErrSplit)
		require.Equal(t, &stream.SplitError{Stream: "orders", ShardID: long(1), At: at, Range: keys}, err)
	}
	for _, id := range []string{"", "x", "shardId-x", long(2), long(2147483647), "shardId-2147483648"} {
		_, _, err := r.Split(t.Context(), id, keys.Midpoint())
		require.Equal(t, &stream.ShardNotFoundError{Stream: "orders", ShardID: id}, err)
	}
	_, _, err := r.Split(cancelledContext(t), long(1), keys.Midpoint())
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []string{"0", "1"}, shardIDs(r.listed(t, stream.ShardFilter{})), "nothing has changed")

	// The narrowest that is allowed, at both ends.
	_, upper, err := r.Split(t.Context(), long(1), add(keys.Start, 2))
	require.NoError(t, err)
	_, _, err = r.Split(t.Context(), upper.ID, sub(keys.End, 1))
	require.NoError(t, err)

	_, _, err = r.Split(t.Context(), long(1), keys.Midpoint())
	require.Equal(t, &stream.ShardClosedError{Stream: "orders", ShardID: long(1), Children: []string{long(2), long(3)}}, err)

	_, _, err = r.Split(t.Context(), long(0), hashkey.EvenAt(2, 0).Midpoint())
	require.Equal(t, &stream.ShardCountError{Current: 4, Target: 5, Min: 1, Max: 4}, err)

	// A range too narrow for any key.
	_, _, err = r.Split(t.Context(), long(2), add(keys.Start, 1))
	require.ErrorIs(t, err, stream.ErrShardCount)
	r.merge(t, long(4), long(5))
	_, _, err = r.Split(t.Context(), long(2), add(keys.Start, 1))
	require.ErrorIs(t, err, stream.ErrSplit)
}

func TestMergesThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 4})
	for _, pair := range [][2]int{{0, 0}, {1, 0}, {0, 2}, {0, 3}, {3, 0}} {
		_, err := r.Merge(t.Context(), long(pair[0]), long(pair[1]))
		require.Equal(t, &stream.NotAdjacentError{Stream: "orders", ShardID: long(pair[0]), AdjacentID: long(pair[1])}, err)
	}
	for _, pair := range [][2]string{{"x", long(0)}, {long(0), "x"}, {long(4), long(0)}, {long(0), long(4)}} {
		_, err := r.Merge(t.Context(), pair[0], pair[1])
		require.ErrorIs(t, err, stream.ErrShardNotFound)
	}
	_, err := r.Merge(cancelledContext(t), long(0), long(1))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []string{"0", "1", "2", "3"}, shardIDs(r.listed(t, stream.ShardFilter{})), "nothing has changed")

	r.merge(t, long(0), long(1))
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {2, 1}} {
		_, err := r.Merge(t.Context(), long(pair[0]), long(pair[1]))
		require.ErrorIs(t, err, stream.ErrShardClosed)
	}
	require.Equal(t, []string{"4", "2", "3"}, shardIDs(r.openShards(t)))
}

// I4, through splits and merges within one second and over many.
func TestNumbersOfAKeyRiseAcrossResharding(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	key := hashkey.FromPartitionKey("key")
	var last stream.SequenceNumber
	var want []string
	put := func() {
		for range 3 {
			receipt := r.put(t, "key", fmt.Sprint(len(want)))
			want = append(want, fmt.Sprint(len(want)))
			require.Positive(t, receipt.SequenceNumber.Compare(last))
			last = receipt.SequenceNumber
			require.Equal(t, r.Route(key).ID, receipt.ShardID)
		}
	}
	put()
	for i := range 6 {
		r.clock.Advance(time.Duration(i) * 300 * time.Millisecond)
		r.halve(t, r.Route(key).ID)
		put()
	}
	for range 6 {
		shards := r.openShards(t)
		for i := range len(shards) - 1 {
			if shards[i].HashKeyRange.Contains(key) || shards[i+1].HashKeyRange.Contains(key) {
				r.merge(t, shards[i].ID, shards[i+1].ID)
				break
			}
		}
		put()
	}
	require.Equal(t, 1, r.OpenShards())
	require.Equal(t, want, r.all(t, stream.TrimHorizon()))
}

func TestIDsAreNeverUsedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Retention: time.Minute})
	for i := range 10 {
		lower, upper := r.halve(t, r.openShards(t)[0].ID)
		require.Equal(t, long(3*i+1), lower.ID)
		require.Equal(t, long(3*i+2), upper.ID)
		require.Equal(t, long(3*i+3), r.merge(t, lower.ID, upper.ID).ID)
		r.clock.Advance(time.Hour) // what was closed expires
	}
	require.Equal(t, []string{"30"}, shardIDs(r.listed(t, stream.ShardFilter{})))
}
