package stream_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

// Every error says what was wrong, names the bound, and what to do about it, and
// is of exactly one kind.
func TestErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err     error
		is      error
		message string
	}{
		{
			&stream.ConfigError{Field: "Shards", Value: -1, Min: 1, Max: 65536}, stream.ErrConfig,
			"stream: Config.Shards is -1: give a value from 1 to 65536, or leave it zero for the default",
		},
		{
			&stream.NameError{Name: "a b"}, stream.ErrName,
			`stream: "a b" is not a stream name: give 1 to 128 of the characters a-z A-Z 0-9 _ . -`,
		},
		{
			&stream.RecordTooLargeError{Bytes: 1048577, Bound: 1048576}, stream.ErrRecordTooLarge,
			"stream: the record has 1048577 bytes, partition key and data together, and at most 1048576 are allowed: split it, or raise MaxRecordBytes (up to 10485760)",
		},
		{
			&stream.BatchTooLargeError{Records: 501, MaxRecords: 500, MaxBytes: 10}, stream.ErrBatchTooLarge,
			"stream: the batch has 501 records, and at most 500 are allowed: put it in parts, or raise MaxBatchRecords",
		},
		{
			&stream.ShardNotFoundError{Stream: "orders", ShardID: "x"}, stream.ErrShardNotFound,
			`stream: could not find shard "x" in stream orders: ListShards names those that there are`,
		},
		{
			&stream.ShardClosedError{Stream: "orders", ShardID: long(0), Children: []string{long(1), long(2)}}, stream.ErrShardClosed,
			"stream: shard shardId-000000000000 in stream orders has already been split or merged, and is not eligible for splitting or merging: " +
				"use its children [shardId-000000000001 shardId-000000000002]",
		},
		{
			&stream.SplitError{Stream: "orders", ShardID: long(0), At: hashkey.Key{Lo: 1}, Range: hashkey.Range{End: hashkey.Key{Lo: 9}}}, stream.ErrSplit,
			"stream: shard shardId-000000000000 in stream orders cannot be split at 1: give a hash key greater than one plus its start 0 and less than its end 9",
		},
		{
			&stream.NotAdjacentError{Stream: "orders", ShardID: long(0), AdjacentID: long(2)}, stream.ErrNotAdjacent,
			"stream: shards shardId-000000000000 and shardId-000000000002 in stream orders are not an adjacent pair eligible for merging: " +
				"give two open shards, the second beginning at the hash key after the end of the first",
		},
		{
			&stream.ShardCountError{Current: 4, Target: 9, Min: 2, Max: 8}, stream.ErrShardCount,
			"stream: cannot go from 4 open shards to 9: from 2 to 8 are allowed, see MaxShards and Limits.MaxResizeFactor",
		},
		{
			&stream.RetentionError{Current: time.Hour, Requested: 0, Min: time.Millisecond, Max: time.Hour}, stream.ErrRetention,
			"stream: the retention of 1h0m0s cannot become 0s: give a period from 1ms to 1h0m0s",
		},
		{
			&stream.PositionError{Position: stream.AtSequenceNumber(stream.SequenceNumber{})}, stream.ErrPosition,
			"stream: the position AT_SEQUENCE_NUMBER names a record of one shard: start a whole stream at TRIM_HORIZON, LATEST or AT_TIMESTAMP, or read the shard by itself",
		},
		{
			&stream.IteratorError{Text: "x"}, stream.ErrIterator,
			`stream: "x" is not a shard iterator: give what Iterator or Get returned`,
		},
		{
			&stream.LimitError{Limit: -1, Max: 10000}, stream.ErrLimit,
			"stream: the limit -1 is out of bounds: give 1 to 10000, or 0 for the default",
		},
		{
			&stream.FilterError{Type: 9}, stream.ErrFilter,
			"stream: there is no shard filter of type 9: give one from 0 (FromTrimHorizon) to 4 (FromShardTimestamp)",
		},
		{
			&stream.NotFoundError{Name: "orders"}, stream.ErrNotFound,
			`stream: stream "orders" not found: create it first, or look at List`,
		},
		{
			&stream.ExistsError{Name: "orders"}, stream.ErrExists,
			`stream: stream "orders" already exists: delete it first, or choose another name`,
		},
	}
	for _, tt := range tests {
		require.EqualError(t, tt.err, tt.message)
		require.ErrorIs(t, tt.err, tt.is)
		for _, other := range tests {
			require.Equal(t, errors.Is(tt.is, other.is), errors.Is(tt.err, other.is), "%T and %v", tt.err, other.is)
		}
	}
}

// A reader of this package need not know of package shard to tell errors apart.
func TestErrorsOfShardsHaveTheirNamesHere(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string][2]error{
		"ErrClosed":         {shard.ErrStreamClosed, stream.ErrClosed},
		"ErrEndOfShard":     {&shard.EndOfShardError{}, stream.ErrEndOfShard},
		"ErrThrottled":      {&shard.ThrottledError{}, stream.ErrThrottled},
		"ErrFull":           {&shard.FullError{}, stream.ErrFull},
		"ErrPartitionKey":   {&shard.PartitionKeyError{}, stream.ErrPartitionKey},
		"ErrSequenceNumber": {&shard.SequenceNumberError{}, stream.ErrSequenceNumber},
		"ErrTimestamp":      {&shard.TimestampError{}, stream.ErrTimestamp},
		"ErrPosition":       {&shard.PositionError{}, stream.ErrPosition},
	} {
		require.ErrorIs(t, pair[0], pair[1], name)
	}
}

func TestErrorsRepeatNoMoreThanAPartOfALongText(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 1<<20)
	for _, err := range []error{
		&stream.NameError{Name: text},
		&stream.ShardNotFoundError{Stream: "orders", ShardID: text},
		&stream.IteratorError{Text: text},
		&stream.NotFoundError{Name: text},
	} {
		require.Less(t, len(err.Error()), 400, "%T", err)
	}
}
