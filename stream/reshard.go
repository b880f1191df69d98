package stream

import (
	"cmp"
	"context"
	"slices"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// Split closes an open shard and lets two take over: the lower one up to the
// key before at, the upper one from at on. Records already stored stay where
// they are; puts and reads go on meanwhile. As by the service, at must be
// greater than one plus the start of the shard's range and less than its end;
// [hashkey.Range.Midpoint] halves it.
//
// Errors: the error of ctx, [*ShardNotFoundError], [*ShardClosedError],
// [*SplitError], [*ShardCountError], [ErrClosed]; with each, nothing changed.
// It mirrors the service's SplitShard.
func (s *Stream) Split(ctx context.Context, shardID string, at hashkey.Key) (lower, upper ShardInfo, err error) {
	event, err := s.reshard(ctx, func() (parents, children []*node, err error) {
		parent, err := s.openNode(shardID)
		if err != nil {
			return nil, nil, err
		}
		if err := s.roomForShards(1); err != nil {
			return nil, nil, err
		}
		keys := parent.shard.Range()
		low, carry := keys.Start.Add(hashkey.Key{Lo: 1})
		if carry || !low.Less(at) || !at.Less(keys.End) {
			return nil, nil, &SplitError{Stream: s.name, ShardID: parent.shard.ID(), At: at, Range: keys}
		}
		children, err = s.splitLocked(parent, at)
		return []*node{parent}, children, err
	})
	if err != nil {
		return ShardInfo{}, ShardInfo{}, err
	}
	return event.Children[0], event.Children[1], nil
}

// Merge closes two open shards and lets one take over. The range of the second
// must begin at the hash key after the end of the first.
//
// Errors: the error of ctx, [*ShardNotFoundError], [*ShardClosedError],
// [*NotAdjacentError], [ErrClosed]; with each, nothing changed. It mirrors the
// service's MergeShards.
func (s *Stream) Merge(ctx context.Context, shardID, adjacentID string) (ShardInfo, error) {
	event, err := s.reshard(ctx, func() (parents, children []*node, err error) {
		for _, id := range []string{shardID, adjacentID} {
			n, err := s.openNode(id)
			if err != nil {
				return nil, nil, err
			}
			parents = append(parents, n)
		}
		first, second := parents[0].shard, parents[1].shard
		if !first.Range().Adjacent(second.Range()) {
			return nil, nil, &NotAdjacentError{Stream: s.name, ShardID: first.ID(), AdjacentID: second.ID()}
		}
		children, err = s.mergeLocked(parents[0], parents[1])
		return parents, children, err
	})
	if err != nil {
		return ShardInfo{}, err
	}
	return event.Children[0], nil
}

// reshard runs one change of the topology and tells the hook of it.
func (s *Stream) reshard(ctx context.Context, change func() (parents, children []*node, err error)) (ReshardEvent, error) {
	if err := ctx.Err(); err != nil {
		return ReshardEvent{}, err
	}
	s.mu.Lock()
	parents, children, err := s.changeLocked(change)
	event := ReshardEvent{Stream: s.name}
	if err == nil {
		event.Parents, event.Children = infos(parents), infos(children)
	}
	s.mu.Unlock()
	if err == nil && len(parents) > 0 && s.hooks.Resharded != nil {
		s.hooks.Resharded(event)
	}
	return event, err
}

func (s *Stream) changeLocked(change func() (parents, children []*node, err error)) (parents, children []*node, err error) {
	if s.closed.Load() {
		return nil, nil, ErrClosed
	}
	s.dropExpiredLocked()
	return change()
}

// openNode finds an open shard. The caller holds s.mu.
func (s *Stream) openNode(id string) (*node, error) {
	n, err := s.node(id)
	if err != nil {
		return nil, err
	}
	if end := n.shard.End(); end != nil {
		e := &ShardClosedError{Stream: s.name, ShardID: n.shard.ID()}
		for _, c := range end.Children {
			e.Children = append(e.Children, c.ShardID)
		}
		return nil, e
	}
	return n, nil
}

// roomForShards returns an error if more open shards would be too many.
func (s *Stream) roomForShards(more int) error {
	current := s.open.Len()
	if current+more > s.cfg.MaxShards || int64(s.next)+2*int64(more) > shard.MaxIndex {
		return &ShardCountError{Current: current, Target: current + more, Min: 1, Max: s.cfg.MaxShards}
	}
	return nil
}

func (s *Stream) splitLocked(parent *node, at hashkey.Key) ([]*node, error) {
	lower, upper, err := parent.shard.Range().Split(at)
	if err != nil {
		return nil, err
	}
	children := []*node{s.newNode(lower, parent), s.newNode(upper, parent)}
	s.replaceLocked([]*node{parent}, children)
	return children, nil
}

func (s *Stream) mergeLocked(first, second *node) ([]*node, error) {
	keys, err := first.shard.Range().Merge(second.shard.Range())
	if err != nil {
		return nil, err
	}
	children := []*node{s.newNode(keys, first, second)}
	s.replaceLocked([]*node{first, second}, children)
	return children, nil
}

// replaceLocked swaps open shards, which are neighbours in the order of their
// ranges, for others of the same keys.
func (s *Stream) replaceLocked(parents, children []*node) {
	old := s.topology.Load()
	place := old.route(parents[0].start)
	fresh := old.replace(place, len(parents), shardsOf(children)...)

	for _, p := range parents {
		s.open.Delete(p)
	}
	for _, c := range children {
		s.open.ReplaceOrInsert(c)
		s.listed.ReplaceOrInsert(c)
	}
	ascending := shardsOf(parents)
	slices.SortFunc(ascending, func(a, b *shard.Shard) int { return cmp.Compare(a.Index(), b.Index()) })
	shard.Replace(ascending, shardsOf(children), func() {
		for _, p := range parents {
			p.children = children
		}
		s.topology.Store(fresh)
	})
	s.closedNodes = append(s.closedNodes, parents...)
}

func shardsOf(nodes []*node) []*shard.Shard {
	shards := make([]*shard.Shard, len(nodes))
	for i, n := range nodes {
		shards[i] = n.shard
	}
	return shards
}
