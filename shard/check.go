package shard

import (
	"fmt"

	"github.com/seed-187400e4/millrace/hashkey"
)

// Check verifies the log against the invariants: numbers and arrivals rise and
// lie between the shard's starting and ending numbers (I3), keys hash into the
// shard's range unless an explicit hash key was given (I2), a closed shard is
// what its end says (I5), and the accounted bytes are the sum over the live
// records, none of which is past the trim horizon (I7). It holds the shard's
// lock while it reads every record, so it is for tests.
func (s *Shard) Check() error {
	s.mu.Lock()
	defer s.mu.Unlock()

	head, tail := s.head.Load(), s.tail.Load()
	if tail != s.next || head > tail || head < firstIndex {
		return s.violation("I3", "head %d, tail %d, next %d are out of order", head, tail, s.next)
	}
	var bytes int64
	index, arrival := head, int64(0)
	d := s.dir.Load()
	for i := range d.segs {
		g := d.segs[i].Load()
		if g == nil {
			return s.violation("I6", "segment %d of %d is missing", i, len(d.segs))
		}
		if i > 0 && g.base != index || g.base > index {
			return s.violation("I6", "segment %d begins at record %d, want %d", i, g.base, index)
		}
		if sealed := g.sealed.Load(); (sealed == 0) != (g == s.seg) || (sealed == 0) != (i == len(d.segs)-1) {
			return s.violation("I6", "segment %d of %d is sealed at %d", i, len(d.segs), sealed)
		}
		used := -1
		for j := int(index - g.base); index < s.endLocked(g); j++ {
			e := g.entry(j)
			if used >= 0 && e.offset() != used {
				return s.violation("I3", "record %d lies at byte %d, want %d", index, e.offset(), used)
			}
			used = e.offset() + int(e.bytes())
			if err := s.checkRecord(g, e, index, arrival); err != nil {
				return err
			}
			arrival = e.millis()
			bytes += e.occupied()
			index++
		}
	}
	if index != tail {
		return s.violation("I6", "the log ends at record %d, want %d", index, tail)
	}
	if bytes != s.bytes {
		return s.violation("I7", "%d bytes are accounted for, the live records take %d", s.bytes, bytes)
	}
	if s.budget != nil && s.granted < s.bytes {
		return s.violation("I10", "%d bytes are stored, %d were drawn from the budget", s.bytes, s.granted)
	}
	if end := s.end.Load(); end != nil && (end.ClosedAt.UnixMilli() < s.lastArrival || !s.gated) {
		return s.violation("I5", "closed at %v with a record of %d", end.ClosedAt, s.lastArrival)
	}
	return nil
}

func (s *Shard) checkRecord(g *segment, e entry, index uint64, arrival int64) error {
	if e.millis() < arrival || e.millis() > s.lastArrival {
		return s.violation("I3", "record %d arrived at %d, after one of %d and a last of %d", index, e.millis(), arrival, s.lastArrival)
	}
	if n := s.prefix.at(index, e.millis()/1000); n.Compare(s.StartingSequenceNumber()) <= 0 {
		return s.violation("I4", "record %d has number %s, not above the start %s", index, n, s.StartingSequenceNumber())
	}
	partitionKey, _ := g.view(e)
	if key := hashkey.FromPartitionKey(partitionKey); !e.explicit() && !s.keys.Contains(key) {
		return s.violation("I2", "record %d has hash key %s, outside %s", index, key, s.keys)
	}
	return nil
}

func (s *Shard) violation(invariant, format string, args ...any) error {
	return fmt.Errorf("shard %s violates %s: %s", s.id, invariant, fmt.Sprintf(format, args...))
}
