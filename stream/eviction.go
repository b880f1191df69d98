package stream

import (
	"container/heap"
	"sync"

	"github.com/seed-187400e4/millrace/shard"
)

// relieve trims the oldest records of the stream so that MaxBytes holds for all
// shards together (I10): with need > 0 until that many bytes are free for self,
// else a small part, if another shard's oldest records are older than self's.
func (s *Stream) relieve(self *shard.Shard, need int64) bool {
	portion := max(1, min(s.budget.Bound()/256, maxEviction))
	if need == 0 {
		if victim := s.eviction.oldest(s.millis.Now()); victim != nil && victim != self {
			victim.Evict(portion)
		}
		return true
	}
	freed := false
	for need = max(need, portion); need > 0; {
		victim := s.eviction.oldest(s.millis.Now())
		if victim == nil {
			return s.reclaim() || freed
		}
		need -= victim.Evict(need)
		freed = true
	}
	return freed
}

// reclaim takes back what shards have drawn and not used, and reports whether
// that was anything.
func (s *Stream) reclaim() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.budget.Drawn()
	s.listed.Ascend(func(n *node) bool {
		n.shard.Evict(0)
		return true
	})
	return s.budget.Drawn() < before
}

// maxEviction bounds how much is trimmed at a time beyond what is needed.
const maxEviction = 64 << 10

// eviction finds the shard whose oldest record is the oldest of the stream. It
// is a heap in which a shard may stand too early, since its oldest record only
// ever becomes younger: whoever looks moves it to where it belongs.
type eviction struct {
	mu   sync.Mutex // guards heap; taken before the lock of a shard
	heap evictionHeap
}

type candidate struct {
	shard *shard.Shard
	since int64 // the oldest record did not arrive earlier, in Unix milliseconds
}

func (e *eviction) add(s *shard.Shard, now int64) {
	e.mu.Lock()
	heap.Push(&e.heap, candidate{s, now})
	e.mu.Unlock()
}

// oldest returns nil if there is no record at all.
func (e *eviction) oldest(now int64) *shard.Shard {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.heap) > 0 && e.heap[0].since <= now {
		top := &e.heap[0]
		at, ok := top.shard.Oldest()
		switch {
		case ok && at.UnixMilli() <= top.since:
			return top.shard
		case ok:
			top.since = at.UnixMilli()
		case top.shard.End() != nil:
			heap.Pop(&e.heap) // closed and empty: it stays so
			continue
		default:
			top.since = now + 1 // behind every shard that has a record
		}
		heap.Fix(&e.heap, 0)
	}
	// All were empty when last looked at, but for those filled just now.
	for _, c := range e.heap {
		if _, ok := c.shard.Oldest(); ok {
			return c.shard
		}
	}
	return nil
}

// evictionHeap implements heap.Interface.
type evictionHeap []candidate

func (h evictionHeap) Len() int           { return len(h) }
func (h evictionHeap) Less(i, j int) bool { return h[i].since < h[j].since }
func (h evictionHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *evictionHeap) Push(x any)        { *h = append(*h, x.(candidate)) }

func (h *evictionHeap) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = candidate{}
	*h = (*h)[:last]
	return c
}
