package streamtest

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/seed-187400e4/millrace/stream"
)

func readingChecks() []Check {
	return []Check{
		{Invariant: "I6", Name: "readers see every record once, with whatever room they give", Shards: 1, run: readersSeeEveryRecordOnce},
		{Invariant: "I8", Name: "what was read never changes", Shards: 1, run: whatWasReadStays},
		{Invariant: "I6", Name: "a reader beside writers sees every record once and in order", Shards: 2, run: readersBesideWriters},
		{Invariant: "I6", Name: "a reader that has read all is not behind", Shards: 1, run: lagEndsAtZero},
		{Invariant: "I9", Name: "a cancelled context stops every call before it does anything", Shards: 2, run: cancelledCalls},
	}
}

func readersSeeEveryRecordOnce(t *trial) {
	records := t.putTexts(texts("record", 40)...)
	id := t.only().ID
	for _, room := range []int{1, 3, 39, 40, 100} {
		first, second := t.reader(id, stream.TrimHorizon()), t.reader(id, stream.TrimHorizon())
		got := map[stream.ShardReader][]stream.Record{}
		buf := make([]stream.Record, room)
		for len(got[first]) < len(records) || len(got[second]) < len(records) {
			read := 0
			for _, r := range []stream.ShardReader{first, second} {
				n, err := r.Read(t.ctx, buf)
				t.must(err, "Read into room for %d records", room)
				if n > room {
					t.failf("Read into room for %d records returned %d", room, n)
				}
				got[r] = append(got[r], buf[:n]...)
				read += n
			}
			if read == 0 && !t.settle() {
				break
			}
		}
		t.same(got[first], records)
		t.same(got[second], records)
		t.nothing(first)
		t.nothing(second)
	}
}

func whatWasReadStays(t *trial) {
	records := t.putTexts(texts("early", 10)...)
	r := t.reader(t.only().ID, stream.TrimHorizon())
	held := t.take(r, len(records))
	var more []stream.Entry
	for i := range 200 {
		more = append(more, stream.Entry{PartitionKey: strings.Repeat("z", 50), Data: bytes.Repeat([]byte{byte(i)}, 5000)})
	}
	later := byNumber(t.batch(more))
	t.same(t.take(r, len(later)), later)
	t.same(held, records)
}

func readersBesideWriters(t *trial) {
	const writers, each = 4, 60
	shards := t.open()
	wrote := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := range each {
				e := stream.Entry{PartitionKey: fmt.Sprint("writer ", w), Data: fmt.Append(nil, i)}
				if _, err := t.engine.Put(t.ctx, e); err != nil {
					wrote <- fmt.Errorf("put of %s: %w", describe(e), err)
					return
				}
			}
			wrote <- nil
		}()
	}
	// Each reader waits with Next until it has read what belongs to its shard.
	type followed struct {
		records []stream.Record
		err     error
	}
	follow := make(chan followed, len(shards))
	for _, s := range shards {
		total := 0
		for w := range writers {
			if s.HashKeyRange.Contains(hashKey(stream.Entry{PartitionKey: fmt.Sprint("writer ", w)})) {
				total += each
			}
		}
		r := t.reader(s.ID, stream.TrimHorizon())
		go func() {
			var f followed
			buf := make([]stream.Record, 16)
			for len(f.records) < total && f.err == nil {
				var n int
				n, f.err = r.Next(t.ctx, buf)
				f.records = append(f.records, buf[:n]...)
			}
			follow <- f
		}()
	}
	var all []stream.Record
	for range shards {
		f := <-follow
		t.must(f.err, "Next after %d records", len(f.records))
		var last stream.SequenceNumber
		for _, rec := range f.records {
			if rec.SequenceNumber.Compare(last) <= 0 {
				t.failf("read %s after number %s", describeRecord(rec), last)
			}
			last = rec.SequenceNumber
		}
		all = append(all, f.records...)
	}
	for range writers {
		t.must(<-wrote, "a writer")
	}
	t.countUp(all, writers, each)
}

// countUp ends the check unless the records of each of the writers carry 0, 1,
// 2 and so on.
func (t *trial) countUp(records []stream.Record, writers, each int) {
	next := map[string]int{}
	for _, rec := range records {
		want := next[rec.PartitionKey]
		if string(rec.Data) != fmt.Sprint(want) {
			t.failf("of %q, record %s is read where %d is due: one is lost, read twice or out of order", rec.PartitionKey, rec.Data, want)
		}
		next[rec.PartitionKey]++
	}
	for w := range writers {
		if n := next[fmt.Sprint("writer ", w)]; n != each {
			t.failf("of writer %d, %d records are read, want %d", w, n, each)
		}
	}
}

func lagEndsAtZero(t *trial) {
	r := t.reader(t.only().ID, stream.TrimHorizon())
	records := t.putTexts(texts("record", 4)...)
	for i := range records {
		t.same(t.take(r, 1), records[i:i+1])
		if lag := r.Lag(); lag < 0 {
			t.failf("after %d of %d records, Lag is %v", i+1, len(records), lag)
		}
	}
	t.nothing(r)
	if lag := r.Lag(); lag != 0 {
		t.failf("after all records, Lag is %v, want 0", lag)
	}
}

func cancelledCalls(t *trial) {
	shards := t.open()
	records := t.putTexts("the only one")
	r := t.reader(records[0].receipt.ShardID, stream.TrimHorizon())
	buf := make([]stream.Record, 5)

	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	e := t.engine
	calls := []struct {
		name string
		call func() error
	}{
		{"Put", func() error {
			_, err := e.Put(ctx, stream.Entry{PartitionKey: "key", Data: []byte("too late")})
			return err
		}},
		{"PutBatch", func() error {
			_, err := e.PutBatch(ctx, []stream.Entry{{PartitionKey: "key", Data: []byte("too late")}})
			return err
		}},
		{"ListShards", func() error { _, err := e.ListShards(ctx, stream.ListShardsRequest{}); return err }},
		{"Open", func() error { _, err := e.Open(ctx, shards[0].ID, stream.TrimHorizon()); return err }},
		{"Read", func() error { _, err := r.Read(ctx, buf); return err }},
		{"Next", func() error { _, err := r.Next(ctx, buf); return err }},
	}
	if !t.features.NoResharding {
		calls = append(calls, []struct {
			name string
			call func() error
		}{
			{"Split", func() error {
				_, _, err := e.Split(ctx, shards[0].ID, shards[0].HashKeyRange.Midpoint())
				return err
			}},
			{"Merge", func() error { _, err := e.Merge(ctx, shards[0].ID, shards[1].ID); return err }},
			{"Resize", func() error { return e.Resize(ctx, 1) }},
		}...)
	}
	for _, c := range calls {
		t.refused(c.call(), context.Canceled, "%s with a cancelled context", c.name)
	}
	t.same(t.take(r, 1), records)
	t.nothing(r)
	if now := t.open(); len(now) != len(shards) || now[0].ID != shards[0].ID {
		t.failf("the open shards are %v, and were %v before calls with a cancelled context", now, shards)
	}
}
