package shard

import (
	"context"
	"errors"
	"time"
)

// Cursor reads one shard in order. It belongs to one goroutine; any number of
// cursors read a shard at once without hindering each other or the writers. A
// cursor needs no closing.
type Cursor struct {
	shard *Shard
	next  uint64   // index of the record to read next
	seg   *segment // pinned; holds or precedes next
	order uint64   // its ordinal

	missed uint64
	last   int64 // arrival of the record read last, 0 before the first
	reg    *registration
	own    *Watch // what Next waits on
	woken  bool   // Next was blocked and has not read since
}

// Cursor returns a reader of the shard from p on. Errors: a
// [*SequenceNumberError] or [*TimestampError] when p has no place here, and
// [ErrStreamClosed].
func (s *Shard) Cursor(p Position) (*Cursor, error) {
	if s.stopped.Load() {
		return nil, ErrStreamClosed
	}
	next, err := s.resolve(p)
	if err != nil {
		return nil, err
	}
	return &Cursor{shard: s, next: next}, nil
}

// CursorAt returns a reader from the record with an index on, as
// [Cursor.NextIndex] gave it.
func (s *Shard) CursorAt(index uint64) *Cursor {
	return &Cursor{shard: s, next: max(index, firstIndex)}
}

// Read fills dst with the records that follow and returns how many there were:
// 0 at the tip of the shard. It never waits. What it fills in aliases the log,
// see [Record].
//
// Errors: the error of ctx; [*EndOfShardError] when a closed shard has been
// read to its end; [*ThrottledError] where reads are limited; and
// [ErrStreamClosed]. With an error no record was read and the cursor has not
// moved.
func (c *Cursor) Read(ctx context.Context, dst []Record) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s := c.shard
	if s.stopped.Load() {
		return 0, ErrStreamClosed
	}
	if s.limiter != nil {
		if err := s.limitRead(s.clock.Now()); err != nil {
			return 0, err
		}
	}
	end := s.end.Load() // before the tail: what was closed takes nothing more
	n, bytes := c.fill(dst, s.readMost)
	if n == 0 && end != nil && len(dst) > 0 && c.next >= s.tail.Load() {
		return 0, end
	}
	s.out.reads.Add(1)
	if n > 0 {
		s.out.records.Add(uint64(n))
		s.out.bytes.Add(uint64(bytes))
		if s.limiter != nil {
			s.payRead(bytes)
		}
	}
	return n, nil
}

// Next is [Cursor.Read], but waits until there is a record: at the tip for the
// next one, and where reads are limited until the limit admits one. An empty
// dst returns at once.
func (c *Cursor) Next(ctx context.Context, dst []Record) (int, error) {
	return c.NextBy(ctx, dst, nil)
}

// NextBy is [Cursor.Next] that reads by read, which comes down to [Cursor.Read]
// and adds something of its own; nil is Read itself.
func (c *Cursor) NextBy(ctx context.Context, dst []Record, read func(context.Context, []Record) (int, error)) (int, error) {
	for {
		// Waiting is free where reads are limited, so what is at the tip waits
		// before it reads.
		if len(dst) > 0 && c.atTip() {
			blocked, err := c.wait(ctx)
			if err != nil {
				return 0, err
			}
			c.woken = blocked
			continue
		}
		var n int
		var err error
		if read != nil {
			n, err = read(ctx, dst)
		} else {
			n, err = c.Read(ctx, dst)
		}
		if err != nil {
			c.woken = false
		}
		if throttled, ok := errors.AsType[*ThrottledError](err); ok {
			if err := c.sleep(ctx, throttled.RetryAfter); err != nil {
				return 0, err
			}
			continue
		}
		if n > 0 || err != nil || len(dst) == 0 {
			return n, err
		}
	}
}

// sleep waits out a limit: until d has passed, ctx ends, or the shard is stopped.
func (c *Cursor) sleep(ctx context.Context, d time.Duration) error {
	passed := make(chan struct{})
	timer := c.shard.clock.Clock().AfterFunc(d, func() { close(passed) })
	defer timer.Stop()
	var stopped chan struct{}
	if c.shard.limiter != nil {
		stopped = c.shard.limiter.stopped
	}
	select {
	case <-passed:
		return nil
	case <-stopped:
		return ErrStreamClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// atTip reports whether there is nothing to read, and nothing to say.
func (c *Cursor) atTip() bool {
	return c.next >= c.shard.tail.Load() && c.shard.end.Load() == nil && !c.shard.stopped.Load()
}

// Arm makes w fire with tag, once, when there is something for c to read. It
// fires at once if there already is. A cursor is armed on one Watch at a time
// and not again before that has fired.
func (c *Cursor) Arm(w *Watch, tag int) { c.arm(w, tag) }

func (c *Cursor) arm(w *Watch, tag int) (waits bool) {
	if c.reg == nil || c.reg.watch != w {
		c.reg = &registration{watch: w}
	}
	c.reg.tag = tag
	return c.shard.arm(c.reg, c.next)
}

// Disarm undoes [Cursor.Arm] if the Watch has not fired.
func (c *Cursor) Disarm() {
	if c.reg != nil && !c.shard.disarm(c.reg) {
		c.reg = nil // it has fired, or somebody is about to fire it
	}
}

// Wait blocks until there is something for c to read, be it the end of the
// shard, or ctx ends.
func (c *Cursor) Wait(ctx context.Context) error {
	_, err := c.wait(ctx)
	return err
}

// wait also reports whether it blocked.
func (c *Cursor) wait(ctx context.Context) (blocked bool, err error) {
	w := c.own
	if w == nil {
		w = &Watch{news: make(chan struct{}, 1), solo: true}
	}
	c.own = nil
	blocked = c.arm(w, 0)
	if err := w.wait(ctx); err != nil {
		c.Disarm() // and let w go, in case it still fires
		return blocked, err
	}
	c.own = w
	return blocked, nil
}

// AtEnd is the end of the shard once the cursor has read all of a closed one,
// else nil.
func (c *Cursor) AtEnd() *EndOfShardError {
	end := c.shard.end.Load()
	if end == nil || c.next < c.shard.tail.Load() {
		return nil
	}
	return end
}

// Missed is how many records were trimmed before the cursor came to them
// (invariant I7), since it was made. Those between the position that it was
// made with and the trim horizon count.
func (c *Cursor) Missed() uint64 { return c.missed }

// NextIndex is the index of the record that the next read begins with; see
// [Shard.CursorAt].
func (c *Cursor) NextIndex() uint64 { return c.next }

// Shard is what the cursor reads.
func (c *Cursor) Shard() *Shard { return c.shard }

// Lag is how far the cursor is behind the newest record, in time: 0 when there
// is nothing more to read, else the age of the record read last, or, if none
// has been, of the next one. At the end of a closed shard it is the time since
// the shard was closed. The service calls it MillisBehindLatest.
func (c *Cursor) Lag() time.Duration {
	s := c.shard
	now := s.clock.Now()
	s.expire(now)
	since := func(millis int64) time.Duration { return max(0, time.Duration(now-millis)*time.Millisecond) }
	for {
		tail, next := s.tail.Load(), max(c.next, s.head.Load())
		if next >= tail {
			if end := s.end.Load(); end != nil {
				return since(end.ClosedAt.UnixMilli())
			}
			return 0
		}
		if c.last != 0 {
			return since(c.last)
		}
		if _, g := s.dir.Load().find(next); g != nil && g.pin() {
			return since(g.entry(int(next - g.base)).millis())
		}
		// Trimmed meanwhile.
	}
}

// fill reads into dst, up to maxBytes of keys and data or one record.
func (c *Cursor) fill(dst []Record, maxBytes int64) (n int, bytes int64) {
	s := c.shard
	// A Next that was blocked when the record was put may return it whatever the
	// time has become since, and is in a hurry.
	woken := c.woken && s.retention.Load() >= time.Minute.Milliseconds()
	c.woken = false
	var now int64
	for n < len(dst) {
		tail := s.tail.Load()
		if head := s.head.Load(); c.next < head {
			c.missed += head - c.next
			c.next = head
		}
		if c.next >= tail {
			break
		}
		g := c.locate()
		if g == nil {
			continue // trimmed meanwhile: look at the trim horizon again
		}
		limit := tail
		if sealed := g.sealed.Load(); sealed != 0 {
			limit = min(limit, sealed)
		}
		first := int(c.next - g.base)
		if now == 0 && !woken {
			now = s.clock.Now()
			if g.entry(first).millis() < now-s.retention.Load() {
				s.expire(now)
				continue
			}
		}
		part := dst[n:min(len(dst), n+int(limit-c.next))]
		read, size := c.copyOut(part, g, first, maxBytes-bytes, n == 0)
		n += read
		bytes += size
		c.next += uint64(read)
		if read < len(part) {
			break
		}
	}
	if n > 0 {
		age := int64(0)
		if c.next < s.tail.Load() {
			age = max(0, s.clock.Now()-c.last)
		}
		if s.out.iteratorAge.Load() != age {
			s.out.iteratorAge.Store(age)
		}
	}
	return n, bytes
}

// copyOut fills dst with the records of g from the one with the index first in
// it, up to maxBytes, but at least one if it must.
func (c *Cursor) copyOut(dst []Record, g *segment, first int, maxBytes int64, must bool) (n int, bytes int64) {
	var (
		prefix = c.shard.prefix
		millis = int64(-1)
		second int64
		when   time.Time
	)
	for n = range dst {
		e := g.entry(first + n)
		size := e.bytes()
		if bytes+size > maxBytes && (n > 0 || !must) {
			return n, bytes
		}
		bytes += size
		// Most records arrive in the same millisecond as the one before.
		if m := e.millis(); m != millis {
			millis, second, when = m, m/1000, time.UnixMilli(m).UTC()
		}
		r := &dst[n]
		r.SequenceNumber = prefix.at(c.next+uint64(n), second)
		r.PartitionKey, r.Data = g.view(e)
		r.ArrivalTime = when
		c.last = millis
	}
	return len(dst), bytes
}

// locate is the segment of the record to read next, pinned, or nil when that
// record has been trimmed.
func (c *Cursor) locate() *segment {
	g := c.seg
	if g != nil {
		sealed := g.sealed.Load()
		if c.next >= g.base && (sealed == 0 || c.next < sealed) {
			return g
		}
	}
	d := c.shard.dir.Load()
	var order uint64
	if g != nil && c.next == g.sealed.Load() {
		order = c.order + 1
		g = d.at(order)
	} else {
		order, g = d.find(c.next)
	}
	c.seg = nil
	if g == nil || !g.pin() {
		return nil
	}
	c.seg, c.order = g, order
	return g
}

// indexAtTime is the index of the first record that arrived at millis or
// later, or of the next one to come.
func (s *Shard) indexAtTime(millis int64) uint64 {
	for {
		tail, d := s.tail.Load(), s.dir.Load()
		// The last segment that begins before millis holds the answer, or ends
		// just before it.
		low, high := 0, len(d.segs)
		for low < high {
			mid := int(uint(low+high) >> 1)
			if g := d.segs[mid].Load(); g == nil || g.firstArrival < millis {
				low = mid + 1
			} else {
				high = mid
			}
		}
		head := s.head.Load()
		if low == 0 {
			return head
		}
		g := d.segs[low-1].Load()
		if g == nil || !g.pin() {
			continue // trimmed meanwhile
		}
		end := tail
		if sealed := g.sealed.Load(); sealed != 0 {
			end = min(end, sealed)
		}
		first := max(g.base, min(head, end))
		from, to := first, end
		for from < to {
			mid := (from + to) / 2
			if g.entry(int(mid-g.base)).millis() < millis {
				from = mid + 1
			} else {
				to = mid
			}
		}
		return from
	}
}
