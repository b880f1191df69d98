package stream

import (
	"time"

	"github.com/seed-187400e4/millrace/shard"
)

// relieve trims the oldest records of the stream so that MaxBytes holds for all
// shards together (I10): with need > 0 until that many bytes are free for self,
// else a small part, if another shard's oldest records are older than self's.
func (s *Stream) relieve(self *shard.Shard, need int64) bool {
	if need == 0 {
		if victim := s.withOldest(); victim != nil && victim != self {
			victim.Evict(max(1, s.budget.Bound()/64))
		}
		return true
	}
	freed := false
	for need > 0 {
		victim := s.withOldest()
		if victim == nil {
			return freed
		}
		need -= victim.Evict(need)
		freed = true
	}
	return true
}

// withOldest is the shard whose oldest record is the oldest of all, nil if all
// are empty.
func (s *Stream) withOldest() *shard.Shard {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found *shard.Shard
	var oldest time.Time
	s.listed.Ascend(func(n *node) bool {
		if at, ok := n.shard.Oldest(); ok && (found == nil || at.Before(oldest)) {
			found, oldest = n.shard, at
		}
		return true
	})
	return found
}
