package shard_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// Every error says what was wrong, names the bound, and what to do about it.
func TestErrors(t *testing.T) {
	t.Parallel()
	children := []shard.ChildShard{
		{ShardID: "shardId-000000000001", ParentShards: []string{"shardId-000000000000"}, HashKeyRange: hashkey.EvenAt(2, 0)},
		{ShardID: "shardId-000000000002", ParentShards: []string{"shardId-000000000000"}, HashKeyRange: hashkey.EvenAt(2, 1)},
	}
	tests := []struct {
		name    string
		err     error
		is      error
		message string
	}{
		{
			"closed", &shard.ClosedError{ShardID: shard.ID(0), Children: children}, shard.ErrClosed,
			"shard shardId-000000000000 is closed and takes no more records: put through the stream, which routes to its children (shardId-000000000001, shardId-000000000002)",
		},
		{
			"end of shard", &shard.EndOfShardError{ShardID: shard.ID(0), Children: children, ClosedAt: start}, shard.ErrEndOfShard,
			"shard shardId-000000000000 was closed and has been read to its end: go on with its children (shardId-000000000001, shardId-000000000002)",
		},
		{
			"throttled", &shard.ThrottledError{ShardID: shard.ID(3), Limit: "reads a second", PerSecond: 5, RetryAfter: 200 * time.Millisecond}, shard.ErrThrottled,
			"rate exceeded for shard shardId-000000000003: more than 5 reads a second: try again in 200ms, or spread the load over more shards",
		},
		{
			"full", &shard.FullError{ShardID: shard.ID(3), Need: 10, Used: 95, Bound: 100}, shard.ErrFull,
			"shard shardId-000000000003 has no room for 10 bytes: 95 of 100 bytes are in use: wait for retention to trim, raise MaxBytes, or choose to trim the oldest",
		},
		{
			"larger than the bound", &shard.FullError{ShardID: shard.ID(3), Need: 101, Bound: 100}, shard.ErrFull,
			"the record takes 101 bytes with its overhead of 16, more than the whole bound of 100: raise MaxBytes or split the record",
		},
		{
			"empty partition key", &shard.PartitionKeyError{}, shard.ErrPartitionKey,
			"the partition key is empty: give 1 to 256 Unicode characters",
		},
		{
			"long partition key", &shard.PartitionKeyError{Chars: 257}, shard.ErrPartitionKey,
			"the partition key has 257 Unicode characters: give 1 to 256, or a digest of the long one",
		},
		{
			"malformed number", &shard.SequenceNumberError{Text: "x", Reason: shard.Malformed}, shard.ErrSequenceNumber,
			`"x" is not a sequence number: give a decimal number of up to 129 digits as it came from a record or a shard`,
		},
		{
			"number of another shard",
			&shard.SequenceNumberError{Text: "7", ShardID: shard.ID(1), EncodesShard: shard.ID(2), Reason: shard.OtherShard}, shard.ErrSequenceNumber,
			"sequence number 7 encodes shardId-000000000002, while it was used with shardId-000000000001: use a number from a record of shardId-000000000001",
		},
		{
			"number of another stream", &shard.SequenceNumberError{Text: "7", ShardID: shard.ID(1), Reason: shard.OtherStream}, shard.ErrSequenceNumber,
			"sequence number 7 did not come from shardId-000000000001 of this stream: use a number from a record of this stream",
		},
		{
			"number past the end", &shard.SequenceNumberError{Text: "7", ShardID: shard.ID(1), Reason: shard.PastEnd}, shard.ErrSequenceNumber,
			"sequence number 7 has reached the maximum for shardId-000000000001: the shard is closed, read its children",
		},
		{
			"future time", &shard.TimestampError{Timestamp: start.Add(time.Millisecond), Now: start}, shard.ErrTimestamp,
			"the timestamp 2023-11-14T22:13:20.001Z is later than now, 2023-11-14T22:13:20Z: give a time up to now, or start at the latest record",
		},
		{
			"unknown position", &shard.PositionError{Type: 99}, shard.ErrPosition,
			"there is no position of type 99: make one with TrimHorizon, Latest, AtSequenceNumber, AfterSequenceNumber or AtTimestamp",
		},
		{"stream closed", shard.ErrStreamClosed, shard.ErrStreamClosed, "shard: the stream has been closed"},
	}
	kinds := []error{
		shard.ErrClosed, shard.ErrEndOfShard, shard.ErrThrottled, shard.ErrFull,
		shard.ErrPartitionKey, shard.ErrSequenceNumber, shard.ErrTimestamp, shard.ErrPosition, shard.ErrStreamClosed,
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, tt.err, tt.message)
			for _, kind := range kinds {
				require.Equal(t, errors.Is(tt.is, kind), errors.Is(tt.err, kind), "%v", kind)
			}
		})
	}
}
