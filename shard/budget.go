package shard

import "sync/atomic"

// AtBound is what happens to a new record when a [Budget] is used up.
type AtBound int

const (
	// TrimOldest makes room by trimming the oldest records, before their
	// retention has passed.
	TrimOldest AtBound = iota
	// Refuse returns a [*FullError] and keeps what is stored.
	Refuse
)

// String names the choice.
func (a AtBound) String() string {
	if a == Refuse {
		return "Refuse"
	}
	return "TrimOldest"
}

// Budget is a bound on the bytes stored by the shards that share it (invariant
// I10): partition keys and data, plus [RecordOverhead] a record. Beyond it a
// shard holds at most two segments that are partly empty, the first and the
// last, each of 1 MiB or the size of one larger record, and all shards that
// share [Buffers] at most 4 MiB for reuse.
//
// Shards draw on it in chunks, so that an append touches no memory that other
// shards write to. With several shards, about a 64th of the bound may be drawn
// without being used. It is safe for concurrent use.
type Budget struct {
	bound int64
	atEnd AtBound
	slack int64 // what is trimmed beyond need, so that not every append trims

	shards atomic.Int64 // that have the budget
	drawn  atomic.Int64
}

const (
	maxChunk = 64 << 10
	maxSlack = 4 << 10
)

// NewBudget returns a budget of bound bytes, which must be positive.
func NewBudget(bound int64, atEnd AtBound) *Budget {
	return &Budget{bound: bound, atEnd: atEnd, slack: min(maxSlack, bound/256)}
}

// Drawn is how much of the bound the shards have for their use.
func (b *Budget) Drawn() int64 { return b.drawn.Load() }

// chunk is what a shard draws at a time.
func (b *Budget) chunk() int64 { return min(maxChunk, b.bound/(64*max(1, b.shards.Load()))) }

// Bound is the bound in bytes.
func (b *Budget) Bound() int64 { return b.bound }

// draw takes at least least bytes, a chunk more where there is one, and
// returns 0 if there are not enough.
func (b *Budget) draw(least int64) int64 {
	for {
		drawn := b.drawn.Load()
		got := min(least+b.chunk(), b.bound-drawn)
		if got < least {
			return 0
		}
		if b.drawn.CompareAndSwap(drawn, drawn+got) {
			return got
		}
	}
}

func (b *Budget) giveBack(n int64) { b.drawn.Add(-n) }

// makeRoomLocked sees to it that need more bytes may be stored. It returns
// errStarved when only other shards have something to trim.
func (s *Shard) makeRoomLocked(need int64) error {
	b := s.budget
	if b == nil {
		return nil
	}
	if need > b.bound {
		return &FullError{ShardID: s.id, Need: need, Used: b.drawn.Load(), Bound: b.bound}
	}
	if got := b.draw(s.bytes + need - s.granted); got > 0 {
		s.granted += got
		return nil
	}
	if b.atEnd == Refuse {
		return &FullError{ShardID: s.id, Need: need, Used: b.drawn.Load(), Bound: b.bound}
	}
	if need > s.granted {
		return errStarved
	}
	before := s.bytes
	s.trimBytesLocked(s.bytes - max(s.granted-need-b.slack, 0))
	if s.squeezed += before - s.bytes; s.squeezed > b.bound/64 {
		s.squeezed = 0
		s.notices |= noticeSqueezed
	}
	return nil
}

// returnSurplusLocked gives back what trimming has freed, but for keep bytes.
func (s *Shard) returnSurplusLocked(keep int64) {
	if s.budget == nil {
		return
	}
	if surplus := s.granted - s.bytes - keep; surplus > 0 {
		s.granted -= surplus
		s.budget.giveBack(surplus)
	}
}

// Evict trims the oldest records of the shard until about bytes have been freed
// for other shards of its budget, and returns how many were.
func (s *Shard) Evict(bytes int64) int64 {
	s.mu.Lock()
	before := s.bytes
	s.trimBytesLocked(bytes)
	freed := before - s.bytes
	s.returnSurplusLocked(0)
	s.mu.Unlock()
	return freed
}

// Discard trims all records and gives up the shard's part in its budget. It is
// for a closed shard that nobody will look for again.
func (s *Shard) Discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trimBytesLocked(s.bytes)
	if s.budget != nil && !s.discarded {
		s.discarded = true
		s.returnSurplusLocked(0)
		s.budget.shards.Add(-1)
	}
}
