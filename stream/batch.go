package stream

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// PutResult is what became of one record of a batch: a receipt, or an error
// with which nothing was stored.
type PutResult struct {
	Receipt
	Err error
}

// BatchResult is what became of a batch, record by record in the order of the
// entries. A batch that is partly stored is data, not an error.
type BatchResult struct {
	Results []PutResult
	Failed  int // how many have an Err
}

// Err is the error of the first record that was refused, or nil.
func (r BatchResult) Err() error {
	if r.Failed == 0 {
		return nil
	}
	for i := range r.Results {
		if err := r.Results[i].Err; err != nil {
			return err
		}
	}
	return nil
}

// PutBatch stores up to MaxBatchRecords records, of up to MaxBatchBytes
// together. Each is stored or refused by itself, as by [Stream.Put]; those with
// the same partition key are stored in the order of the entries. Each shard
// takes its part of the batch under one lock, which it lets go of only to make
// room at MaxBytes. A batch of none does nothing.
//
// Errors, with each of which none was stored: the error of ctx;
// [*BatchTooLargeError]; [ErrClosed]. It mirrors the service's PutRecords.
func (s *Stream) PutBatch(ctx context.Context, entries []Entry) (BatchResult, error) {
	return s.PutBatchInto(ctx, entries, nil)
}

// PutBatchInto is [Stream.PutBatch] with the memory for the results: they are
// written over results, which is grown if its capacity is less than the number
// of entries. With enough of it, nothing is allocated.
func (s *Stream) PutBatchInto(ctx context.Context, entries []Entry, results []PutResult) (BatchResult, error) {
	if s.observed {
		return s.putBatchObserved(ctx, entries, results)
	}
	return s.putBatch(ctx, entries, results, nil)
}

// batch is the working memory of one PutBatch. Entries that go to one shard are
// chained in their order: first and last are indexed by the place of the shard
// in the topology, next by entry.
type batch struct {
	keys        []hashkey.Key // by entry
	next        []int32
	first, last []int32 // noEntry for a shard without entries
	places      []int32 // of shards with entries
	retry       []int32 // entries whose shard was closed meanwhile
}

const noEntry = -1

// putBatch stores entries but for those that refused names an error for.
func (s *Stream) putBatch(ctx context.Context, entries []Entry, results []PutResult, refused []error) (BatchResult, error) {
	if err := s.checkBatch(ctx, entries); err != nil {
		return BatchResult{}, err
	}
	results = slices.Grow(results[:0], len(entries))[:len(entries)]
	b := s.batches.Get().(*batch)
	b.next = slices.Grow(b.next[:0], len(entries))[:len(entries)]

	out := BatchResult{Results: results}
	t := s.topology.Load()
	b.reset(len(t.shards))
	b.keys = b.keys[:0]
	if len(t.shards) > 1 {
		b.hash(entries)
	}
	for i := range entries {
		err := checkRecord(entries[i].PartitionKey, entries[i].Data, s.cfg.MaxRecordBytes)
		if err == nil && refused != nil {
			err = refused[i]
		}
		if err != nil {
			results[i] = PutResult{Err: err}
			out.Failed++
			continue
		}
		b.chain(int32(i), b.route(t, i))
	}
	now := s.millis.Now()
	for {
		for _, place := range b.places {
			out.Failed += b.appendTo(t.shards[place], b.first[place], now, entries, results)
		}
		if len(b.retry) == 0 {
			break
		}
		// Route what a reshard has overtaken anew (I2), in the old order.
		slices.Sort(b.retry)
		t = s.topology.Load()
		b.reset(len(t.shards))
		if len(b.keys) == 0 {
			b.hash(entries)
		}
		for _, i := range b.retry {
			b.chain(i, b.route(t, int(i)))
		}
		b.retry = b.retry[:0]
	}
	s.batches.Put(b)
	s.batched.count(out)
	return out, nil
}

// checkBatch returns the error with which none of a batch is stored.
func (s *Stream) checkBatch(ctx context.Context, entries []Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	bytes := int64(0) // entries may share their data and add up to more than memory
	if len(entries) <= s.cfg.MaxBatchRecords {
		for i := range entries {
			bytes += int64(len(entries[i].PartitionKey) + len(entries[i].Data))
		}
	}
	if len(entries) > s.cfg.MaxBatchRecords || bytes > int64(s.cfg.MaxBatchBytes) {
		return &BatchTooLargeError{
			Records: len(entries), MaxRecords: s.cfg.MaxBatchRecords,
			Bytes: int(min(bytes, math.MaxInt)), MaxBytes: s.cfg.MaxBatchBytes,
		}
	}
	if s.closed.Load() {
		return ErrClosed
	}
	return nil
}

// route is the place of the shard for an entry. A single shard owns every key.
func (b *batch) route(t *topology, entry int) int {
	if len(t.shards) == 1 {
		return 0
	}
	return t.route(b.keys[entry])
}

// hash sets the hash keys of entries, those of partition keys two at a time.
func (b *batch) hash(entries []Entry) {
	b.keys = slices.Grow(b.keys, len(entries))[:len(entries)]
	waiting := noEntry
	for i := range entries {
		switch {
		case entries[i].ExplicitHashKey != nil:
			b.keys[i] = *entries[i].ExplicitHashKey
		case waiting == noEntry:
			waiting = i
		default:
			b.keys[waiting], b.keys[i] = hashkey.FromPartitionKeys2(entries[waiting].PartitionKey, entries[i].PartitionKey)
			waiting = noEntry
		}
	}
	if waiting != noEntry {
		b.keys[waiting] = hashkey.FromPartitionKey(entries[waiting].PartitionKey)
	}
}

// reset makes b ready for a topology of so many shards.
func (b *batch) reset(shards int) {
	for _, place := range b.places {
		b.first[place] = noEntry
	}
	b.places = b.places[:0]
	for len(b.first) < shards {
		b.first = append(b.first, noEntry)
		b.last = append(b.last, noEntry)
	}
}

// chain puts an entry behind those that go to the same shard.
func (b *batch) chain(entry int32, place int) {
	b.next[entry] = noEntry
	if b.first[place] == noEntry {
		b.first[place] = entry
		b.places = append(b.places, int32(place))
	} else {
		b.next[b.last[place]] = entry
	}
	b.last[place] = entry
}

// appendTo stores the chain of entries that begins with entry, and returns how
// many failed.
func (b *batch) appendTo(target *shard.Shard, entry int32, now int64, entries []Entry, results []PutResult) (failed int) {
	id := target.ID()
	run := target.Begin(now)
	defer run.End()
	for ; entry != noEntry; entry = b.next[entry] {
		e, r := &entries[entry], &results[entry]
		number, err := run.Append(e.PartitionKey, e.Data, e.ExplicitHashKey != nil)
		switch {
		case err == nil:
			r.ShardID, r.SequenceNumber, r.Err = id, number, nil
		case errors.Is(err, shard.ErrClosed):
			b.retry = append(b.retry, entry)
		default:
			*r = PutResult{Err: err}
			failed++
		}
	}
	return failed
}
