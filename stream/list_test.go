package stream_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/stream"
)

func TestListShardsInPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 5})
	tests := []struct {
		name  string
		req   stream.ListShardsRequest
		want  []string
		after string
	}{
		{"all", stream.ListShardsRequest{}, []string{"0", "1", "2", "3", "4"}, ""},
		{"the first two", stream.ListShardsRequest{MaxResults: 2}, []string{"0", "1"}, long(1)},
		{"the next two", stream.ListShardsRequest{After: long(1), MaxResults: 2}, []string{"2", "3"}, long(3)},
		{"the last one", stream.ListShardsRequest{After: long(3), MaxResults: 2}, []string{"4"}, ""},
		{"a full last page", stream.ListShardsRequest{After: long(2), MaxResults: 2}, []string{"3", "4"}, ""},
		{"exactly all", stream.ListShardsRequest{MaxResults: 5}, []string{"0", "1", "2", "3", "4"}, ""},
		{"after the last", stream.ListShardsRequest{After: long(4)}, []string{}, ""},
		{"after one still to come", stream.ListShardsRequest{After: long(99)}, []string{}, ""},
		{"after a short ID", stream.ListShardsRequest{After: "3"}, []string{"4"}, ""},
		{"as many as can be asked for", stream.ListShardsRequest{MaxResults: stream.MaxListShards}, []string{"0", "1", "2", "3", "4"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			page, err := r.ListShards(t.Context(), tt.req)
			require.NoError(t, err)
			require.Equal(t, tt.want, shardIDs(page.Shards))
			require.Equal(t, tt.after, page.Next)
		})
	}
}

func TestListShardsListsAThousandUnlessAsked(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 1001})
	page, err := r.ListShards(t.Context(), stream.ListShardsRequest{})
	require.NoError(t, err)
	require.Len(t, page.Shards, stream.DefaultListShards)
	require.Equal(t, long(999), page.Next)
	page, err = r.ListShards(t.Context(), stream.ListShardsRequest{After: page.Next})
	require.NoError(t, err)
	require.Equal(t, []string{"1000"}, shardIDs(page.Shards))
	require.Empty(t, page.Next)
}

func TestListShardsRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	for _, n := range []int{-1, stream.MaxListShards + 1} {
		_, err := r.ListShards(t.Context(), stream.ListShardsRequest{MaxResults: n})
		require.Equal(t, &stream.LimitError{Limit: n, Max: 10000}, err)
	}
	for _, typ := range []stream.ShardFilterType{-1, stream.FromShardTimestamp + 1} {
		_, err := r.ListShards(t.Context(), stream.ListShardsRequest{Filter: stream.ShardFilter{Type: typ}})
		require.Equal(t, &stream.FilterError{Type: typ}, err)
	}
	for _, id := range []string{"x", "shardId-", "shardId--1"} {
		_, err := r.ListShards(t.Context(), stream.ListShardsRequest{After: id})
		require.Equal(t, &stream.ShardNotFoundError{Stream: "orders", ShardID: id}, err)
	}
	_, err := r.ListShards(cancelledContext(t), stream.ListShardsRequest{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = r.Shard("x")
	require.Equal(t, &stream.ShardNotFoundError{Stream: "orders", ShardID: "x"}, err)
}

// The lineage of the table: 0 is split into 1 and 2 after a minute, 1 into 3 and
// 4 after two, 2 and nothing else goes on.
func TestShardFilters(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Retention: time.Hour})
	r.clock.Advance(time.Minute)
	r.halve(t, long(0))
	r.clock.Advance(time.Minute)
	r.halve(t, long(1))
	r.clock.Advance(time.Minute)
	const minute, ms = time.Minute, time.Millisecond

	all := []string{"0", "1", "2", "3", "4"}
	at := func(d time.Duration) stream.ShardFilter {
		return stream.ShardFilter{Type: stream.AtShardTimestamp, Timestamp: begun.Add(d)}
	}
	from := func(d time.Duration) stream.ShardFilter {
		return stream.ShardFilter{Type: stream.FromShardTimestamp, Timestamp: begun.Add(d)}
	}
	tests := []struct {
		name   string
		filter stream.ShardFilter
		want   []string
	}{
		{"none", stream.ShardFilter{}, all},
		{"from the trim horizon", stream.ShardFilter{Type: stream.FromTrimHorizon}, all},
		{"at the trim horizon, which is the beginning", stream.ShardFilter{Type: stream.AtTrimHorizon}, []string{"0"}},
		{"at the latest record", stream.ShardFilter{Type: stream.AtLatest}, []string{"2", "3", "4"}},

		{"at a time before the beginning", at(-ms), []string{}},
		{"at the beginning", at(0), []string{"0"}},
		{"just before the first split", at(minute - ms), []string{"0"}},
		{"at the first split, when both were open", at(minute), []string{"0", "1", "2"}},
		{"just after the first split", at(minute + ms), []string{"1", "2"}},
		{"at the second split", at(2 * minute), []string{"1", "2", "3", "4"}},
		{"just after the second split", at(2*minute + ms), []string{"2", "3", "4"}},
		{"now", at(3 * minute), []string{"2", "3", "4"}},
		{"in the future", at(time.Hour), []string{"2", "3", "4"}},

		{"from before the beginning", from(-time.Hour), all},
		{"from the first split", from(minute), all},
		{"from just after the first split", from(minute + ms), []string{"1", "2", "3", "4"}},
		{"from the second split", from(2 * minute), []string{"1", "2", "3", "4"}},
		{"from just after the second split", from(2*minute + ms), []string{"2", "3", "4"}},
		{"from now", from(3 * minute), []string{"2", "3", "4"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, shardIDs(r.listed(t, tt.filter)))

			// A filter and pages go together.
			paged := []string{}
			req := stream.ListShardsRequest{Filter: tt.filter, MaxResults: 1}
			for {
				page, err := r.ListShards(t.Context(), req)
				require.NoError(t, err)
				paged = append(paged, shardIDs(page.Shards)...)
				if page.Next == "" {
					break
				}
				require.Len(t, page.Shards, 1)
				req.After = page.Next
			}
			require.Equal(t, tt.want, paged)
		})
	}
}

// I5, I7: a closed shard is listed for as long as something in it may be
// retained, and is then gone for good.
func TestClosedShardsExpireFromTheList(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Retention: time.Hour})
	r.put(t, "key", "in 0")
	r.clock.Advance(time.Minute)
	r.halve(t, long(0))
	r.clock.Advance(time.Minute)
	r.halve(t, long(1))

	r.clock.Advance(58*time.Minute + time.Millisecond) // the record has expired, its shard has not
	require.Equal(t, []string{"0", "1", "2", "3", "4"}, shardIDs(r.listed(t, stream.ShardFilter{})))
	require.Equal(t, []string{"0"}, shardIDs(r.listed(t, stream.ShardFilter{Type: stream.AtTrimHorizon})))
	require.Empty(t, r.all(t, stream.TrimHorizon()))
	_, err := r.Cursor(long(0), stream.TrimHorizon())
	require.NoError(t, err)

	r.clock.Advance(time.Minute - time.Millisecond) // an hour after it was closed
	require.Equal(t, []string{"0", "1", "2", "3", "4"}, shardIDs(r.listed(t, stream.ShardFilter{})))
	r.clock.Advance(time.Millisecond)
	require.Equal(t, []string{"1", "2", "3", "4"}, shardIDs(r.listed(t, stream.ShardFilter{})))
	require.Equal(t, []string{"1", "2"}, shardIDs(r.listed(t, stream.ShardFilter{Type: stream.AtTrimHorizon})))
	for _, call := range []func() error{
		func() error { _, err := r.Shard(long(0)); return err },
		func() error { _, err := r.Cursor(long(0), stream.TrimHorizon()); return err },
		func() error { _, err := r.Iterator(t.Context(), long(0), stream.Latest()); return err },
		func() error { _, _, err := r.Split(t.Context(), long(0), hashkey.Full().Midpoint()); return err },
	} {
		require.Equal(t, &stream.ShardNotFoundError{Stream: "orders", ShardID: long(0)}, call())
	}
	// Its child still names it, and it is still a place to list after.
	s, err := r.Shard(long(1))
	require.NoError(t, err)
	require.Equal(t, long(0), s.ParentID)
	page, err := r.ListShards(t.Context(), stream.ListShardsRequest{After: long(0)})
	require.NoError(t, err)
	require.Len(t, page.Shards, 4)

	r.clock.Advance(24 * time.Hour)
	require.Equal(t, []string{"2", "3", "4"}, shardIDs(r.listed(t, stream.ShardFilter{})))
}

// A time before the trim horizon stands for the trim horizon.
func TestListingFromATimeBeforeTheTrimHorizon(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Retention: time.Hour})
	r.halve(t, long(0))
	r.clock.Advance(time.Hour)
	require.Equal(t, []string{"0", "1", "2"}, shardIDs(r.listed(t, stream.ShardFilter{Type: stream.FromShardTimestamp, Timestamp: begun.Add(-time.Hour)})))
	r.clock.Advance(time.Millisecond)
	require.Equal(t, []string{"1", "2"}, shardIDs(r.listed(t, stream.ShardFilter{Type: stream.FromShardTimestamp, Timestamp: begun.Add(-time.Hour)})))
}
