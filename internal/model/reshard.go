package model

import "math/big"

// Split closes the shard with the ID and lets two take over, the upper one from
// at on.
func (s *Stream) Split(id string, at *big.Int) Kind {
	if s.Closed {
		return Closed
	}
	sh, kind := s.open(id)
	switch {
	case kind != OK:
		return kind
	case len(s.OpenShards())+1 > s.MaxShards:
		return ShardCount
	case at.Cmp(plus1(sh.Start)) <= 0 || at.Cmp(sh.End) >= 0:
		return Split
	}
	s.split(sh, at)
	return OK
}

// Merge closes two shards, of which the second begins where the first ends, and
// lets one take over.
func (s *Stream) Merge(id, adjacentID string) Kind {
	if s.Closed {
		return Closed
	}
	lower, kind := s.open(id)
	if kind != OK {
		return kind
	}
	upper, kind := s.open(adjacentID)
	if kind != OK {
		return kind
	}
	if plus1(lower.End).Cmp(upper.Start) != 0 {
		return NotAdjacent
	}
	s.merge(lower, upper)
	return OK
}

// Resize walks up the borders of n shards of equal share, splits the shard that
// a border cuts, and merges the pieces between two borders.
func (s *Stream) Resize(n int) Kind {
	switch {
	case n < 1 || n > s.MaxShards:
		return ShardCount
	case s.Closed:
		return Closed
	}
	for i := range n {
		start, end := Even(n, i)
		for {
			first := s.Route(start)
			if first.End.Cmp(end) == 0 {
				break
			}
			if first.End.Cmp(end) > 0 {
				s.split(first, plus1(end))
				continue
			}
			second := s.Route(plus1(first.End))
			if second.End.Cmp(end) > 0 {
				s.split(second, plus1(end))
				continue
			}
			s.merge(first, second)
		}
	}
	return OK
}

func (s *Stream) open(id string) (*Shard, Kind) {
	sh, kind := s.Find(id)
	if kind == OK && !sh.Open {
		return nil, ShardClosed
	}
	return sh, kind
}

func (s *Stream) split(sh *Shard, at *big.Int) {
	s.replace([]*Shard{sh},
		&Shard{Start: sh.Start, End: minus1(at)},
		&Shard{Start: at, End: sh.End})
}

func (s *Stream) merge(lower, upper *Shard) {
	s.replace([]*Shard{lower, upper}, &Shard{Start: lower.Start, End: upper.End})
}

// replace closes parents and opens children, whose numbers begin in the second
// after that, and in any case above those of the parents.
func (s *Stream) replace(parents []*Shard, children ...*Shard) {
	creation := s.Now/1000 + 1
	for _, p := range parents {
		creation = max(creation, p.Creation+1)
		p.Open, p.ClosedAt, p.Children = false, s.Now, children
	}
	for _, c := range children {
		c.Index = len(s.Shards)
		c.Parents = parents
		c.Open, c.Created, c.Creation, c.Horizon = true, s.Now, creation, 1
		s.Shards = append(s.Shards, c)
	}
}
