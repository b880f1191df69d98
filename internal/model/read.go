package model

import (
	"fmt"
	"math/big"
)

// From is one of the five kinds of position.
type From int

// The kinds of position.
const (
	FromHorizon From = iota
	FromLatest
	FromNumber
	AfterNumber
	FromTime
)

// Place says where to start reading.
type Place struct {
	From   From
	Number *big.Int // for FromNumber and AfterNumber
	Time   int64    // for FromTime
}

// Cursor reads one shard.
type Cursor struct {
	Stream *Stream
	Shard  *Shard
	Next   uint64 // index of the next record
	Missed uint64

	last int64 // arrival of the record read last
	read bool
}

// Cursor returns a reader of the shard with the ID.
func (s *Stream) Cursor(id string, p Place) (*Cursor, Kind) {
	sh, kind := s.Find(id)
	if kind != OK {
		return nil, kind
	}
	if s.Closed {
		return nil, Closed
	}
	next, kind := s.resolve(sh, p)
	if kind != OK {
		return nil, kind
	}
	return &Cursor{Stream: s, Shard: sh, Next: next}, OK
}

func (s *Stream) resolve(sh *Shard, p Place) (index uint64, kind Kind) {
	switch p.From {
	case FromLatest:
		return sh.Tail(), OK
	case FromNumber, AfterNumber:
		index, kind = sh.indexOf(p.Number)
		if kind != OK {
			return 0, kind
		}
		if p.From == AfterNumber {
			if index == EndIndex && !sh.Open {
				return 0, PastEnd
			}
			index++
		}
		return max(index, 1), OK
	case FromTime:
		if p.Time > s.Now {
			return 0, Future
		}
		for _, r := range sh.Live() {
			if r.Arrival >= p.Time {
				return r.Index, OK
			}
		}
		return sh.Tail(), OK
	default:
		return sh.Horizon, OK
	}
}

// Read returns up to limit records that follow.
func (c *Cursor) Read(limit int) ([]*Record, Kind) {
	if c.Stream.Closed {
		return nil, Closed
	}
	var records []*Record
	if limit > 0 {
		c.skip()
	}
	for len(records) < limit && c.Next < c.Shard.Tail() {
		r := c.Shard.Records[c.Next-1]
		records = append(records, r)
		c.Next++
		c.last, c.read = r.Arrival, true
	}
	if len(records) == 0 && limit > 0 && c.AtEnd() {
		return nil, EndOfShard
	}
	return records, OK
}

// skip goes on from the trim horizon where that has overtaken the cursor.
func (c *Cursor) skip() {
	if c.Next < c.Shard.Horizon {
		c.Missed += c.Shard.Horizon - c.Next
		c.Next = c.Shard.Horizon
	}
}

// AtEnd reports whether a closed shard has been read to its end.
func (c *Cursor) AtEnd() bool { return !c.Shard.Open && c.Next >= c.Shard.Tail() }

// Lag is how far the cursor is behind the newest record, in milliseconds: at the
// end of a closed shard the time since that was closed, 0 where there is
// nothing more to read, else the age of the record read last or, if none has
// been, of the next one.
func (c *Cursor) Lag() int64 {
	next := max(c.Next, c.Shard.Horizon)
	switch {
	case next >= c.Shard.Tail() && !c.Shard.Open:
		return c.Stream.Now - c.Shard.ClosedAt
	case next >= c.Shard.Tail():
		return 0
	case c.read:
		return c.Stream.Now - c.last
	default:
		return c.Stream.Now - c.Shard.Records[next-1].Arrival
	}
}

// Reader judges what a reader of a whole stream yields: each shard in order,
// without a gap but for what was trimmed, and no shard before its parents have
// been read to their end.
type Reader struct {
	Missed uint64

	stream *Stream
	legs   map[*Shard]*Cursor // of the shards that may be read, or have been
}

// Reader returns the judge of a reader that starts at p.
func (s *Stream) Reader(p Place) (*Reader, Kind) {
	filter := FromTrimHorizon
	switch p.From {
	case FromHorizon:
	case FromLatest:
		filter = AtLatest
	case FromTime:
		filter = FromTimestamp
	default:
		return nil, Position
	}
	if s.Closed {
		return nil, Closed
	}
	if p.From == FromTime && p.Time > s.Now {
		return nil, Future
	}
	r := &Reader{stream: s, legs: map[*Shard]*Cursor{}}
	for _, sh := range s.Shards {
		if !s.passes(sh, filter, p.Time) {
			continue
		}
		root := true
		for _, parent := range sh.Parents {
			root = root && !s.passes(parent, filter, p.Time)
		}
		if !root {
			continue // its turn comes after its parents'
		}
		next, kind := s.resolve(sh, p)
		if kind != OK {
			return nil, kind
		}
		r.legs[sh] = &Cursor{Stream: s, Shard: sh, Next: next}
	}
	return r, OK
}

// Yielded says which record a reader must have yielded if it came from the
// shard with an index, or why none can have come from there.
func (r *Reader) Yielded(shard int) (*Record, error) {
	if shard < 0 || shard >= len(r.stream.Shards) {
		return nil, fmt.Errorf("there is no shard %d", shard)
	}
	r.follow()
	leg := r.legs[r.stream.Shards[shard]]
	if leg == nil {
		return nil, fmt.Errorf("shard %d is read before its parents have been read to their end", shard)
	}
	records, kind := leg.Read(1)
	if len(records) == 0 {
		return nil, fmt.Errorf("shard %d has nothing more to read (%s)", shard, kind)
	}
	return records[0], nil
}

// Drained judges a reader that says that there is nothing more to read, and
// settles what it has missed.
func (r *Reader) Drained() error {
	r.follow()
	r.Missed = 0
	for sh, leg := range r.legs {
		leg.skip()
		if leg.Next < sh.Tail() {
			return fmt.Errorf("shard %d has a record %d to read, and %d after it", sh.Index, leg.Next, sh.Tail()-leg.Next-1)
		}
		r.Missed += leg.Missed
	}
	return nil
}

// follow begins the shards whose parents have been read to their end.
func (r *Reader) follow() {
	for again := true; again; {
		again = false
		for _, sh := range r.stream.Shards {
			if r.legs[sh] != nil || len(sh.Parents) == 0 {
				continue
			}
			ready := true
			for _, p := range sh.Parents {
				leg := r.legs[p]
				if leg != nil {
					leg.skip()
				}
				ready = ready && leg != nil && leg.AtEnd()
			}
			if ready {
				r.legs[sh] = &Cursor{Stream: r.stream, Shard: sh, Next: 1}
				again = true
			}
		}
	}
}
