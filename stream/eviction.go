package stream

import (
	"container/heap"
	"sync"

	"github.com/seed-187400e4/millrace/shard"
)

// relieve gives need bytes back to the budget that all shards share (I10), out
// of what has expired or, if that is the bound's choice, of the oldest records of
// the stream. It reports whether it is worth trying again.
func (s *Stream) relieve(_ *shard.Shard, need int64) bool {
	if s.budget.AtBound() == Refuse {
		return s.expireOldest(need)
	}
	for want := s.budget.Portion(need); want > 0; {
		victim, _ := s.eviction.oldest(s.millis.Now())
		if victim == nil {
			return s.reclaim()
		}
		want -= victim.Evict(want)
	}
	return true // whoever took it before us has left something to trim
}

// expireOldest looks for need bytes among records past retention, in shards
// that nobody has touched since.
func (s *Stream) expireOldest(need int64) bool {
	before := s.budget.Drawn()
	for before-s.budget.Drawn() < need {
		now := s.millis.Now()
		victim, oldest := s.eviction.oldest(now)
		if victim == nil || oldest >= now-s.retention.Load() {
			break
		}
		victim.Expire()
	}
	return s.budget.Drawn() < before
}

// reclaim takes back what shards have drawn and not used, and reports whether
// there is room now.
func (s *Stream) reclaim() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	freed := int64(0)
	s.listed.Ascend(func(n *node) bool {
		freed += n.shard.Evict(0)
		return true
	})
	return freed > 0 || s.budget.Drawn() < s.budget.Bound()
}

// eviction finds the shard whose oldest record is the oldest of the stream. It
// is a heap in which a shard may stand too early, since its oldest record only
// ever becomes younger: whoever looks moves it to where it belongs.
type eviction struct {
	mu   sync.Mutex // guards heap; taken before the lock of a shard
	heap evictionHeap
}

type candidate struct {
	shard *shard.Shard
	since int64 // the oldest record did not arrive earlier, in Unix milliseconds, or by a millisecond
	slot  int   // place in the heap, -1 outside
}

func (e *eviction) add(c *candidate) {
	e.mu.Lock()
	heap.Push(&e.heap, c)
	e.mu.Unlock()
}

func (e *eviction) remove(c *candidate) {
	e.mu.Lock()
	if c.slot >= 0 {
		heap.Remove(&e.heap, c.slot)
	}
	e.mu.Unlock()
}

// oldest is the shard and the arrival of the oldest record, or nil if there is
// no record at all.
func (e *eviction) oldest(now int64) (*shard.Shard, int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.heap) > 0 && e.heap[0].since <= now {
		top := e.heap[0]
		closed := top.shard.End() != nil // first: what was closed stays as it is found
		at, ok := top.shard.Oldest()
		switch {
		case ok && at.UnixMilli() <= top.since:
			return top.shard, at.UnixMilli()
		case ok:
			top.since = at.UnixMilli()
		case closed:
			heap.Pop(&e.heap) // closed and empty: it stays so
			continue
		default:
			top.since = now + 1 // behind every shard that has a record
		}
		heap.Fix(&e.heap, 0)
	}
	// All were empty when last looked at, but for those filled just now.
	for _, c := range e.heap {
		if at, ok := c.shard.Oldest(); ok {
			return c.shard, at.UnixMilli()
		}
	}
	return nil, 0
}

// evictionHeap implements heap.Interface.
type evictionHeap []*candidate

func (h evictionHeap) Len() int           { return len(h) }
func (h evictionHeap) Less(i, j int) bool { return h[i].since < h[j].since }

func (h evictionHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

func (h *evictionHeap) Push(x any) {
	c := x.(*candidate)
	c.slot = len(*h)
	*h = append(*h, c)
}

func (h *evictionHeap) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	c.slot = -1
	return c
}
