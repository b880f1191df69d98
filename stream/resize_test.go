package stream_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/stream"
)

// The IDs as seen on the service, or as many as are known of them.
func TestResizeGoesTheWayOfTheService(t *testing.T) {
	t.Parallel()
	tests := []struct {
		from, to int
		open     []string // by range
		total    int
	}{
		{2, 4, []string{"2", "3", "4", "5"}, 6},
		{4, 2, []string{"4", "5"}, 6},
		{4, 3, []string{"6", "9", "10"}, 11},
		{4, 5, nil, 15},
		{1, 2, []string{"1", "2"}, 3},
		{2, 1, []string{"2"}, 3},
		{3, 3, []string{"0", "1", "2"}, 3},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.from, " to ", tt.to), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, stream.Config{Shards: tt.from})
			require.NoError(t, r.Resize(t.Context(), tt.to))
			open := r.openShards(t)
			require.Len(t, open, tt.to)
			if tt.open != nil {
				require.Equal(t, tt.open, shardIDs(open))
			}
			require.Len(t, r.listed(t, stream.ShardFilter{}), tt.total)
			for i, s := range open {
				require.Equal(t, hashkey.EvenAt(tt.to, i), s.HashKeyRange)
			}
		})
	}
}

// The whole history of the case whose IDs are known exactly: a sweep that splits
// where a border of the result cuts a shard, and merges the pieces.
func TestResizeOfFourToThree(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 4})
	require.NoError(t, r.Resize(t.Context(), 3))
	type lineage struct{ id, parent, adjacent string }
	var got []lineage
	for _, s := range r.listed(t, stream.ShardFilter{})[4:] {
		l := lineage{id: short(s.ID), parent: short(s.ParentID)}
		if s.AdjacentParentID != "" {
			l.adjacent = short(s.AdjacentParentID)
		}
		got = append(got, l)
	}
	require.Equal(t, []lineage{
		{"4", "1", ""}, {"5", "1", ""}, {"6", "0", "4"},
		{"7", "2", ""}, {"8", "2", ""}, {"9", "5", "7"},
		{"10", "8", "3"},
	}, got)
}

// I1, I6: to any number and back, nothing is lost, and per key nothing changes
// its place.
func TestResizeKeepsEveryRecord(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 3})
	want := map[string][]string{}
	for i, n := range []int{7, 2, 16, 5, 1, 33, 32, 31, 3} {
		for k := range 20 {
			key := fmt.Sprint("key ", k)
			r.put(t, key, fmt.Sprint(i))
			want[key] = append(want[key], fmt.Sprint(i))
		}
		require.NoError(t, r.Resize(t.Context(), n))
		require.NoError(t, r.Check())
		for i, s := range r.openShards(t) {
			require.Equal(t, hashkey.EvenAt(n, i), s.HashKeyRange)
		}
	}
	got := map[string][]string{}
	for rec, err := range r.RecordsToLatest(t.Context(), stream.TrimHorizon()) {
		require.NoError(t, err)
		got[rec.PartitionKey] = append(got[rec.PartitionKey], string(rec.Data))
	}
	require.Equal(t, want, got)
}

func TestResizeMakesAnUnevenStreamEven(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	id := long(0)
	for i := range 9 {
		lower, upper := r.halve(t, id)
		if id = lower.ID; i%2 == 0 {
			id = upper.ID
		}
	}
	require.NoError(t, r.Resize(t.Context(), 4))
	for i, s := range r.openShards(t) {
		require.Equal(t, hashkey.EvenAt(4, i), s.HashKeyRange)
	}
}

func TestResizesThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 4, MaxShards: 10})
	for _, n := range []int{-1, 0, 11, 1 << 30} {
		err := r.Resize(t.Context(), n)
		require.ErrorIs(t, err, stream.ErrShardCount)
		require.Equal(t, &stream.ShardCountError{Current: 4, Target: n, Min: 1, Max: 10}, err)
	}
	require.ErrorIs(t, r.Resize(cancelledContext(t), 8), context.Canceled)
	require.Len(t, r.listed(t, stream.ShardFilter{}), 4, "nothing has changed")

	limited := newRig(t, stream.Config{Shards: 5, Limits: stream.KinesisLimits()})
	for _, n := range []int{1, 2, 11, 100} {
		require.Equal(t, &stream.ShardCountError{Current: 5, Target: n, Min: 3, Max: 10}, limited.Resize(t.Context(), n))
	}
	require.NoError(t, limited.Resize(t.Context(), 3))
	require.NoError(t, limited.Resize(t.Context(), 6))
	require.NoError(t, limited.Resize(t.Context(), 6))
}

// A Resize that ends half-way leaves a stream that works.
func TestResizeThatIsCancelledHalfWay(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	r := newRig(t, stream.Config{Shards: 2, Hooks: &stream.Hooks{Resharded: func(stream.ReshardEvent) {
		if steps++; steps == 3 {
			cancel()
		}
	}}})
	require.ErrorIs(t, r.Resize(ctx, 9), context.Canceled)
	require.Equal(t, 3, steps)
	require.NoError(t, r.Check())
	for i := range 50 {
		r.put(t, fmt.Sprint(i), "")
	}
	require.NoError(t, r.Resize(t.Context(), 9))
	require.Len(t, r.all(t, stream.TrimHorizon()), 50)
}

func TestOneResizeAtATime(t *testing.T) {
	t.Parallel()
	var r rig
	var second error
	var once sync.Once
	r = newRig(t, stream.Config{Hooks: &stream.Hooks{Resharded: func(stream.ReshardEvent) {
		once.Do(func() { second = r.Resize(t.Context(), 2) })
	}}})
	require.NoError(t, r.Resize(t.Context(), 4))
	require.ErrorIs(t, second, stream.ErrResizing)
	require.Equal(t, 4, r.OpenShards())
	require.NoError(t, r.Resize(t.Context(), 2), "and the next one again")
}

// Splits and merges of others may cross the plan of a Resize.
func TestResizeBesideOtherResharding(t *testing.T) {
	t.Parallel()
	var r rig
	step := 0
	meddling := false
	r = newRig(t, stream.Config{Shards: 3, Hooks: &stream.Hooks{Resharded: func(stream.ReshardEvent) {
		if meddling || step >= 12 {
			return
		}
		meddling = true
		defer func() { meddling = false }()
		step++
		s := r.openShards(t)
		at := step % (len(s) - 1)
		if step%2 == 0 {
			r.halve(t, s[at].ID)
		} else {
			r.merge(t, s[at].ID, s[at+1].ID)
		}
	}}})
	require.NoError(t, r.Resize(t.Context(), 8))
	require.Positive(t, step)
	require.NoError(t, r.Check())
	meddling = true
	require.NoError(t, r.Resize(t.Context(), 8))
	for i, s := range r.openShards(t) {
		require.Equal(t, hashkey.EvenAt(8, i), s.HashKeyRange)
	}
}

func TestResizeOfAnExpiredPast(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Retention: time.Second})
	for _, n := range []int{5, 2, 7} {
		require.NoError(t, r.Resize(t.Context(), n))
		r.clock.Advance(time.Minute)
		require.Len(t, r.listed(t, stream.ShardFilter{}), n)
	}
}
