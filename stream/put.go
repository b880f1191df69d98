package stream

import (
	"context"
	"errors"

	"github.com/seed-187400e4/millrace/hashkey"
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
func (s *Stream) Put(ctx context.Context, e Entry) (receipt Receipt, err error) {
	if s.observed {
		return s.putObserved(ctx, e)
	}
	receipt.ShardID, receipt.SequenceNumber, err = s.put(ctx, e.PartitionKey, e.ExplicitHashKey, e.Data)
	return receipt, err
}

// put is Put in parts: a struct of more than four words is passed through
// memory, which costs as much as the lock.
func (s *Stream) put(ctx context.Context, partitionKey string, explicit *hashkey.Key, data []byte) (string, SequenceNumber, error) {
	if err := ctx.Err(); err != nil {
		return "", SequenceNumber{}, err
	}
	if !isPlain(len(partitionKey), len(data), s.cfg.MaxRecordBytes) {
		if err := checkRecord(partitionKey, data, s.cfg.MaxRecordBytes); err != nil {
			return "", SequenceNumber{}, err
		}
	}
	now := s.millis.Now()
	var key hashkey.Key
	hashed := false
	for {
		t := s.topology.Load()
		place := 0
		if len(t.shards) > 1 {
			// A single shard owns every key: MD5, half of a put, can wait for
			// the day that it is split.
			if !hashed {
				key, hashed = hashKey(partitionKey, explicit), true
			}
			b := t.bucket(key)
			if place = int(b.first); b.first != b.last {
				place = t.search(key, b)
			}
		}
		target := t.shards[place]
		number, err := target.AppendAt(now, partitionKey, data, explicit != nil)
		if err == nil {
			return target.ID(), number, nil
		}
		// The shard was closed after the topology was read; the one that
		// routes to its children is in place by now (I2).
		if !errors.Is(err, shard.ErrClosed) {
			return "", SequenceNumber{}, err
		}
	}
}
