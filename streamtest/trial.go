package streamtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

// trial is one run of a check. Its methods end the check at the first broken
// promise, as those of a testing.T do; they do so by a panic that Check.Run
// turns into an error, so only the goroutine of the check may use them.
type trial struct {
	ctx      context.Context // of the whole check
	engine   stream.Engine
	features Features
}

// brokenPromise is the panic of a trial.
type brokenPromise struct{ err error }

func (t *trial) failf(format string, args ...any) {
	panic(brokenPromise{fmt.Errorf(format, args...)})
}

// must ends the check if a call that should have succeeded did not.
func (t *trial) must(err error, call string, args ...any) {
	if err == nil {
		return
	}
	if cause := context.Cause(t.ctx); cause != nil {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	t.failf("%s: %w", fmt.Sprintf(call, args...), err)
}

// refused ends the check unless err is of the kind that a call should have
// returned.
func (t *trial) refused(err, kind error, call string, args ...any) {
	switch {
	case err == nil:
		t.failf("%s succeeded, want an error that is %q", fmt.Sprintf(call, args...), kind)
	case !errors.Is(err, kind):
		t.failf("%s: %w, want an error that is %q", fmt.Sprintf(call, args...), err, kind)
	}
}

// settle waits for an engine that needs time, and reports whether it makes
// sense to look again.
func (t *trial) settle() bool {
	if t.features.Settle == nil || t.ctx.Err() != nil {
		return false
	}
	return t.features.Settle(t.ctx) == nil
}

// pause lets the engine's clock go on, so that arrival times differ.
func (t *trial) pause() {
	select {
	case <-time.After(3 * time.Millisecond):
	case <-t.ctx.Done():
		t.must(t.ctx.Err(), "the check")
	}
}

// list returns the shards of all pages.
func (t *trial) list(f stream.ShardFilter) []stream.ShardInfo {
	var all []stream.ShardInfo
	req := stream.ListShardsRequest{Filter: f}
	for {
		page, err := t.engine.ListShards(t.ctx, req)
		t.must(err, "ListShards after %q", req.After)
		all = append(all, page.Shards...)
		if page.Next == "" {
			return all
		}
		if len(page.Shards) == 0 || page.Next == req.After {
			t.failf("ListShards after %q: a page of %d shards says that the next begins after %q", req.After, len(page.Shards), page.Next)
		}
		req.After = page.Next
	}
}

// open returns the open shards in the order of their ranges.
func (t *trial) open() []stream.ShardInfo {
	shards := t.list(stream.ShardFilter{Type: stream.AtLatest})
	slices.SortFunc(shards, func(a, b stream.ShardInfo) int { return a.HashKeyRange.Start.Compare(b.HashKeyRange.Start) })
	return shards
}

// only returns the one open shard.
func (t *trial) only() stream.ShardInfo {
	shards := t.open()
	if len(shards) != 1 {
		t.failf("%d shards are open, want 1", len(shards))
	}
	return shards[0]
}

// info returns a shard as it is listed.
func (t *trial) info(id string) stream.ShardInfo {
	for _, s := range t.list(stream.ShardFilter{}) {
		if s.ID == id {
			return s
		}
	}
	t.failf("shard %s is not listed", id)
	panic("unreachable")
}

// tile ends the check unless the open shards own the given ranges.
func (t *trial) tile(want []hashkey.Range) []stream.ShardInfo {
	shards := t.open()
	got := make([]hashkey.Range, len(shards))
	for i, s := range shards {
		got[i] = s.HashKeyRange
	}
	if !slices.Equal(got, want) {
		t.failf("the open shards own %v, want %v", got, want)
	}
	return shards
}

// put stores a record that must be taken.
func (t *trial) put(e stream.Entry) stream.Receipt {
	receipt, err := t.engine.Put(t.ctx, e)
	t.must(err, "Put of %s", describe(e))
	if receipt.ShardID == "" || receipt.SequenceNumber.IsZero() {
		t.failf("Put of %s: receipt %+v says not where it is", describe(e), receipt)
	}
	return receipt
}

// putTexts stores a record with the partition key "key" for each text.
func (t *trial) putTexts(texts ...string) []stored {
	records := make([]stored, len(texts))
	for i, text := range texts {
		e := stream.Entry{PartitionKey: "key", Data: []byte(text)}
		records[i] = stored{e, t.put(e)}
	}
	return records
}

// batch stores records that must all be taken, in as many batches as needed.
func (t *trial) batch(entries []stream.Entry) []stored {
	all := make([]stored, 0, len(entries))
	for part := range slices.Chunk(entries, t.features.MaxBatchRecords) {
		result, err := t.engine.PutBatch(t.ctx, part)
		t.must(err, "PutBatch of %d records", len(part))
		if len(result.Results) != len(part) {
			t.failf("PutBatch of %d records: %d results", len(part), len(result.Results))
		}
		for i, r := range result.Results {
			t.must(r.Err, "record %d of a batch, %s", i, describe(part[i]))
			all = append(all, stored{part[i], r.Receipt})
		}
		if result.Failed != 0 {
			t.failf("PutBatch of %d records: Failed is %d, and no result has an error", len(part), result.Failed)
		}
	}
	return all
}

// stored is a record as it was put, and where.
type stored struct {
	entry   stream.Entry
	receipt stream.Receipt
}

// byNumber sorts records as they are read.
func byNumber(records []stored) []stored {
	slices.SortFunc(records, func(a, b stored) int { return a.receipt.SequenceNumber.Compare(b.receipt.SequenceNumber) })
	return records
}

func describe(e stream.Entry) string {
	key := e.PartitionKey
	if len(key) > 20 {
		key = fmt.Sprintf("%.20s... (%d bytes)", key, len(key))
	}
	if e.ExplicitHashKey != nil {
		return fmt.Sprintf("%d bytes with the partition key %q and the explicit hash key %s", len(e.Data), key, e.ExplicitHashKey)
	}
	return fmt.Sprintf("%d bytes with the partition key %q", len(e.Data), key)
}

// reader opens a shard at a position that must be taken.
func (t *trial) reader(shardID string, p stream.Position) stream.ShardReader {
	r, err := t.engine.Open(t.ctx, shardID, p)
	t.must(err, "Open of %s at %s", shardID, p.Type)
	return r
}

// take reads n records.
func (t *trial) take(r stream.ShardReader, n int) []stream.Record {
	got := make([]stream.Record, 0, n)
	buf := make([]stream.Record, n)
	for len(got) < n {
		read, err := r.Read(t.ctx, buf[:n-len(got)])
		if t.ctx.Err() != nil {
			t.failf("%d records are read, want %d: one that was put does not show in time: %w", len(got), n, context.Cause(t.ctx))
		}
		t.must(err, "Read after %d of %d records", len(got), n)
		if read < 0 || read > n-len(got) {
			t.failf("Read into room for %d records returned %d", n-len(got), read)
		}
		got = append(got, buf[:read]...)
		if read == 0 && !t.settle() {
			t.failf("%d records are read, want %d: one that was put does not show", len(got), n)
		}
	}
	return got
}

// nothing ends the check if there is a further record.
func (t *trial) nothing(r stream.ShardReader) {
	buf := make([]stream.Record, 1)
	for range 2 {
		n, err := r.Read(t.ctx, buf)
		t.must(err, "Read at the tip")
		if n != 0 {
			t.failf("read a further record, %s: it was never put, is read twice, or should have been refused", describeRecord(buf[0]))
		}
		if !t.settle() {
			return
		}
	}
}

// ends ends the check unless r is at the end of its shard.
func (t *trial) ends(r stream.ShardReader) { _ = t.end(r) }

// end is ends, and returns what the end says.
func (t *trial) end(r stream.ShardReader) *shard.EndOfShardError {
	buf := make([]stream.Record, 1)
	for {
		n, err := r.Read(t.ctx, buf)
		if n != 0 {
			t.failf("read a further record, %s, want the end of the shard", describeRecord(buf[0]))
		}
		if err == nil && t.settle() {
			continue
		}
		t.refused(err, stream.ErrEndOfShard, "Read at the end of a closed shard")
		end, ok := errors.AsType[*shard.EndOfShardError](err)
		if !ok {
			t.failf("Read at the end of a closed shard: %w, want a *shard.EndOfShardError, which names the children", err)
		}
		return end
	}
}

// same ends the check unless the records are those that were put, in order.
func (t *trial) same(got []stream.Record, want []stored) {
	for i := range min(len(got), len(want)) {
		t.sameRecord(got[i], want[i])
	}
	if len(got) != len(want) {
		t.failf("%d records are read, want %d", len(got), len(want))
	}
}

func (t *trial) sameRecord(got stream.Record, want stored) {
	switch {
	case got.SequenceNumber != want.receipt.SequenceNumber:
		t.failf("read %s, want number %s, %s", describeRecord(got), want.receipt.SequenceNumber, describe(want.entry))
	case got.PartitionKey != want.entry.PartitionKey:
		t.failf("record %s has the partition key %q, want %q", got.SequenceNumber, got.PartitionKey, want.entry.PartitionKey)
	case !bytes.Equal(got.Data, want.entry.Data):
		t.failf("record %s has other data than was put: %.40q (%d bytes), want %.40q (%d bytes)",
			got.SequenceNumber, got.Data, len(got.Data), want.entry.Data, len(want.entry.Data))
	case got.Data == nil:
		t.failf("record %s has nil for its empty data, want a slice of no bytes", got.SequenceNumber)
	case !t.features.NoTimestamps && got.ArrivalTime.IsZero():
		t.failf("record %s has no arrival time", got.SequenceNumber)
	}
}

func describeRecord(r stream.Record) string {
	return fmt.Sprintf("number %s, %s", r.SequenceNumber, describe(stream.Entry{PartitionKey: r.PartitionKey, Data: r.Data}))
}

// hashKey is where a record belongs.
func hashKey(e stream.Entry) hashkey.Key {
	if e.ExplicitHashKey != nil {
		return *e.ExplicitHashKey
	}
	return hashkey.FromPartitionKey(e.PartitionKey)
}

// texts returns n texts that begin with a word.
func texts(word string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s %d", word, i)
	}
	return list
}
