package shard

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-187400e4/millrace/hashkey"
)

// The kinds of failure, for errors.Is. Each is returned wrapped in a type of
// its own, named beside it, that carries the figures.
var (
	ErrClosed         = errors.New("shard: closed")                     // *ClosedError
	ErrEndOfShard     = errors.New("shard: end of shard")               // *EndOfShardError
	ErrThrottled      = errors.New("shard: throughput exceeded")        // *ThrottledError
	ErrFull           = errors.New("shard: byte bound reached")         // *FullError
	ErrPartitionKey   = errors.New("shard: bad partition key")          // *PartitionKeyError
	ErrSequenceNumber = errors.New("shard: bad sequence number")        // *SequenceNumberError
	ErrTimestamp      = errors.New("shard: timestamp in the future")    // *TimestampError
	ErrRecordSize     = errors.New("shard: record too large")           // *RecordSizeError
	ErrPosition       = errors.New("shard: bad position")               // *PositionError
	ErrStreamClosed   = errors.New("shard: the stream has been closed") // as it is
)

// ChildShard is a shard that took over the hash keys, or a part of them, of one
// or two parents.
type ChildShard struct {
	ShardID      string
	ParentShards []string
	HashKeyRange hashkey.Range
}

// ClosedError says that a record was offered to a shard that has been split or
// merged. Put through the stream, which routes to the open child.
type ClosedError struct {
	ShardID  string
	Children []ChildShard
}

func (e *ClosedError) Error() string {
	return fmt.Sprintf("shard %s is closed and takes no more records: put through the stream, which routes to its children (%s)",
		e.ShardID, childIDs(e.Children))
}

// Is makes a ClosedError an [ErrClosed].
func (e *ClosedError) Is(target error) bool { return target == ErrClosed }

// EndOfShardError says that a reader has read all that a closed shard holds,
// and where to go on (invariant I5).
type EndOfShardError struct {
	ShardID  string
	Children []ChildShard
	ClosedAt time.Time
}

func (e *EndOfShardError) Error() string {
	return fmt.Sprintf("shard %s was closed and has been read to its end: go on with its children (%s)",
		e.ShardID, childIDs(e.Children))
}

// Is makes an EndOfShardError an [ErrEndOfShard].
func (e *EndOfShardError) Is(target error) bool { return target == ErrEndOfShard }

func childIDs(children []ChildShard) string {
	ids := make([]string, len(children))
	for i, c := range children {
		ids[i] = c.ShardID
	}
	return strings.Join(ids, ", ")
}

// ThrottledError says that a shard's limit was exceeded. Nothing was done; try
// again after RetryAfter.
type ThrottledError struct {
	ShardID    string
	Limit      string // what was exceeded, such as "records written a second"
	PerSecond  int64  // the bound
	RetryAfter time.Duration
}

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("rate exceeded for shard %s: more than %d %s: try again in %v, or spread the load over more shards",
		e.ShardID, e.PerSecond, e.Limit, e.RetryAfter)
}

// Is makes a ThrottledError an [ErrThrottled].
func (e *ThrottledError) Is(target error) bool { return target == ErrThrottled }

// FullError says that a record was refused because what is stored has reached
// the bound on memory, and that bound refuses rather than trims.
type FullError struct {
	ShardID string
	Need    int64 // bytes of the record, with its overhead
	Used    int64 // bytes stored or set aside for a shard, under the bound
	Bound   int64 // bytes
}

func (e *FullError) Error() string {
	if e.Need > e.Bound {
		return fmt.Sprintf("the record takes %d bytes with its overhead of %d, more than the whole bound of %d: raise MaxBytes or split the record",
			e.Need, RecordOverhead, e.Bound)
	}
	return fmt.Sprintf("shard %s has no room for %d bytes: %d of %d bytes are in use: wait for retention to trim, raise MaxBytes, or choose to trim the oldest",
		e.ShardID, e.Need, e.Used, e.Bound)
}

// Is makes a FullError an [ErrFull].
func (e *FullError) Is(target error) bool { return target == ErrFull }

// PartitionKeyError says that a partition key is empty or too long.
type PartitionKeyError struct {
	Chars int // its length in Unicode characters
}

func (e *PartitionKeyError) Error() string {
	if e.Chars == 0 {
		return fmt.Sprintf("the partition key is empty: give 1 to %d Unicode characters", MaxPartitionKeyChars)
	}
	return fmt.Sprintf("the partition key has %d Unicode characters: give 1 to %d, or a digest of the long one",
		e.Chars, MaxPartitionKeyChars)
}

// Is makes a PartitionKeyError an [ErrPartitionKey].
func (e *PartitionKeyError) Is(target error) bool { return target == ErrPartitionKey }

// SequenceNumberReason says what is wrong with a sequence number.
type SequenceNumberReason int

// The reasons, in the order in which they are looked for.
const (
	Malformed   SequenceNumberReason = iota // not a number of any known layout
	OtherShard                              // it names another shard
	OtherStream                             // its version or creation time is not this shard's
	PastEnd                                 // after the number that ends a closed shard
)

// SequenceNumberError says that a sequence number cannot be used where it was
// given.
type SequenceNumberError struct {
	Text         string // the number
	ShardID      string // the shard that it was used with, if any
	EncodesShard string // for OtherShard: the shard that it names
	Reason       SequenceNumberReason
}

func (e *SequenceNumberError) Error() string {
	switch e.Reason {
	case OtherShard:
		return fmt.Sprintf("sequence number %s encodes %s, while it was used with %s: use a number from a record of %s",
			e.Text, e.EncodesShard, e.ShardID, e.ShardID)
	case OtherStream:
		return fmt.Sprintf("sequence number %s did not come from %s of this stream: use a number from a record of this stream",
			e.Text, e.ShardID)
	case PastEnd:
		return fmt.Sprintf("sequence number %s has reached the maximum for %s: the shard is closed, read its children",
			e.Text, e.ShardID)
	default:
		return fmt.Sprintf("%q is not a sequence number: give a decimal number of up to %d digits as it came from a record or a shard",
			e.Text, maxSequenceDigits)
	}
}

// Is makes a SequenceNumberError an [ErrSequenceNumber].
func (e *SequenceNumberError) Is(target error) bool { return target == ErrSequenceNumber }

// TimestampError says that a position was asked for at a time that is still to
// come.
type TimestampError struct{ Timestamp, Now time.Time }

func (e *TimestampError) Error() string {
	return fmt.Sprintf("the timestamp %s is later than now, %s: give a time up to now, or start at the latest record",
		e.Timestamp.UTC().Format(time.RFC3339Nano), e.Now.UTC().Format(time.RFC3339Nano))
}

// Is makes a TimestampError an [ErrTimestamp].
func (e *TimestampError) Is(target error) bool { return target == ErrTimestamp }

// PositionError says that there is no such type of position.
type PositionError struct{ Type PositionType }

func (e *PositionError) Error() string {
	return fmt.Sprintf("there is no position of type %d: make one with TrimHorizon, Latest, AtSequenceNumber, AfterSequenceNumber or AtTimestamp", e.Type)
}

// Is makes a PositionError an [ErrPosition].
func (e *PositionError) Is(target error) bool { return target == ErrPosition }

// RecordSizeError says that a key or data are longer than a shard can hold.
type RecordSizeError struct{ KeyBytes, DataBytes int }

func (e *RecordSizeError) Error() string {
	return fmt.Sprintf("the record has a key of %d bytes and data of %d: give at most %d and %d", e.KeyBytes, e.DataBytes, MaxKeyBytes, MaxDataBytes)
}

// Is makes a RecordSizeError an [ErrRecordSize].
func (e *RecordSizeError) Is(target error) bool { return target == ErrRecordSize }

// clip bounds how much of a caller's text an error repeats.
func clip(text string) string {
	const most = 160
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
