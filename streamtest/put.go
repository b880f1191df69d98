package streamtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/stream"
)

func putChecks() []Check {
	return []Check{
		{Invariant: "I3", Name: "a record is read as it was put", Shards: 1, run: recordsAreReadAsTheyWerePut},
		{Invariant: "I3", Name: "the largest record is taken and a byte more is refused", Shards: 1, run: largestRecord},
		{Invariant: "I3", Name: "a refused record leaves no trace", Shards: 1, run: refusedRecordsLeaveNoTrace},
		{Invariant: "I3", Name: "sequence numbers rise in the order of puts", Shards: 1, run: sequenceNumbersRise},
		{Invariant: "I2", Name: "a record lands in the shard that owns its hash key", Shards: 4, run: recordsAreRouted},
		{Invariant: "I2", Name: "an explicit hash key decides, up to the borders of a range", Shards: 3, needs: explicitHashKeys, run: explicitHashKeysDecide},
		{Invariant: "I8", Name: "what the caller does with its buffer after a put has no effect", Shards: 1, run: putsCopy},
	}
}

func recordsAreReadAsTheyWerePut(t *trial) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	var records []stored
	for _, e := range []stream.Entry{
		{PartitionKey: "k", Data: []byte("text")},
		{PartitionKey: "nil data"},
		{PartitionKey: "empty data", Data: []byte{}},
		{PartitionKey: "every byte", Data: every},
		{PartitionKey: "a NUL", Data: []byte{0}},
		{PartitionKey: "not UTF-8", Data: []byte("\xff\xfe\xc3")},
		{PartitionKey: "64 KiB", Data: bytes.Repeat(every, 256)},
		{PartitionKey: "日本語 ключ 😀", Data: []byte("a key of several scripts")},
		{PartitionKey: "line\nbreak\t\"quotes\" \\ / <&>", Data: []byte("a key that needs escaping")},
		{PartitionKey: strings.Repeat("x", 256), Data: []byte("256 characters of a byte each")},
		{PartitionKey: strings.Repeat("😀", 256), Data: []byte("256 characters of four bytes each")},
		{PartitionKey: " ", Data: []byte("a key that is a space")},
	} {
		records = append(records, stored{e, t.put(e)})
	}
	r := t.reader(t.only().ID, stream.TrimHorizon())
	t.same(t.take(r, len(records)), records)
	t.nothing(r)
}

func largestRecord(t *trial) {
	const key = "ключ" // counts with its bytes
	largest := stream.Entry{PartitionKey: key, Data: bytes.Repeat([]byte("7"), t.features.MaxRecordBytes-len(key))}
	tooLarge := stream.Entry{PartitionKey: key, Data: append(largest.Data[:len(largest.Data):len(largest.Data)], '8')}

	_, err := t.engine.Put(t.ctx, tooLarge)
	t.refused(err, stream.ErrRecordTooLarge, "Put of %s", describe(tooLarge))
	records := []stored{{largest, t.put(largest)}}
	_, err = t.engine.Put(t.ctx, tooLarge)
	t.refused(err, stream.ErrRecordTooLarge, "Put of %s", describe(tooLarge))

	r := t.reader(t.only().ID, stream.TrimHorizon())
	t.same(t.take(r, 1), records)
	t.nothing(r)
}

func refusedRecordsLeaveNoTrace(t *trial) {
	for _, key := range []string{"", strings.Repeat("x", 257), strings.Repeat("ü", 257)} {
		e := stream.Entry{PartitionKey: key, Data: []byte("refused")}
		receipt, err := t.engine.Put(t.ctx, e)
		t.refused(err, stream.ErrPartitionKey, "Put of %s", describe(e))
		if receipt != (stream.Receipt{}) {
			t.failf("Put of %s: refused, with the receipt %+v", describe(e), receipt)
		}
	}
	records := t.putTexts("kept")
	r := t.reader(t.only().ID, stream.TrimHorizon())
	t.same(t.take(r, 1), records)
	t.nothing(r)
}

func sequenceNumbersRise(t *trial) {
	records := t.putTexts(texts("single", 5)...)
	var entries []stream.Entry
	for i, text := range texts("batch", 20) {
		entries = append(entries, stream.Entry{PartitionKey: fmt.Sprint("key ", i%3), Data: []byte(text)})
	}
	records = append(records, t.batch(entries)...)
	records = append(records, t.putTexts(texts("single again", 5)...)...)

	s := t.only()
	var last stream.SequenceNumber
	for i, rec := range records {
		n := rec.receipt.SequenceNumber
		// The numbers of a batch rise for each key; between keys they need not.
		if single := i < 5 || i >= 25; single && n.Compare(last) <= 0 {
			t.failf("record %d has number %s, not above the %s before", i, n, last)
		}
		if n.Compare(s.StartingSequenceNumber) <= 0 {
			t.failf("record %d has number %s, not above the shard's start %s", i, n, s.StartingSequenceNumber)
		}
		if n.Compare(last) > 0 {
			last = n
		}
	}
	r := t.reader(s.ID, stream.TrimHorizon())
	t.same(t.take(r, len(records)), byNumber(records))
}

func recordsAreRouted(t *trial) {
	var entries []stream.Entry
	for i := range 120 {
		entries = append(entries, stream.Entry{PartitionKey: fmt.Sprintf("customer-%d", i), Data: fmt.Appendf(nil, "record %d", i)})
	}
	records := t.batch(entries[:100])
	for _, e := range entries[100:] {
		records = append(records, stored{e, t.put(e)})
	}
	t.readByShard(t.open(), records)
}

// readByShard ends the check unless each of the records is in the shard whose
// range holds its hash key, and in no other, and those of one partition key and
// shard are numbered in the order in which they are given, that of their puts
// and, where it is promised, of their places in a batch.
func (t *trial) readByShard(shards []stream.ShardInfo, records []stored) {
	type line struct{ key, shard string }
	last := map[line]stored{}
	byShard := map[string][]stored{}
	for _, rec := range records {
		of := line{rec.entry.PartitionKey, rec.receipt.ShardID}
		if before, found := last[of]; found && !t.features.NoBatchOrder && rec.receipt.SequenceNumber.Compare(before.receipt.SequenceNumber) <= 0 {
			t.failf("of %q, %.40q has number %s, not above the %s of %.40q, which was put before it",
				of.key, rec.entry.Data, rec.receipt.SequenceNumber, before.receipt.SequenceNumber, before.entry.Data)
		}
		last[of] = rec
		key := hashKey(rec.entry)
		at := slices.IndexFunc(shards, func(s stream.ShardInfo) bool { return s.HashKeyRange.Contains(key) })
		if at < 0 {
			t.failf("no open shard owns the hash key %s", key)
		}
		if rec.receipt.ShardID != shards[at].ID {
			t.failf("%s, of hash key %s, went to %s, want %s", describe(rec.entry), key, rec.receipt.ShardID, shards[at].ID)
		}
		byShard[shards[at].ID] = append(byShard[shards[at].ID], rec)
	}
	for _, s := range shards {
		want := byNumber(byShard[s.ID])
		r := t.reader(s.ID, stream.TrimHorizon())
		t.same(t.take(r, len(want)), want)
		t.nothing(r)
	}
}

func explicitHashKeysDecide(t *trial) {
	shards := t.open()
	var entries []stream.Entry
	for _, s := range shards {
		for _, key := range []hashkey.Key{s.HashKeyRange.Start, s.HashKeyRange.End, s.HashKeyRange.Midpoint()} {
			// The partition key would take all of them to one shard.
			entries = append(entries, stream.Entry{PartitionKey: "one key", ExplicitHashKey: &key, Data: []byte(key.String())})
		}
	}
	entries = append(entries, stream.Entry{PartitionKey: "one key", Data: []byte("by its own hash")})
	records := t.batch(entries)
	for _, e := range entries {
		records = append(records, stored{e, t.put(e)})
	}
	t.readByShard(shards, records)
}

func putsCopy(t *trial) {
	buf := []byte("as it was put")
	single := stream.Entry{PartitionKey: "single", Data: bytes.Clone(buf)}
	records := []stored{{single, t.put(stream.Entry{PartitionKey: "single", Data: buf})}}
	clear(buf)

	first, second := []byte("first of a batch"), []byte("second of a batch")
	key := hashkey.Max()
	entries := []stream.Entry{{PartitionKey: "batch", Data: first}, {PartitionKey: "batch", Data: second}}
	if !t.features.NoExplicitHashKeys {
		entries[0].ExplicitHashKey, entries[1].ExplicitHashKey = &key, &key
	}
	batch := t.batch(entries)
	for i := range batch {
		batch[i].entry.Data = bytes.Clone(batch[i].entry.Data)
	}
	clear(first)
	clear(second)
	clear(entries)
	key = hashkey.Key{}
	records = append(records, batch...)
	r := t.reader(t.only().ID, stream.TrimHorizon())
	t.same(t.take(r, len(records)), byNumber(records))
}
