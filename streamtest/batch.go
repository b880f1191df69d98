package streamtest

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/seed-187400e4/millrace/stream"
)

func batchChecks() []Check {
	return []Check{
		{Invariant: "I3", Name: "a batch keeps the order of each partition key", Shards: 3, needs: batchOrder, run: batchesKeepTheOrderOfAKey},
		{Invariant: "I3", Name: "a batch stores what it can and says what it refused", Shards: 2, run: batchesFailInPart},
		{Invariant: "I3", Name: "a batch beyond its bound is refused as a whole", Shards: 1, run: batchesAreBounded},
	}
}

func batchesKeepTheOrderOfAKey(t *trial) {
	const keys, each = 7, 20
	var entries []stream.Entry
	for i := range each {
		for k := range keys {
			entries = append(entries, stream.Entry{PartitionKey: fmt.Sprint("key ", k), Data: fmt.Append(nil, i)})
		}
	}
	records := t.batch(entries)
	t.readByShard(t.open(), records)
}

func batchesFailInPart(t *trial) {
	tooLarge := bytes.Repeat([]byte("x"), t.features.MaxRecordBytes)
	entries := []stream.Entry{
		{PartitionKey: "key", Data: []byte("before")},
		{PartitionKey: "key", Data: tooLarge},
		{PartitionKey: "", Data: []byte("an empty key")},
		{PartitionKey: "key", Data: []byte("between")},
		{PartitionKey: strings.Repeat("x", 257), Data: []byte("a key of 257 characters")},
		{PartitionKey: strings.Repeat("ü", 256), Data: []byte("a key of 256 characters")},
		{PartitionKey: "key", Data: []byte("after")},
	}
	want := []error{nil, stream.ErrRecordTooLarge, stream.ErrPartitionKey, nil, stream.ErrPartitionKey, nil, nil}

	result, err := t.engine.PutBatch(t.ctx, entries)
	t.must(err, "PutBatch with records that are refused")
	if len(result.Results) != len(entries) {
		t.failf("PutBatch of %d records: %d results", len(entries), len(result.Results))
	}
	var records []stored
	for i, r := range result.Results {
		if want[i] == nil {
			t.must(r.Err, "record %d of a batch, %s", i, describe(entries[i]))
			records = append(records, stored{entries[i], r.Receipt})
			continue
		}
		t.refused(r.Err, want[i], "record %d of a batch, %s,", i, describe(entries[i]))
		if r.Receipt != (stream.Receipt{}) {
			t.failf("record %d of a batch was refused, with the receipt %+v", i, r.Receipt)
		}
	}
	if result.Failed != 3 {
		t.failf("PutBatch with 3 records that are refused: Failed is %d", result.Failed)
	}
	t.readByShard(t.open(), records)
}

func batchesAreBounded(t *trial) {
	entries := make([]stream.Entry, t.features.MaxBatchRecords+1)
	for i := range entries {
		entries[i] = stream.Entry{PartitionKey: "key", Data: fmt.Append(nil, i)}
	}
	_, err := t.engine.PutBatch(t.ctx, entries)
	t.refused(err, stream.ErrBatchTooLarge, "PutBatch of %d records", len(entries))

	result, err := t.engine.PutBatch(t.ctx, nil)
	t.must(err, "PutBatch of no records")
	if len(result.Results) != 0 || result.Failed != 0 {
		t.failf("PutBatch of no records: %d results, of which %d failed", len(result.Results), result.Failed)
	}

	records := byNumber(t.batch(entries[:len(entries)-1]))
	r := t.reader(t.only().ID, stream.TrimHorizon())
	t.same(t.take(r, len(records)), records)
	t.nothing(r)
}
