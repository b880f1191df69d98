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
// What readers hold comes on top: the segments of records that have been
// trimmed since, and the one that each cursor stands in.
//
// Shards draw on it in chunks, so that an append touches no memory that other
// shards write to. With several shards, about a 64th of the bound may be drawn
// without being used. It is safe for concurrent use.
//
// What is trimmed, and where, is for Config.Relieve to decide, so that the
// oldest records of all shards go first. Without it, a shard trims its own.
type Budget struct {
	bound int64
	atEnd AtBound

	shards atomic.Int64 // that have the budget
	drawn  atomic.Int64
}

const maxChunk = 64 << 10

// NewBudget returns a budget of bound bytes, which must be positive.
func NewBudget(bound int64, atEnd AtBound) *Budget {
	return &Budget{bound: bound, atEnd: atEnd}
}

// AtBound is what happens at the bound.
func (b *Budget) AtBound() AtBound { return b.atEnd }

// Portion is how much to trim when need bytes are wanted: a few dozen records
// more, so that few appends trim, but not so many that one has to wait for it.
func (b *Budget) Portion(need int64) int64 { return max(need, min(b.bound/256, 64*need)) }

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
// errStarved when something must be trimmed first.
func (s *Shard) makeRoomLocked(need int64) error {
	b := s.budget
	if b == nil {
		return nil
	}
	if need > b.bound {
		return s.full(need)
	}
	got := b.draw(s.bytes + need - s.granted)
	if got == 0 {
		return errStarved
	}
	s.granted += got
	return nil
}

// relieveSelf is Config.Relieve where there is none: it trims the shard's own
// oldest records.
func relieveSelf(s *Shard, need int64) bool {
	return s.budget.atEnd == TrimOldest && s.Evict(s.budget.Portion(need)) > 0
}

// returnSurplusLocked gives back what trimming has freed, but for keep bytes, and
// returns how much that was.
func (s *Shard) returnSurplusLocked(keep int64) int64 {
	if s.budget == nil {
		return 0
	}
	surplus := max(0, s.granted-s.bytes-keep)
	s.granted -= surplus
	s.budget.giveBack(surplus)
	return surplus
}

// Evict trims the oldest records of the shard until about bytes have been freed
// for other shards of its budget, and returns how much the budget got back.
func (s *Shard) Evict(bytes int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trimBytesLocked(bytes)
	return s.returnSurplusLocked(0)
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
