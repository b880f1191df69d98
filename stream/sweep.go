package stream

import "time"

// Trim drops the records whose retention has passed and the closed shards that
// hold nothing within it. Puts and reads do so in the shard that they touch, and
// puts from time to time in all; an idle stream runs no timer (I9), so a program
// that wants the memory of one back calls Trim.
func (s *Stream) Trim() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trimLocked()
	if s.closed.Load() {
		s.buffers.Drop()
	}
}

func (s *Stream) trimLocked() {
	s.swept.Store(s.millis.Now())
	s.dropExpiredLocked()
	s.listed.Ascend(func(n *node) bool {
		n.shard.Expire()
		return true
	})
}

// sweepSometimes trims the whole stream if that has not been done for a
// hundredth of the retention. A shard calls it when it has grown.
func (s *Stream) sweepSometimes() {
	last := s.swept.Load()
	if s.millis.Now()-last < sweepPeriod(s.retention.Load()) || !s.swept.CompareAndSwap(last, s.millis.Now()) {
		return
	}
	// Whoever holds the lock reshards or lists; the next one will do.
	if s.mu.TryLock() {
		defer s.mu.Unlock()
		s.trimLocked()
	}
}

// dropExpiredLocked takes the closed shards off the list that were closed
// before the retention: all they held has expired.
func (s *Stream) dropExpiredLocked() {
	horizon := s.millis.Now() - s.retention.Load()
	var expired []*node
	for _, n := range s.closedNodes {
		// Shards close in the order of the list.
		if n.shard.End().ClosedAt.UnixMilli() >= horizon {
			break
		}
		expired = append(expired, n)
	}
	for _, n := range expired {
		s.listed.Delete(n)
		if n.candidate != nil {
			s.eviction.remove(n.candidate)
		}
		n.shard.Discard()
		s.gone.add(n.shard.Stats())
	}
	clear(s.closedNodes[:len(expired)])
	s.closedNodes = s.closedNodes[len(expired):]
}

func millisToDuration(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// sweepPeriod is how often sweepSometimes looks, for a retention, both in
// milliseconds.
func sweepPeriod(retention int64) int64 { return max(retention/100, 1000) }
