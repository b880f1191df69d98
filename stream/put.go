package stream

import (
	"context"
	"errors"

	"github.com/seed-187400e4/millrace/shard"
)

// Put stores one record and returns where. When it has returned, every reader
// sees the record (I3). Data and partition key are copied.
//
// It never waits for readers, and for another put only while that is copying
// into the same shard. Errors, with each of which nothing was stored: the error
// of ctx; [*shard.PartitionKeyError]; [*RecordTooLargeError];
// [*shard.ThrottledError] where limits are set; [*shard.FullError] at MaxBytes;
// [ErrClosed]; and what a hook returned. It mirrors the service's PutRecord.
func (s *Stream) Put(ctx context.Context, e Entry) (Receipt, error) {
	if s.observed {
		return s.putObserved(ctx, e)
	}
	return s.put(ctx, &e)
}

func (s *Stream) put(ctx context.Context, e *Entry) (Receipt, error) {
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	if err := e.check(s.cfg.MaxRecordBytes); err != nil {
		return Receipt{}, err
	}
	key := e.hashKey()
	for {
		t := s.topology.Load()
		target := t.shards[t.route(key)]
		number, err := target.Append(e.PartitionKey, e.Data, e.ExplicitHashKey != nil)
		if err == nil {
			return Receipt{ShardID: target.ID(), SequenceNumber: number}, nil
		}
		// The shard was closed after the topology was read; the one that
		// routes to its children is in place by now (I2).
		if !errors.Is(err, shard.ErrClosed) {
			return Receipt{}, err
		}
	}
}
