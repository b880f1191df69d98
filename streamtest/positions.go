package streamtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

func positionChecks() []Check {
	return []Check{
		{Invariant: "I6", Name: "positions in an empty shard", Shards: 1, run: func(t *trial) { positionsOfOpenShard(t, 0) }},
		{Invariant: "I6", Name: "positions in a shard with one record", Shards: 1, run: func(t *trial) { positionsOfOpenShard(t, 1) }},
		{Invariant: "I6", Name: "positions in a shard with many records", Shards: 1, run: func(t *trial) { positionsOfOpenShard(t, 6) }},
		{Invariant: "I6", Name: "positions in a closed shard without records", Shards: 1, needs: resharding, run: func(t *trial) { positionsOfClosedShard(t, 0) }},
		{Invariant: "I6", Name: "positions in a closed shard with many records", Shards: 1, needs: resharding, run: func(t *trial) { positionsOfClosedShard(t, 6) }},
		{Invariant: "I6", Name: "positions that have no place in a shard are refused", Shards: 2, run: positionsThatAreRefused},
	}
}

// placed is a position, and the first of some records that it reads.
type placed struct {
	name     string
	position stream.Position
	first    int
}

// fill puts n records, of which pairs arrive together, and returns them with
// the positions that are legal among them.
func (t *trial) fill(n int) ([]stored, []placed) {
	s := t.only()
	var records []stored
	for i := range n {
		if i%2 == 0 {
			t.pause()
		}
		records = append(records, t.putTexts(fmt.Sprint("record ", i))...)
	}
	places := []placed{
		{"the trim horizon", stream.TrimHorizon(), 0},
		{"the latest record", stream.Latest(), n},
		{"at the starting number of the shard", stream.AtSequenceNumber(s.StartingSequenceNumber), 0},
		{"after the starting number of the shard", stream.AfterSequenceNumber(s.StartingSequenceNumber), 0},
	}
	for i, rec := range records {
		number := rec.receipt.SequenceNumber
		places = append(places,
			placed{fmt.Sprint("at the number of record ", i), stream.AtSequenceNumber(number), i},
			placed{fmt.Sprint("after the number of record ", i), stream.AfterSequenceNumber(number), i + 1},
		)
	}
	if t.features.NoTimestamps {
		return records, places
	}
	places = append(places, placed{"at a time before all records", stream.AtTimestamp(s.Created.Add(-time.Hour)), 0})
	arrived := t.take(t.reader(s.ID, stream.TrimHorizon()), n)
	for i, rec := range arrived {
		first := slices.IndexFunc(arrived, func(r stream.Record) bool { return !r.ArrivalTime.Before(rec.ArrivalTime) })
		places = append(places, placed{fmt.Sprint("at the time of record ", i), stream.AtTimestamp(rec.ArrivalTime), first})
	}
	return records, places
}

func positionsOfOpenShard(t *trial, n int) {
	records, places := t.fill(n)
	id := t.only().ID
	readers := make([]stream.ShardReader, len(places))
	for i, p := range places {
		readers[i] = t.reader(id, p.position)
	}
	// A position is resolved by Open: what is put now is read from each.
	records = append(records, t.putTexts("put after Open", "and another")...)
	for i, p := range places {
		t.named(p.name, func() {
			t.same(t.take(readers[i], len(records)-p.first), records[p.first:])
			t.nothing(readers[i])
		})
	}
}

func positionsOfClosedShard(t *trial, n int) {
	records, places := t.fill(n)
	s := t.only()
	before := make([]stream.ShardReader, len(places))
	for i, p := range places {
		before[i] = t.reader(s.ID, p.position)
	}
	_, _, err := t.engine.Split(t.ctx, s.ID, s.HashKeyRange.Midpoint())
	t.must(err, "Split of %s", s.ID)
	for i, p := range places {
		for when, r := range map[string]stream.ShardReader{
			"opened before the split": before[i],
			"opened after the split":  t.reader(s.ID, p.position),
		} {
			t.named(p.name+", "+when, func() {
				t.same(t.take(r, n-p.first), records[p.first:])
				t.ends(r)
				t.ends(r) // and says so again
			})
		}
	}
	_, err = t.engine.Open(t.ctx, s.ID, stream.AfterSequenceNumber(t.info(s.ID).EndingSequenceNumber))
	t.refused(err, stream.ErrSequenceNumber, "Open after the number that ends a closed shard")
}

// named runs a part of a check, and says so in what it breaks.
func (t *trial) named(name string, part func()) {
	defer func() {
		if broken, ok := recover().(brokenPromise); ok {
			t.failf("reading from %s: %w", name, broken.err)
		}
	}()
	part()
}

func positionsThatAreRefused(t *trial) {
	receipt := t.putTexts("record")[0].receipt
	shards := t.open()
	other := shards[0].ID
	if other == receipt.ShardID {
		other = shards[1].ID
	}
	for _, at := range []func(stream.SequenceNumber) stream.Position{stream.AtSequenceNumber, stream.AfterSequenceNumber} {
		for what, number := range map[string]stream.SequenceNumber{
			"the number of a record of another shard": receipt.SequenceNumber,
			"no number": {},
		} {
			p := at(number)
			_, err := t.engine.Open(t.ctx, other, p)
			t.refused(err, stream.ErrSequenceNumber, "Open of %s at %s with %s", other, p.Type, what)
		}
	}
	_, err := t.engine.Open(t.ctx, shard.ID(4711), stream.TrimHorizon())
	t.refused(err, stream.ErrShardNotFound, "Open of %s", shard.ID(4711))
	_, err = t.engine.Open(t.ctx, "no shard", stream.TrimHorizon())
	t.refused(err, stream.ErrShardNotFound, "Open of %q", "no shard")
	if t.features.NoTimestamps {
		return
	}
	future := shards[0].Created.Add(1000 * time.Hour)
	_, err = t.engine.Open(t.ctx, other, stream.AtTimestamp(future))
	t.refused(err, stream.ErrTimestamp, "Open at %v", future)
}
