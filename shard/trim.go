package shard

import (
	"sort"
)

// Expire trims the records whose retention has passed. Appending and reading
// do so by themselves.
func (s *Shard) Expire() { s.expire(s.clock.Now()) }

func (s *Shard) expire(now int64) {
	s.mu.Lock()
	s.expireLocked(max(now, s.lastArrival))
	s.mu.Unlock()
}

// expireLocked trims the records that arrived before now less the retention; a
// record exactly that old stays.
func (s *Shard) expireLocked(now int64) {
	cutoff := now - s.retention.Load()
	if s.oldest >= cutoff {
		return
	}
	for s.oldest < cutoff {
		d := s.dir.Load()
		g := d.segs[0].Load()
		// Where the next segment begins too early as well, all of this one is old.
		if len(d.segs) > 1 && d.segs[1].Load().firstArrival < cutoff {
			s.trimLocked(s.endLocked(g))
			continue
		}
		first := int(s.head.Load() - g.base)
		n := sort.Search(int(s.endLocked(g)-g.base)-first, func(i int) bool { return g.entry(first+i).millis() >= cutoff })
		s.trimLocked(g.base + uint64(first+n))
	}
	if s.budget != nil {
		s.returnSurplusLocked(s.budget.chunk())
	}
}

// trimBytesLocked trims the oldest records until at least bytes are freed or
// nothing is left.
func (s *Shard) trimBytesLocked(bytes int64) {
	target := s.bytes - bytes
	for s.bytes > target && s.bytes > 0 {
		g := s.dir.Load().segs[0].Load()
		first := int(s.head.Load() - g.base)
		live := s.footprintLocked(g) - int64(s.headUsed+first*entrySize)
		if s.bytes-live >= target {
			s.trimLocked(s.endLocked(g))
			continue
		}
		i, freed := first, int64(0)
		for s.bytes-freed > target {
			freed += g.entry(i).occupied()
			i++
		}
		s.trimLocked(g.base + uint64(i))
	}
}

// endLocked is the index after the last record of g.
func (s *Shard) endLocked(g *segment) uint64 {
	if g == s.seg {
		return s.next
	}
	return g.sealed.Load()
}

// footprintLocked is what the records of g take, entries included.
func (s *Shard) footprintLocked(g *segment) int64 {
	count := int(s.endLocked(g) - g.base)
	return int64(g.entry(count-1).end() + count*entrySize)
}

// trimLocked moves the trim horizon to the record with index to, which lies in
// the first segment or just behind it.
func (s *Shard) trimLocked(to uint64) {
	head := s.head.Load()
	if s.tail.Load() < to {
		s.tail.Store(s.next) // a batch may trim what it has itself put
		s.early = true
	}
	d := s.dir.Load()
	g := d.segs[0].Load()
	trimmed := int64(to-head) * entrySize
	if end := s.endLocked(g); to < end {
		e := g.entry(int(to - g.base))
		trimmed += int64(e.offset() - s.headUsed)
		s.headUsed = e.offset()
		s.oldest = e.millis()
		s.bytes -= trimmed
		s.head.Store(to)
	} else {
		trimmed += int64(g.entry(int(end-g.base)-1).end() - s.headUsed)
		s.headUsed = 0
		s.bytes -= trimmed
		s.head.Store(to)
		s.dropFirstLocked(d, g)
	}
}

// dropFirstLocked takes the first segment out of the log once all of it has
// been trimmed.
func (s *Shard) dropFirstLocked(d *directory, g *segment) {
	rest := d.without(1)
	s.dir.Store(rest)
	s.oldest = never
	if len(rest.segs) > 0 {
		s.oldest = rest.segs[0].Load().firstArrival
	}
	if g == s.seg {
		g.sealed.Store(s.next)
		s.seg, s.to = nil, writer{}
	}
	if g.retire() {
		s.buffers.put(g.buf)
	}
}
