package stream

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/seed-187400e4/millrace/shard"
)

// Iterator is a place in a shard to read from, as a value: it can be kept,
// compared, written as text and used any number of times, and it does not
// expire. The opaque, expiring tokens of the API are a matter of the endpoint.
type Iterator struct {
	shardID string
	index   uint64 // of the next record
}

// ShardID is the shard that the iterator reads.
func (it Iterator) ShardID() string { return it.shardID }

// String is the text form, which [ParseIterator] reads.
func (it Iterator) String() string {
	return it.shardID + ":" + strconv.FormatUint(it.index, 10)
}

// ParseIterator reads what [Iterator.String] wrote, or returns an
// [*IteratorError].
func ParseIterator(text string) (Iterator, error) {
	id, number, found := strings.Cut(text, ":")
	index, err := strconv.ParseUint(number, 10, 64)
	shardIndex, ok := shard.ParseID(id)
	it := Iterator{shardID: shard.ID(shardIndex), index: index}
	if !found || err != nil || !ok || it.String() != text {
		return Iterator{}, &IteratorError{Text: text}
	}
	return it, nil
}

// Iterator returns an iterator for a position in a shard. It mirrors the
// service's GetShardIterator. Errors: the error of ctx, and those of
// [Stream.Cursor].
func (s *Stream) Iterator(ctx context.Context, shardID string, pos Position) (Iterator, error) {
	if err := ctx.Err(); err != nil {
		return Iterator{}, err
	}
	c, err := s.Cursor(shardID, pos)
	if err != nil {
		return Iterator{}, err
	}
	return Iterator{shardID: c.cursor.Shard().ID(), index: c.cursor.NextIndex()}, nil
}

// MaxGet is the most records that one Get returns, and the default.
const MaxGet = 10000

// GetResult is a page of a shard.
type GetResult struct {
	// Records are the records that follow the iterator; there may be none.
	Records []Record
	// Next reads what follows. It is the zero value when the shard is closed
	// and has been read to its end, and then Children is not empty.
	Next Iterator
	// Children are the shards to go on with.
	Children []shard.ChildShard
	// Lag is how far Next is behind the newest record, in time; the service
	// calls it MillisBehindLatest.
	Lag time.Duration
	// Missed is how many records were trimmed between the iterator and the
	// first of Records.
	Missed uint64
}

// AtEnd reports whether a closed shard has been read to its end.
func (r *GetResult) AtEnd() bool { return r.Next == Iterator{} }

// Get returns up to limit records, 1 to [MaxGet] or 0 for that many, and the
// iterator for the next ones. It never waits. It mirrors the service's
// GetRecords; with Limits it is subject to them.
//
// Errors: the error of ctx, [*LimitError], [*IteratorError] for the zero
// Iterator, with which the end of a shard is told, [*ShardNotFoundError],
// [*shard.ThrottledError], [ErrClosed], and what a hook returned.
func (s *Stream) Get(ctx context.Context, it Iterator, limit int) (GetResult, error) {
	if limit < 0 || limit > MaxGet {
		return GetResult{}, &LimitError{Limit: limit, Max: MaxGet}
	}
	if limit == 0 {
		limit = MaxGet
	}
	if it == (Iterator{}) {
		return GetResult{}, &IteratorError{}
	}
	s.mu.Lock()
	s.dropExpiredLocked()
	n, err := s.node(it.shardID)
	s.mu.Unlock()
	if err != nil {
		return GetResult{}, err
	}
	c := n.shard.CursorAt(it.index)
	// Nobody wants memory for 10,000 records to learn that there are three.
	tail := n.shard.Tail()
	ahead := tail - min(it.index, tail)
	buf := make([]Record, min(uint64(limit), max(ahead, 1)))
	got, err := s.read(ctx, c, buf)
	end := c.AtEnd()
	if err != nil && (end == nil || !errors.Is(err, shard.ErrEndOfShard)) {
		return GetResult{}, err
	}
	result := GetResult{Records: buf[:got], Lag: c.Lag(), Missed: c.Missed()}
	if end != nil {
		result.Children = end.Children
		return result, nil
	}
	result.Next = Iterator{shardID: n.shard.ID(), index: c.NextIndex()}
	return result, nil
}
