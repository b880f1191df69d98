package stream

import (
	"context"
	"time"
)

// Hooks observe a stream and inject faults into it. Every field may be nil. A
// hook is called in the goroutine of the operation, with no lock held, so it may
// use the stream, wait on ctx or a clock, and count; it must be safe for
// concurrent use. Hooks are fixed when the stream is made.
type Hooks struct {
	// BeforePut is called for every record that is well-formed, before it is
	// stored, unless ctx has ended or the stream is closed. An error refuses the
	// record with that error: Put returns it, and in a batch it becomes the result
	// of the one record.
	BeforePut func(ctx context.Context, put PutEvent) error

	// AfterPut is called with what became of the record, also of one that is not
	// well-formed.
	AfterPut func(ctx context.Context, put PutEvent, result PutResult)

	// BeforeRead is called before each read of a shard. An error is returned in
	// place of records, and the reader does not move.
	BeforeRead func(ctx context.Context, read ReadEvent) error

	// AfterRead is called with what the read gave.
	AfterRead func(ctx context.Context, read ReadEvent, records int, err error)

	// Resharded is called after each split and merge, those of Resize included.
	Resharded func(r ReshardEvent)
}

// PutEvent is a record on its way into a stream.
type PutEvent struct {
	Stream string
	Entry  Entry // read-only
	Index  int   // in its batch; 0 for Put
	Batch  int   // records in the batch; 0 for Put
}

// ReadEvent is a read of a shard.
type ReadEvent struct {
	Stream  string
	ShardID string
	Limit   int // records asked for
}

// ReshardEvent is a split (one parent, two children) or a merge (two and one).
type ReshardEvent struct {
	Stream            string
	Parents, Children []ShardInfo
}

// putObserved is Put where somebody looks on.
func (s *Stream) putObserved(ctx context.Context, e Entry) (Receipt, error) {
	start := s.startLatency()
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	var result PutResult
	event := PutEvent{Stream: s.name, Entry: e}
	if result.Err = checkRecord(e.PartitionKey, e.Data, s.cfg.MaxRecordBytes); result.Err == nil {
		if h := s.hooks.BeforePut; h != nil && !s.closed.Load() {
			result.Err = h(ctx, event)
		}
	}
	if result.Err == nil {
		result.ShardID, result.SequenceNumber, result.Err = s.put(ctx, e.PartitionKey, e.ExplicitHashKey, e.Data)
	}
	if h := s.hooks.AfterPut; h != nil {
		h(ctx, event, result)
	}
	s.latencies.put.observe(s, start)
	return result.Receipt, result.Err
}

// putBatchObserved is PutBatchInto where somebody looks on.
func (s *Stream) putBatchObserved(ctx context.Context, entries []Entry, results []PutResult) (BatchResult, error) {
	start := s.startLatency()
	if err := s.checkBatch(ctx, entries); err != nil {
		return BatchResult{}, err
	}
	event := func(i int) PutEvent {
		return PutEvent{Stream: s.name, Entry: entries[i], Index: i, Batch: len(entries)}
	}
	var refused []error
	if h := s.hooks.BeforePut; h != nil {
		refused = make([]error, len(entries))
		for i := range entries {
			if checkRecord(entries[i].PartitionKey, entries[i].Data, s.cfg.MaxRecordBytes) == nil {
				refused[i] = h(ctx, event(i))
			}
		}
	}
	out, err := s.putBatch(ctx, entries, results, refused)
	if h := s.hooks.AfterPut; h != nil {
		for i := range entries {
			result := PutResult{Err: err}
			if err == nil {
				result = out.Results[i]
			}
			h(ctx, event(i), result)
		}
	}
	s.latencies.batch.observe(s, start)
	return out, err
}

// startLatency is the start of a measured operation, if it is to be measured.
func (s *Stream) startLatency() time.Time {
	if !s.cfg.MeasureLatency {
		return time.Time{}
	}
	return s.cfg.Clock.Now()
}
