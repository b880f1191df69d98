package streamtest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

func reshardingChecks() []Check {
	return []Check{
		{Invariant: "I1 I5", Name: "a split gives two children the parent's hash keys", Shards: 2, needs: resharding, run: splitsDivide},
		{Invariant: "I1 I5", Name: "a merge gives one child the hash keys of both parents", Shards: 3, needs: resharding, run: mergesUnite},
		{Invariant: "I1", Name: "a split that cannot be changes nothing", Shards: 2, needs: resharding, run: splitsThatAreRefused},
		{Invariant: "I1", Name: "a merge that cannot be changes nothing", Shards: 4, needs: resharding, run: mergesThatAreRefused},
		{Invariant: "I5", Name: "a closed shard takes no record", Shards: 1, needs: resharding, run: closedShardsTakeNothing},
		{Invariant: "I4", Name: "the numbers of a key rise across splits and merges", Shards: 1, needs: resharding, run: numbersRiseAcrossResharding},
		{Invariant: "I1 I6", Name: "Resize gives shards of equal share", Shards: 2, needs: resharding, run: resizeIsEven},
		{Invariant: "I2 I4 I6", Name: "no record is lost or out of order beside resharding", Shards: 1, needs: resharding, run: writersBesideResharding},
	}
}

func splitsDivide(t *trial) {
	parent := t.open()[1]
	// Not in the middle, so that the two children differ.
	at := parent.HashKeyRange.Midpoint()
	for range 3 {
		at = hashkey.Range{Start: parent.HashKeyRange.Start, End: at}.Midpoint()
	}
	lowerKeys, upperKeys, err := parent.HashKeyRange.Split(at)
	t.must(err, "splitting %s", parent.HashKeyRange)
	early := t.reader(parent.ID, stream.TrimHorizon())

	lower, upper, err := t.engine.Split(t.ctx, parent.ID, at)
	t.must(err, "Split of %s", parent.ID)
	t.isChild(lower, lowerKeys, parent.ID, "")
	t.isChild(upper, upperKeys, parent.ID, "")
	if lower.ID >= upper.ID {
		t.failf("the lower child is %s, the upper one %s: want them in ascending order", lower.ID, upper.ID)
	}
	t.isFollowedBy(parent.ID, early, lower, upper)
}

func mergesUnite(t *trial) {
	shards := t.open()
	first, second := shards[1], shards[2]
	keys, err := first.HashKeyRange.Merge(second.HashKeyRange)
	t.must(err, "merging %s and %s", first.HashKeyRange, second.HashKeyRange)
	early := []stream.ShardReader{t.reader(first.ID, stream.TrimHorizon()), t.reader(second.ID, stream.Latest())}

	child, err := t.engine.Merge(t.ctx, first.ID, second.ID)
	t.must(err, "Merge of %s and %s", first.ID, second.ID)
	t.isChild(child, keys, first.ID, second.ID)
	t.isFollowedBy(first.ID, early[0], child)
	t.isFollowedBy(second.ID, early[1], child)
}

// isChild ends the check unless a shard is open and what a reshard made of its
// parents.
func (t *trial) isChild(s stream.ShardInfo, keys hashkey.Range, parent, adjacent string) {
	switch {
	case s.HashKeyRange != keys:
		t.failf("shard %s owns %s, want %s", s.ID, s.HashKeyRange, keys)
	case s.ParentID != parent || s.AdjacentParentID != adjacent:
		t.failf("shard %s has the parents %q and %q, want %q and %q", s.ID, s.ParentID, s.AdjacentParentID, parent, adjacent)
	case !s.Open():
		t.failf("the new shard %s is closed", s.ID)
	}
	listed := t.info(s.ID)
	if listed.HashKeyRange != keys || listed.ParentID != parent || listed.AdjacentParentID != adjacent || !listed.Open() {
		t.failf("shard %s is listed as %+v, and was made as %+v", s.ID, listed, s)
	}
}

// isFollowedBy ends the check unless an empty parent is closed, and its end
// names the children to a reader from before, to one from its beginning and to
// one from its tip.
func (t *trial) isFollowedBy(parent string, early stream.ShardReader, children ...stream.ShardInfo) {
	p := t.info(parent)
	if p.Open() {
		t.failf("the parent %s is open", parent)
	}
	for _, r := range []stream.ShardReader{early, t.reader(parent, stream.TrimHorizon()), t.reader(parent, stream.Latest())} {
		end := t.end(r)
		if end.ShardID != parent {
			t.failf("the end of %s says it is of %s", parent, end.ShardID)
		}
		if len(end.Children) != len(children) {
			t.failf("the end of %s names %d children, want %d", parent, len(end.Children), len(children))
		}
		for i, c := range children {
			got := end.Children[i]
			parents := []string{c.ParentID}
			if c.AdjacentParentID != "" {
				parents = append(parents, c.AdjacentParentID)
			}
			if got.ShardID != c.ID || got.HashKeyRange != c.HashKeyRange || !slices.Equal(got.ParentShards, parents) {
				t.failf("the end of %s names the child %+v, want %s of %v with %s", parent, got, c.ID, parents, c.HashKeyRange)
			}
		}
	}
	for _, c := range children {
		if c.StartingSequenceNumber.Compare(p.EndingSequenceNumber) <= 0 {
			t.failf("shard %s begins at %s, not above the end %s of its parent %s", c.ID, c.StartingSequenceNumber, p.EndingSequenceNumber, parent)
		}
	}
}

// unchanged ends the check if the listed shards are others than before.
func (t *trial) unchanged(before []stream.ShardInfo) {
	ids := func(shards []stream.ShardInfo) (list []string) {
		for _, s := range shards {
			list = append(list, fmt.Sprint(s.ID, " open ", s.Open()))
		}
		return list
	}
	if was, is := ids(before), ids(t.list(stream.ShardFilter{})); !slices.Equal(was, is) {
		t.failf("the shards were %v before a call that was refused, and are %v", was, is)
	}
}

func splitsThatAreRefused(t *trial) {
	shards := t.open()
	first, second := shards[0], shards[1]
	before := t.list(stream.ShardFilter{})
	start, end := second.HashKeyRange.Start, second.HashKeyRange.End
	next, _ := start.Next()
	below, _ := start.Prev()
	// As by the service, neither child may have a single key.
	for _, at := range []hashkey.Key{start, next, end, below, {}, first.HashKeyRange.Midpoint()} {
		_, _, err := t.engine.Split(t.ctx, second.ID, at)
		t.refused(err, stream.ErrSplit, "Split of %s, which owns %s, at %s", second.ID, second.HashKeyRange, at)
	}
	_, _, err := t.engine.Split(t.ctx, shard.ID(4711), first.HashKeyRange.Midpoint())
	t.refused(err, stream.ErrShardNotFound, "Split of %s", shard.ID(4711))
	t.unchanged(before)

	_, _, err = t.engine.Split(t.ctx, first.ID, first.HashKeyRange.Midpoint())
	t.must(err, "Split of %s", first.ID)
	before = t.list(stream.ShardFilter{})
	_, _, err = t.engine.Split(t.ctx, first.ID, first.HashKeyRange.Midpoint())
	t.refused(err, stream.ErrShardClosed, "Split of %s, which is closed,", first.ID)
	t.unchanged(before)
}

func mergesThatAreRefused(t *trial) {
	s := t.open()
	before := t.list(stream.ShardFilter{})
	for _, pair := range [][2]int{{0, 2}, {1, 0}, {3, 0}, {2, 2}} {
		a, b := s[pair[0]], s[pair[1]]
		_, err := t.engine.Merge(t.ctx, a.ID, b.ID)
		t.refused(err, stream.ErrNotAdjacent, "Merge of %s with %s", a.HashKeyRange, b.HashKeyRange)
	}
	for _, pair := range [][2]string{{s[0].ID, shard.ID(4711)}, {shard.ID(4711), s[0].ID}} {
		_, err := t.engine.Merge(t.ctx, pair[0], pair[1])
		t.refused(err, stream.ErrShardNotFound, "Merge of %s and %s", pair[0], pair[1])
	}
	t.unchanged(before)

	_, err := t.engine.Merge(t.ctx, s[0].ID, s[1].ID)
	t.must(err, "Merge of %s and %s", s[0].ID, s[1].ID)
	before = t.list(stream.ShardFilter{})
	for _, pair := range [][2]int{{0, 1}, {1, 2}} {
		_, err := t.engine.Merge(t.ctx, s[pair[0]].ID, s[pair[1]].ID)
		t.refused(err, stream.ErrShardClosed, "Merge of %s and %s, where the first is closed,", s[pair[0]].ID, s[pair[1]].ID)
	}
	t.unchanged(before)
}

func closedShardsTakeNothing(t *trial) {
	parent := t.only()
	records := t.putTexts(texts("before", 5)...)
	_, _, err := t.engine.Split(t.ctx, parent.ID, parent.HashKeyRange.Midpoint())
	t.must(err, "Split of %s", parent.ID)
	var entries []stream.Entry
	for i := range 20 {
		entries = append(entries, stream.Entry{PartitionKey: fmt.Sprint("key ", i), Data: []byte("after")})
	}
	after := t.batch(entries)
	for _, e := range entries[:5] {
		after = append(after, stored{e, t.put(e)})
	}
	t.readByShard(t.open(), after)

	r := t.reader(parent.ID, stream.TrimHorizon())
	t.same(t.take(r, len(records)), records)
	t.ends(r)
	end := t.info(parent.ID).EndingSequenceNumber
	for _, rec := range records {
		if rec.receipt.SequenceNumber.Compare(end) >= 0 {
			t.failf("record %s is not below the end %s of its shard", rec.receipt.SequenceNumber, end)
		}
	}
}

// lineage reads all records from the trim horizon on, parents before their
// children, and returns those of each partition key in the order in which they
// were read.
func (t *trial) lineage() map[string][]stream.Record {
	records := map[string][]stream.Record{}
	left := t.list(stream.ShardFilter{})
	listed := map[string]bool{}
	for _, s := range left {
		listed[s.ID] = true
	}
	done := map[string]bool{"": true}
	for len(left) > 0 {
		at := slices.IndexFunc(left, func(s stream.ShardInfo) bool {
			return (done[s.ParentID] || !listed[s.ParentID]) && (done[s.AdjacentParentID] || !listed[s.AdjacentParentID])
		})
		if at < 0 {
			t.failf("the shards %v are each other's parents", left)
		}
		s := left[at]
		left = slices.Delete(left, at, at+1)
		for _, rec := range t.drain(s) {
			records[rec.PartitionKey] = append(records[rec.PartitionKey], rec)
		}
		done[s.ID] = true
	}
	return records
}

// drain reads a shard to its end, or to its tip as far as that shows.
func (t *trial) drain(s stream.ShardInfo) []stream.Record {
	r := t.reader(s.ID, stream.TrimHorizon())
	var all []stream.Record
	buf := make([]stream.Record, 50)
	for idle := 0; ; {
		n, err := r.Read(t.ctx, buf)
		if errors.Is(err, stream.ErrEndOfShard) && !s.Open() {
			return all
		}
		t.must(err, "Read of %s after %d records", s.ID, len(all))
		all = append(all, buf[:n]...)
		switch {
		case n > 0:
			idle = 0
		case s.Open() && idle == 2: // an open shard has no end to wait for
			return all
		case t.settle():
			idle++
		case s.Open():
			return all
		default:
			t.failf("shard %s is closed, and after %d records it has neither more nor an end", s.ID, len(all))
		}
	}
}

func numbersRiseAcrossResharding(t *trial) {
	key := hashkey.FromPartitionKey("key")
	var records []stored
	put := func(phase string) {
		more := t.putTexts(texts(phase, 3)...)
		for _, rec := range more {
			if s := t.info(rec.receipt.ShardID); !s.HashKeyRange.Contains(key) || !s.Open() {
				t.failf("%s: the record went to %s, which owns %s and is open: %t", phase, s.ID, s.HashKeyRange, s.Open())
			}
		}
		records = append(records, more...)
	}
	owner := func() (owner stream.ShardInfo, at int, shards []stream.ShardInfo) {
		shards = t.open()
		at = slices.IndexFunc(shards, func(s stream.ShardInfo) bool { return s.HashKeyRange.Contains(key) })
		if at < 0 {
			t.failf("no open shard owns the hash key %s", key)
		}
		return shards[at], at, shards
	}
	put("one shard")
	for i := range 2 {
		s, _, _ := owner()
		_, _, err := t.engine.Split(t.ctx, s.ID, s.HashKeyRange.Midpoint())
		t.must(err, "Split of %s", s.ID)
		put(fmt.Sprint("after split ", i+1))
	}
	for i := range 2 {
		_, at, shards := owner()
		first := min(at, len(shards)-2)
		_, err := t.engine.Merge(t.ctx, shards[first].ID, shards[first+1].ID)
		t.must(err, "Merge of %s and %s", shards[first].ID, shards[first+1].ID)
		put(fmt.Sprint("after merge ", i+1))
	}
	for i := range records[1:] {
		a, b := records[i], records[i+1]
		if b.receipt.SequenceNumber.Compare(a.receipt.SequenceNumber) <= 0 {
			t.failf("%q has number %s in %s, and %q before it has %s in %s",
				b.entry.Data, b.receipt.SequenceNumber, b.receipt.ShardID, a.entry.Data, a.receipt.SequenceNumber, a.receipt.ShardID)
		}
	}
	t.same(t.lineage()["key"], records)
}

func resizeIsEven(t *trial) {
	const writers = 8
	put := func(i int) {
		var entries []stream.Entry
		for w := range writers {
			entries = append(entries, stream.Entry{PartitionKey: fmt.Sprint("writer ", w), Data: fmt.Append(nil, i)})
		}
		t.batch(entries)
	}
	put(0)
	// Within a factor of two, which is what a service may allow.
	sizes := []int{4, 3, 5, 3, 2, 1}
	for i, n := range sizes {
		t.must(t.engine.Resize(t.ctx, n), "Resize to %d", n)
		want, err := hashkey.Even(n)
		t.must(err, "hashkey.Even")
		t.tile(want)
		put(i + 1)
	}
	for _, n := range []int{0, -1} {
		t.refused(t.engine.Resize(t.ctx, n), stream.ErrShardCount, "Resize to %d", n)
	}
	var all []stream.Record
	for _, records := range t.lineage() {
		all = append(all, records...)
	}
	t.countUp(all, writers, len(sizes)+1)
}

func writersBesideResharding(t *trial) {
	const writers, each = 4, 60
	steps := t.splitsAndMerges()
	share := each / len(steps)
	// Puts are dealt out over the steps. When a part of a step's share has been
	// put the step is taken, beside the rest of it.
	begin := make([]chan struct{}, len(steps))
	for i := range begin {
		begin[i] = make(chan struct{})
	}
	wrote := make(chan error, writers*each)
	for w := range writers {
		go func() {
			for i := range each {
				select {
				case <-begin[i/share]:
				case <-t.ctx.Done():
				}
				e := stream.Entry{PartitionKey: fmt.Sprint("writer ", w), Data: fmt.Append(nil, i)}
				wrote <- putEitherWay(t.ctx, t.engine, e, i%3 == 0)
			}
		}()
	}
	written := 0
	await := func(n int) {
		for ; written < n; written++ {
			t.must(<-wrote, "Put beside resharding")
		}
	}
	for i, step := range steps {
		close(begin[i])
		await((4*i + 1) * share * writers / 4)
		step()
	}
	await(writers * each)
	var all []stream.Record
	for key, records := range t.lineage() {
		for i := range records[1:] {
			if records[i+1].SequenceNumber.Compare(records[i].SequenceNumber) <= 0 {
				t.failf("of %q, number %s is read after %s", key, records[i+1].SequenceNumber, records[i].SequenceNumber)
			}
		}
		all = append(all, records...)
	}
	t.countUp(all, writers, each)
}

// splitsAndMerges are changes of the shards, from one to four and back.
func (t *trial) splitsAndMerges() []func() {
	split := func(at int) func() {
		return func() {
			s := t.open()[at]
			_, _, err := t.engine.Split(t.ctx, s.ID, s.HashKeyRange.Midpoint())
			t.must(err, "Split of %s", s.ID)
		}
	}
	merge := func(at int) func() {
		return func() {
			s := t.open()
			_, err := t.engine.Merge(t.ctx, s[at].ID, s[at+1].ID)
			t.must(err, "Merge of %s and %s", s[at].ID, s[at+1].ID)
		}
	}
	return []func(){split(0), split(1), split(0), merge(1), merge(0), merge(0)}
}

// putEitherWay puts a record by itself or as a batch.
func putEitherWay(ctx context.Context, engine stream.Putter, e stream.Entry, batch bool) error {
	if !batch {
		_, err := engine.Put(ctx, e)
		return err
	}
	result, err := engine.PutBatch(ctx, []stream.Entry{e})
	if err == nil && len(result.Results) == 1 {
		err = result.Results[0].Err
	}
	return err
}
