package stream

import (
	"context"
	"errors"
	"iter"

	"github.com/seed-187400e4/millrace/shard"
)

// Reader reads a whole stream and follows its splits and merges: a shard is
// read only when all its parents have been read to their end, so that the
// records of every partition key come in the order of their puts (I4, I6).
// Between shards there is no order. Make one with [Stream.Reader]. It belongs to
// one goroutine and has none of its own; Close it when done.
type Reader struct {
	stream *Stream
	watch  *shard.Watch
	closed bool

	legs   []leg         // by tag
	free   []int         // tags of legs that have ended
	ready  []int         // tags of legs that may have records, in turn
	ended  map[*node]int // of a child: how many parents have been read to their end
	missed uint64        // in legs that have ended
}

// leg is a shard that is being read.
type leg struct {
	node   *node
	cursor *shard.Cursor
}

// Reader returns a reader of all shards from pos on, which is the trim horizon,
// the latest record, or a timestamp. Errors: [*PositionError],
// [*shard.TimestampError], [ErrClosed].
func (s *Stream) Reader(pos Position) (*Reader, error) {
	r := &Reader{stream: s, watch: shard.NewWatch(), ended: make(map[*node]int)}
	roots, err := s.roots(pos)
	if err != nil {
		return nil, err
	}
	for _, n := range roots {
		c, err := n.shard.Cursor(pos)
		if err != nil {
			return nil, err
		}
		r.follow(n, c)
	}
	return r, nil
}

// roots are the shards to start with: those that hold something from pos on
// and whose parents do not.
func (s *Stream) roots(pos Position) (roots []*node, err error) {
	var filter ShardFilter
	switch pos.Type {
	case shard.PositionTrimHorizon:
		filter.Type = FromTrimHorizon
	case shard.PositionLatest:
		filter.Type = AtLatest
	case shard.PositionAtTimestamp:
		filter = ShardFilter{Type: FromShardTimestamp, Timestamp: pos.Timestamp}
	default:
		return nil, &PositionError{Position: pos}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return nil, ErrClosed
	}
	s.dropExpiredLocked()
	listed, err := s.filterLocked(filter)
	if err != nil {
		return nil, err
	}
	later := make(map[*node]bool)
	s.listed.Ascend(func(n *node) bool {
		if !listed(n) {
			return true
		}
		if !later[n] {
			roots = append(roots, n)
		}
		for _, c := range n.children {
			later[c] = true // parents come before their children in the list
		}
		return true
	})
	return roots, nil
}

func (r *Reader) follow(n *node, c *shard.Cursor) {
	tag := len(r.legs)
	if last := len(r.free) - 1; last >= 0 {
		tag, r.free = r.free[last], r.free[:last]
		r.legs[tag] = leg{n, c}
	} else {
		r.legs = append(r.legs, leg{n, c})
	}
	r.ready = append(r.ready, tag)
}

// Read fills dst with records of any shards and returns how many there were: 0
// when all that is stored has been read. It never waits. What it fills in
// aliases the log, see [Record].
//
// Errors: the error of ctx, [ErrClosed], [ErrReaderClosed],
// [*shard.ThrottledError] where reads are limited, and what a hook returned;
// with each, no record was read, and the reader goes on from where it was.
func (r *Reader) Read(ctx context.Context, dst []Record) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if r.closed {
		return 0, ErrReaderClosed
	}
	// Shards that have become ready take turns with those that never rest.
	r.ready = r.watch.Fired(r.ready)
	var failed error
	for turns := len(r.ready); n < len(dst); {
		if len(r.ready) == 0 {
			if r.ready = r.watch.Fired(r.ready); len(r.ready) == 0 {
				break
			}
			turns = len(r.ready)
		}
		if turns == 0 {
			break // every leg had its turn and the rest failed
		}
		tag := r.ready[0]
		got, err := r.stream.read(ctx, r.legs[tag].cursor, dst[n:])
		n += got
		switch {
		case errors.Is(err, shard.ErrEndOfShard):
			r.ready = r.ready[1:]
			turns += r.finish(tag) - 1
		case err != nil:
			failed = err
			r.rotate()
			turns--
		case n < len(dst):
			// At its tip: it comes back when there is more.
			r.ready = r.ready[1:]
			r.legs[tag].cursor.Arm(r.watch, tag)
			turns--
		default:
			r.rotate() // so that no shard keeps the others waiting
		}
	}
	if n == 0 {
		return 0, failed
	}
	return n, nil
}

func (r *Reader) rotate() { r.ready = append(r.ready[1:], r.ready[0]) }

// Next is [Reader.Read], but waits until there is a record: at the tips of all
// shards for the next one, and where reads are limited until the limit admits
// one.
func (r *Reader) Next(ctx context.Context, dst []Record) (int, error) {
	for {
		n, err := r.Read(ctx, dst)
		if throttled, ok := errors.AsType[*shard.ThrottledError](err); ok {
			err = r.waitOut(ctx, throttled)
		} else if n == 0 && err == nil && len(dst) > 0 {
			r.ready, err = r.watch.Wait(ctx, r.ready)
		} else {
			return n, err
		}
		if err != nil {
			return 0, err
		}
	}
}

// waitOut waits until a limit admits a read, or a shard that is not throttled
// has something to read, or the stream is closed.
func (r *Reader) waitOut(ctx context.Context, t *shard.ThrottledError) (err error) {
	r.ready, err = r.watch.WaitFor(ctx, r.stream.cfg.Clock, t.RetryAfter, r.stream.done, r.ready)
	return err
}

// Missed is how many records were trimmed before the reader came to them (I7).
// Of a shard that it began with, those before its position do not count; of the
// children that it followed, all do.
func (r *Reader) Missed() uint64 {
	missed := r.missed
	for _, l := range r.legs {
		if l.cursor != nil {
			missed += l.cursor.Missed()
		}
	}
	return missed
}

// Close takes the reader off the shards that it waits for. It may be called
// twice, and not while a read is running.
func (r *Reader) Close() {
	r.missed = r.Missed()
	for _, l := range r.legs {
		if l.cursor != nil {
			l.cursor.Disarm()
		}
	}
	r.closed, r.legs, r.ready, r.free = true, nil, nil, nil
}

// finish ends a leg, begins those that have waited for it, and returns how many
// they are.
func (r *Reader) finish(tag int) (begun int) {
	done := r.legs[tag]
	r.missed += done.cursor.Missed()
	r.legs[tag] = leg{}
	r.free = append(r.free, tag)
	for _, child := range done.node.children {
		if r.ended[child]++; r.ended[child] < len(child.shard.Parents()) {
			continue
		}
		delete(r.ended, child)
		// From its very beginning, so that what was trimmed counts as missed.
		r.follow(child, child.shard.CursorAt(0))
		begun++
	}
	return begun
}

// Records yields the records of the whole stream from pos on, following splits
// and merges by itself, each partition key in the order of its puts, and waits
// for more when it has read them all. On failure, the end of ctx and the closing
// of the stream included, it yields one zero Record with the error and ends.
// Every range over it starts at pos anew. No lock is held while the loop body
// runs.
func (s *Stream) Records(ctx context.Context, pos Position) iter.Seq2[Record, error] {
	return s.records(ctx, pos, (*Reader).Next)
}

// RecordsToLatest is [Stream.Records], but ends when it has read all that is
// stored. What is put while it runs is read too, so beside a producer that is as
// fast, such as a loop body that puts, it does not end.
func (s *Stream) RecordsToLatest(ctx context.Context, pos Position) iter.Seq2[Record, error] {
	return s.records(ctx, pos, func(r *Reader, ctx context.Context, dst []Record) (int, error) {
		for {
			n, err := r.Read(ctx, dst)
			throttled, ok := errors.AsType[*shard.ThrottledError](err)
			if !ok {
				return n, err
			}
			if err := r.waitOut(ctx, throttled); err != nil {
				return 0, err
			}
		}
	})
}

// records yields what next reads until it reads nothing.
func (s *Stream) records(ctx context.Context, pos Position, next func(*Reader, context.Context, []Record) (int, error)) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		r, err := s.Reader(pos)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer r.Close()
		buf := make([]Record, recordsPerRead)
		for {
			n, err := next(r, ctx, buf)
			if !yieldAll(buf[:n], err, yield) || n == 0 {
				return
			}
		}
	}
}
