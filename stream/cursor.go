package stream

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/seed-187400e4/millrace/shard"
)

// Cursor reads one shard in order, as [shard.Cursor] does, with the hooks of
// the stream. It belongs to one goroutine and needs no closing.
type Cursor struct {
	stream *Stream
	cursor *shard.Cursor
}

// Cursor returns a reader of one shard from pos on. Errors:
// [*ShardNotFoundError], [*shard.SequenceNumberError], [*shard.TimestampError],
// [ErrClosed].
func (s *Stream) Cursor(shardID string, pos Position) (*Cursor, error) {
	s.mu.Lock()
	s.dropExpiredLocked()
	n, err := s.node(shardID)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	c, err := n.shard.Cursor(pos)
	if err != nil {
		return nil, err
	}
	return &Cursor{stream: s, cursor: c}, nil
}

// Read fills dst with the records that follow, without waiting; see
// [shard.Cursor.Read] for what it returns.
func (c *Cursor) Read(ctx context.Context, dst []Record) (int, error) {
	return c.stream.read(ctx, c.cursor, dst)
}

// Next is [Cursor.Read], but waits at the tip until there is a record, and
// where reads are limited until the limit admits one.
func (c *Cursor) Next(ctx context.Context, dst []Record) (int, error) {
	if !c.stream.observed {
		return c.cursor.Next(ctx, dst)
	}
	return c.cursor.NextBy(ctx, dst, c.Read)
}

// Missed is how many records were trimmed before the cursor came to them (I7).
func (c *Cursor) Missed() uint64 { return c.cursor.Missed() }

// Lag is how far the cursor is behind the newest record of the shard, in time;
// see [shard.Cursor.Lag]. The service calls it MillisBehindLatest.
func (c *Cursor) Lag() time.Duration { return c.cursor.Lag() }

// read is every read of a shard.
func (s *Stream) read(ctx context.Context, c *shard.Cursor, dst []Record) (int, error) {
	if !s.observed {
		return c.Read(ctx, dst)
	}
	start := s.startLatency()
	event := ReadEvent{Stream: s.name, ShardID: c.Shard().ID(), Limit: len(dst)}
	var n int
	var err error
	if h := s.hooks.BeforeRead; h != nil {
		err = h(ctx, event)
	}
	if err == nil {
		n, err = c.Read(ctx, dst)
	}
	if h := s.hooks.AfterRead; h != nil {
		h(ctx, event, n, err)
	}
	s.latencies.read.observe(s, start)
	return n, err
}

// recordsPerRead is how many records the iterators take at a time.
const recordsPerRead = 256

// ShardRecords yields the records of one shard from pos on, in order, and waits
// at the tip for more. When a closed shard has been read to its end, the
// iteration ends. On failure, the end of ctx included, it yields one zero Record
// with the error and ends. Every range over it starts at pos anew. No lock is
// held while the loop body runs.
func (s *Stream) ShardRecords(ctx context.Context, shardID string, pos Position) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		c, err := s.Cursor(shardID, pos)
		if err != nil {
			yield(Record{}, err)
			return
		}
		buf := make([]Record, recordsPerRead)
		for {
			n, err := c.Next(ctx, buf)
			if errors.Is(err, shard.ErrEndOfShard) {
				return
			}
			if !yieldAll(buf[:n], err, yield) {
				return
			}
		}
	}
}

// yieldAll passes on what a read returned, and reports whether to read on.
func yieldAll(records []Record, err error, yield func(Record, error) bool) bool {
	for i := range records {
		if !yield(records[i], nil) {
			return false
		}
	}
	if err != nil {
		yield(Record{}, err)
		return false
	}
	return true
}
