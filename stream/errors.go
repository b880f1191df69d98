package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// The kinds of failure, for errors.Is. Each is returned wrapped in a type of
// its own, named beside it, that carries the figures.
var (
	ErrConfig         = errors.New("stream: bad configuration")                                // *ConfigError
	ErrName           = errors.New("stream: bad stream name")                                  // *NameError
	ErrRecordTooLarge = errors.New("stream: record too large")                                 // *RecordTooLargeError
	ErrBatchTooLarge  = errors.New("stream: batch too large")                                  // *BatchTooLargeError
	ErrShardNotFound  = errors.New("stream: shard not found")                                  // *ShardNotFoundError
	ErrShardClosed    = errors.New("stream: shard closed")                                     // *ShardClosedError
	ErrSplit          = errors.New("stream: bad hash key for a split")                         // *SplitError
	ErrNotAdjacent    = errors.New("stream: shards not adjacent")                              // *NotAdjacentError
	ErrShardCount     = errors.New("stream: bad number of shards")                             // *ShardCountError
	ErrRetention      = errors.New("stream: bad retention period")                             // *RetentionError
	ErrIterator       = errors.New("stream: bad shard iterator")                               // *IteratorError
	ErrLimit          = errors.New("stream: bad limit")                                        // *LimitError
	ErrFilter         = errors.New("stream: bad shard filter")                                 // *FilterError
	ErrResizing       = errors.New("stream: another Resize is running: wait for it to return") // as it is
	ErrReaderClosed   = errors.New("stream: the reader has been closed")                       // as it is
	ErrNotFound       = errors.New("stream: stream not found")                                 // *NotFoundError
	ErrExists         = errors.New("stream: stream exists")                                    // *ExistsError
)

// The kinds of failure that come from package shard, under the names that a
// user of this package expects.
var (
	ErrClosed         = shard.ErrStreamClosed   // as it is: the stream has been closed
	ErrEndOfShard     = shard.ErrEndOfShard     // *shard.EndOfShardError
	ErrThrottled      = shard.ErrThrottled      // *shard.ThrottledError
	ErrFull           = shard.ErrFull           // *shard.FullError
	ErrPartitionKey   = shard.ErrPartitionKey   // *shard.PartitionKeyError
	ErrSequenceNumber = shard.ErrSequenceNumber // *shard.SequenceNumberError
	ErrTimestamp      = shard.ErrTimestamp      // *shard.TimestampError
	ErrPosition       = shard.ErrPosition       // *shard.PositionError, and *PositionError for a whole stream
)

// ConfigError says which field of a [Config] is out of its bounds.
type ConfigError struct {
	Field           string
	Value, Min, Max any
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("stream: Config.%s is %v: give a value from %v to %v, or leave it zero for the default", e.Field, e.Value, e.Min, e.Max)
}

// Is makes a ConfigError an [ErrConfig].
func (e *ConfigError) Is(target error) bool { return target == ErrConfig }

// NameError says that a stream's name is not one that the service would take.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("stream: %q is not a stream name: give 1 to %d of the characters a-z A-Z 0-9 _ . -", clip(e.Name), maxNameLen)
}

// Is makes a NameError an [ErrName].
func (e *NameError) Is(target error) bool { return target == ErrName }

// RecordTooLargeError says that a record's partition key and data are too long
// together.
type RecordTooLargeError struct{ Bytes, Bound int }

func (e *RecordTooLargeError) Error() string {
	return fmt.Sprintf("stream: the record has %d bytes, partition key and data together, and at most %d are allowed: split it, or raise MaxRecordBytes (up to %d)",
		e.Bytes, e.Bound, MaxMaxRecordBytes)
}

// Is makes a RecordTooLargeError an [ErrRecordTooLarge].
func (e *RecordTooLargeError) Is(target error) bool { return target == ErrRecordTooLarge }

// BatchTooLargeError says that a batch has too many records or bytes. None of
// its records was stored.
type BatchTooLargeError struct {
	Records, MaxRecords int
	Bytes, MaxBytes     int // partition keys and data; 0 where there are too many records
}

func (e *BatchTooLargeError) Error() string {
	if e.Records > e.MaxRecords {
		return fmt.Sprintf("stream: the batch has %d records, and at most %d are allowed: put it in parts, or raise MaxBatchRecords", e.Records, e.MaxRecords)
	}
	return fmt.Sprintf("stream: the batch has %d bytes, partition keys included, and at most %d are allowed: put it in parts, or raise MaxBatchBytes", e.Bytes, e.MaxBytes)
}

// Is makes a BatchTooLargeError an [ErrBatchTooLarge].
func (e *BatchTooLargeError) Is(target error) bool { return target == ErrBatchTooLarge }

// ShardNotFoundError says that the stream has no such shard, or has it no
// longer because it was closed longer ago than the retention.
type ShardNotFoundError struct{ Stream, ShardID string }

func (e *ShardNotFoundError) Error() string {
	return fmt.Sprintf("stream: could not find shard %q in stream %s: ListShards names those that there are", clip(e.ShardID), e.Stream)
}

// Is makes a ShardNotFoundError an [ErrShardNotFound].
func (e *ShardNotFoundError) Is(target error) bool { return target == ErrShardNotFound }

// ShardClosedError says that a shard has already been split or merged.
type ShardClosedError struct {
	Stream, ShardID string
	Children        []string
}

func (e *ShardClosedError) Error() string {
	return fmt.Sprintf("stream: shard %s in stream %s has already been split or merged, and is not eligible for splitting or merging: use its children %v", e.ShardID, e.Stream, e.Children)
}

// Is makes a ShardClosedError an [ErrShardClosed].
func (e *ShardClosedError) Is(target error) bool { return target == ErrShardClosed }

// SplitError says that a shard cannot be split at a hash key.
type SplitError struct {
	Stream, ShardID string
	At              hashkey.Key
	Range           hashkey.Range
}

func (e *SplitError) Error() string {
	return fmt.Sprintf("stream: shard %s in stream %s cannot be split at %s: give a hash key greater than one plus its start %s and less than its end %s",
		e.ShardID, e.Stream, e.At, e.Range.Start, e.Range.End)
}

// Is makes a SplitError an [ErrSplit].
func (e *SplitError) Is(target error) bool { return target == ErrSplit }

// NotAdjacentError says that two shards cannot be merged because the second
// does not begin where the first ends.
type NotAdjacentError struct{ Stream, ShardID, AdjacentID string }

func (e *NotAdjacentError) Error() string {
	return fmt.Sprintf("stream: shards %s and %s in stream %s are not an adjacent pair eligible for merging: give two open shards, the second beginning at the hash key after the end of the first",
		e.ShardID, e.AdjacentID, e.Stream)
}

// Is makes a NotAdjacentError an [ErrNotAdjacent].
func (e *NotAdjacentError) Is(target error) bool { return target == ErrNotAdjacent }

// ShardCountError says that a number of open shards is out of bounds.
type ShardCountError struct{ Current, Target, Min, Max int }

func (e *ShardCountError) Error() string {
	return fmt.Sprintf("stream: cannot go from %d open shards to %d: from %d to %d are allowed, see MaxShards and Limits.MaxResizeFactor", e.Current, e.Target, e.Min, e.Max)
}

// Is makes a ShardCountError an [ErrShardCount].
func (e *ShardCountError) Is(target error) bool { return target == ErrShardCount }

// RetentionError says that a retention period is out of bounds, or on the wrong
// side of the present one.
type RetentionError struct{ Current, Requested, Min, Max time.Duration }

func (e *RetentionError) Error() string {
	return fmt.Sprintf("stream: the retention of %v cannot become %v: give a period from %v to %v", e.Current, e.Requested, e.Min, e.Max)
}

// Is makes a RetentionError an [ErrRetention].
func (e *RetentionError) Is(target error) bool { return target == ErrRetention }

// PositionError says that a position does not fit what is to be read.
type PositionError struct{ Position Position }

func (e *PositionError) Error() string {
	return fmt.Sprintf("stream: the position %s names a record of one shard: start a whole stream at TRIM_HORIZON, LATEST or AT_TIMESTAMP, or read the shard by itself", e.Position.Type)
}

// Is makes a PositionError an [ErrPosition].
func (e *PositionError) Is(target error) bool { return target == ErrPosition }

// IteratorError says that a text is not that of a shard iterator.
type IteratorError struct{ Text string }

func (e *IteratorError) Error() string {
	if e.Text == "" {
		return "stream: the shard iterator is empty, which is what the end of a closed shard gives: go on with its children"
	}
	return fmt.Sprintf("stream: %q is not a shard iterator: give what Iterator or Get returned", clip(e.Text))
}

// Is makes an IteratorError an [ErrIterator].
func (e *IteratorError) Is(target error) bool { return target == ErrIterator }

// LimitError says that a page size is out of bounds.
type LimitError struct{ Limit, Max int }

func (e *LimitError) Error() string {
	return fmt.Sprintf("stream: the limit %d is out of bounds: give 1 to %d, or 0 for the default", e.Limit, e.Max)
}

// Is makes a LimitError an [ErrLimit].
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// FilterError says that there is no such type of shard filter.
type FilterError struct{ Type ShardFilterType }

func (e *FilterError) Error() string {
	return fmt.Sprintf("stream: there is no shard filter of type %d: give one from %d (FromTrimHorizon) to %d (FromShardTimestamp)", e.Type, FromTrimHorizon, FromShardTimestamp)
}

// Is makes a FilterError an [ErrFilter].
func (e *FilterError) Is(target error) bool { return target == ErrFilter }

// NotFoundError says that a registry has no such stream.
type NotFoundError struct{ Name string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("stream: stream %q not found: create it first, or look at List", clip(e.Name))
}

// Is makes a NotFoundError an [ErrNotFound].
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// ExistsError says that a registry already has a stream of that name.
type ExistsError struct{ Name string }

func (e *ExistsError) Error() string {
	return fmt.Sprintf("stream: stream %q already exists: delete it first, or choose another name", e.Name)
}

// Is makes a ExistsError an [ErrExists].
func (e *ExistsError) Is(target error) bool { return target == ErrExists }

// clip bounds how much of a caller's text an error repeats.
func clip(text string) string {
	const most = 160
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
