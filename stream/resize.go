package stream

import (
	"context"

	"github.com/seed-187400e4/millrace/hashkey"
)

// Resize splits and merges until n shards of equal share are open, the way the
// service scales uniformly: it walks up the hash-key space, splits a shard
// where a border of the result cuts it, and merges the pieces between two
// borders. A shard that already has its place is kept. Puts and reads go on
// meanwhile; afterwards every range is the one that a new stream of n shards
// has.
//
// Errors: [*ShardCountError] and, while another Resize is running,
// [ErrResizing], with which nothing changed; the error of ctx and [ErrClosed],
// with which a part may have changed and the stream is as usable
// as before. It mirrors the service's UpdateShardCount.
func (s *Stream) Resize(ctx context.Context, n int) error {
	if !s.resizing.CompareAndSwap(false, true) {
		return ErrResizing // two plans at once would cut each other's shards
	}
	defer s.resizing.Store(false)
	if err := s.checkResize(n); err != nil {
		return err
	}
	for i := range n {
		if err := s.shape(ctx, hashkey.EvenAt(n, i)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stream) checkResize(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.open.Len()
	least, most := 1, s.cfg.MaxShards
	if f := s.cfg.Limits.MaxResizeFactor; f > 0 {
		least, most = max(least, (current+f-1)/f), min(most, current*f)
	}
	if n < least || n > most {
		return &ShardCountError{Current: current, Target: n, Min: least, Max: most}
	}
	return nil
}

// shape splits and merges until one open shard has the range keys.
func (s *Stream) shape(ctx context.Context, keys hashkey.Range) error {
	for {
		done := false
		_, err := s.reshard(ctx, func() (parents, children []*node, err error) {
			first := s.openAt(keys.Start)
			reach := first.shard.Range()
			switch {
			case reach == keys:
				done = true
				return nil, nil, nil
			case reach.Start != keys.Start:
				// Somebody else has merged across the border behind us.
				children, err = s.splitLocked(first, keys.Start)
				return []*node{first}, children, err
			case keys.End.Less(reach.End):
				next, _ := keys.End.Next()
				children, err = s.splitLocked(first, next)
				return []*node{first}, children, err
			}
			// More is wanted: cut the neighbour to size, or take it whole.
			next, _ := reach.End.Next()
			second := s.openAt(next)
			if keys.End.Less(second.shard.Range().End) {
				cut, _ := keys.End.Next()
				children, err = s.splitLocked(second, cut)
				return []*node{second}, children, err
			}
			children, err = s.mergeLocked(first, second)
			return []*node{first, second}, children, err
		})
		if done || err != nil {
			return err
		}
	}
}

// openAt is the open shard that owns key. The caller
// holds s.mu.
func (s *Stream) openAt(key hashkey.Key) *node {
	var found *node
	s.open.DescendLessOrEqual(&node{start: key}, func(n *node) bool {
		found = n
		return false
	})
	return found
}
