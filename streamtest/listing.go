package streamtest

import (
	"slices"
	"time"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/stream"
)

func listingChecks() []Check {
	return []Check{
		{Invariant: "I1", Name: "the shards of a new engine tile the hash keys evenly", Shards: 5, run: newShardsAreEven},
		{Invariant: "I1", Name: "shards are listed in pages", Shards: 5, run: shardsAreListedInPages},
		{Invariant: "I5", Name: "filters choose shards by when they were open", Shards: 2, needs: resharding, run: filtersChooseShards},
	}
}

func newShardsAreEven(t *trial) {
	want, err := hashkey.Even(5)
	t.must(err, "hashkey.Even")
	for _, s := range t.tile(want) {
		switch {
		case s.ID == "":
			t.failf("the shard that owns %s has no ID", s.HashKeyRange)
		case !s.Open():
			t.failf("shard %s is listed as open and ends at %s", s.ID, s.EndingSequenceNumber)
		case s.ParentID != "" || s.AdjacentParentID != "":
			t.failf("shard %s of a new engine has the parents %q and %q", s.ID, s.ParentID, s.AdjacentParentID)
		case s.StartingSequenceNumber.IsZero():
			t.failf("shard %s has no starting sequence number", s.ID)
		}
	}
}

func shardsAreListedInPages(t *trial) {
	ids := func(shards []stream.ShardInfo) []string {
		list := make([]string, len(shards))
		for i, s := range shards {
			list[i] = s.ID
		}
		return list
	}
	whole := ids(t.list(stream.ShardFilter{}))
	if len(whole) != 5 || !slices.IsSorted(whole) {
		t.failf("ListShards gives %v, want the IDs of 5 shards in ascending order", whole)
	}
	for _, size := range []int{1, 2, 4, 5, 6, stream.MaxListShards} {
		var listed []string
		req := stream.ListShardsRequest{MaxResults: size}
		for {
			page, err := t.engine.ListShards(t.ctx, req)
			t.must(err, "ListShards of up to %d after %q", size, req.After)
			left := len(whole) - len(listed)
			if len(page.Shards) != min(size, left) {
				t.failf("ListShards of up to %d after %q gives %d of the %d shards that are left", size, req.After, len(page.Shards), left)
			}
			if more := left > size; more != (page.Next != "") {
				t.failf("ListShards of up to %d after %q, of the %d shards that are left, has the next page %q", size, req.After, left, page.Next)
			}
			listed = append(listed, ids(page.Shards)...)
			if page.Next == "" {
				break
			}
			req.After = page.Next
		}
		if !slices.Equal(listed, whole) {
			t.failf("pages of %d list %v, want %v", size, listed, whole)
		}
	}
	for i, id := range whole {
		page, err := t.engine.ListShards(t.ctx, stream.ListShardsRequest{After: id})
		t.must(err, "ListShards after %s", id)
		if got := ids(page.Shards); !slices.Equal(got, whole[i+1:]) {
			t.failf("ListShards after %s gives %v, want %v", id, got, whole[i+1:])
		}
	}
	for _, size := range []int{-1, stream.MaxListShards + 1} {
		_, err := t.engine.ListShards(t.ctx, stream.ListShardsRequest{MaxResults: size})
		t.refused(err, stream.ErrLimit, "ListShards of up to %d", size)
	}
	_, err := t.engine.ListShards(t.ctx, stream.ListShardsRequest{Filter: stream.ShardFilter{Type: -1}})
	t.refused(err, stream.ErrFilter, "ListShards with a filter of type -1")
}

func filtersChooseShards(t *trial) {
	first := t.open()[0]
	t.pause()
	lower, _, err := t.engine.Split(t.ctx, first.ID, first.HashKeyRange.Midpoint())
	t.must(err, "Split of %s", first.ID)
	t.pause()
	_, _, err = t.engine.Split(t.ctx, lower.ID, lower.HashKeyRange.Midpoint())
	t.must(err, "Split of %s", lower.ID)

	all := t.list(stream.ShardFilter{})
	if len(all) != 6 {
		t.failf("%d shards are listed after two splits of one of 2, want 6", len(all))
	}
	choose := func(f stream.ShardFilter, what string, wanted func(s stream.ShardInfo) bool) {
		var got, want []string
		for _, s := range t.list(f) {
			got = append(got, s.ID)
		}
		for _, s := range all {
			if wanted(s) {
				want = append(want, s.ID)
			}
		}
		if !slices.Equal(got, want) {
			t.failf("the shards %s are listed as %v, want %v", what, got, want)
		}
	}
	choose(stream.ShardFilter{Type: stream.FromTrimHorizon}, "from the trim horizon", func(stream.ShardInfo) bool { return true })
	choose(stream.ShardFilter{Type: stream.AtLatest}, "at the latest record", stream.ShardInfo.Open)
	if t.features.NoTimestamps {
		return
	}
	closedBefore := func(s stream.ShardInfo, at time.Time) bool { return !s.Open() && s.Closed.Before(at) }
	for _, s := range all {
		moments := []time.Time{s.Created}
		if !s.Open() {
			moments = append(moments, s.Closed)
		}
		for _, at := range moments {
			choose(stream.ShardFilter{Type: stream.AtShardTimestamp, Timestamp: at}, "at "+at.String(),
				func(s stream.ShardInfo) bool { return !s.Created.After(at) && !closedBefore(s, at) })
			choose(stream.ShardFilter{Type: stream.FromShardTimestamp, Timestamp: at}, "from "+at.String(),
				func(s stream.ShardInfo) bool { return !closedBefore(s, at) })
		}
	}
	// Nothing has expired, so the trim horizon is the engine's beginning.
	horizon := t.list(stream.ShardFilter{Type: stream.AtTrimHorizon})
	if !slices.ContainsFunc(horizon, func(s stream.ShardInfo) bool { return s.ID == first.ID }) {
		t.failf("the shards at the trim horizon are %v, want %s among them", horizon, first.ID)
	}
}
