package stream

import (
	"fmt"

	"github.com/seed-187400e4/millrace/hashkey"
)

// Check verifies the invariants I1 to I7 on the stream as it is, beside
// whatever else is running, and returns an error that names the first one that
// is violated. It reads every record with its shard locked, so it is for tests.
func (s *Stream) Check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkTopologyLocked(); err != nil {
		return err
	}
	var failed error
	s.listed.Ascend(func(n *node) bool {
		if failed = s.checkLineageLocked(n); failed == nil {
			failed = n.shard.Check()
		}
		return failed == nil
	})
	if failed != nil {
		return fmt.Errorf("stream %s: %w", s.name, failed)
	}
	return nil
}

// checkTopologyLocked verifies I1, and that routing and the ordered set of open
// shards are of one mind.
func (s *Stream) checkTopologyLocked() error {
	t := s.topology.Load()
	violation := func(format string, args ...any) error {
		return fmt.Errorf("stream %s violates I1: %s", s.name, fmt.Sprintf(format, args...))
	}
	if s.open.Len() != len(t.shards) {
		return violation("%d shards are open, %d are routed to", s.open.Len(), len(t.shards))
	}
	var failed error
	place, next, more := 0, hashkey.Key{}, true
	s.open.Ascend(func(n *node) bool {
		keys := n.shard.Range()
		switch {
		case !more || keys.Start != next || !keys.Valid():
			failed = violation("shard %s has %s, want a range that begins at %s", n.shard.ID(), keys, next)
		case t.shards[place] != n.shard || t.starts[place] != keys.Start:
			failed = violation("shard %s is not routed to at its place %d", n.shard.ID(), place)
		case t.route(keys.Start) != place || t.route(keys.End) != place || t.route(keys.Midpoint()) != place:
			failed = violation("the keys of shard %s are routed elsewhere", n.shard.ID())
		case n.shard.End() != nil:
			failed = fmt.Errorf("stream %s violates I5: shard %s is closed and routed to", s.name, n.shard.ID())
		}
		next, more = keys.End.Next()
		place++
		return failed == nil
	})
	if failed == nil && more {
		failed = violation("the open shards end before %s", next)
	}
	return failed
}

// checkLineageLocked verifies that a closed shard names its children, and that
// they begin above it (I4, I5).
func (s *Stream) checkLineageLocked(n *node) error {
	end := n.shard.End()
	if end == nil {
		if len(n.children) > 0 {
			return fmt.Errorf("shard %s violates I5: open, with children", n.shard.ID())
		}
		return nil
	}
	if len(end.Children) == 0 || len(end.Children) != len(n.children) {
		return fmt.Errorf("shard %s violates I5: closed, with %d children named and %d known", n.shard.ID(), len(end.Children), len(n.children))
	}
	last := n.shard.EndingSequenceNumber()
	for i, c := range n.children {
		if c.shard.ID() != end.Children[i].ShardID {
			return fmt.Errorf("shard %s violates I5: names the child %s, is followed by %s", n.shard.ID(), end.Children[i].ShardID, c.shard.ID())
		}
		if first := c.shard.StartingSequenceNumber(); first.Compare(last) <= 0 {
			return fmt.Errorf("shard %s violates I4: ends at %s, its child %s begins at %s", n.shard.ID(), last, c.shard.ID(), first)
		}
	}
	return nil
}
