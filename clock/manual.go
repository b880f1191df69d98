package clock

import (
	"container/heap"
	"sync"
	"time"
)

// Manual is a [Clock] that stands still until [Manual.Advance] moves it. Make
// one with [NewManual]. It is safe for concurrent use.
type Manual struct {
	mu     sync.Mutex // guards the fields below
	now    time.Time
	end    time.Time // what the calls of Advance that are under way add up to
	timers timerHeap
	serial uint64
}

var _ Clock = (*Manual)(nil)

// NewManual returns a clock that shows start.
func NewManual(start time.Time) *Manual {
	// A monotonic reading in start would let real time leak into differences.
	return &Manual{now: start.Round(0)}
}

// Now is the time that the clock shows.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock forward by d and calls what falls due on the way: in
// the order of due times, each with the clock showing its due time, in the
// calling goroutine and with no lock held, so a call may set further timers
// (which also fire if they fall within d). A negative d is taken as zero: time
// does not run backwards. Calls of Advance from several goroutines add up.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	if m.now.After(m.end) {
		m.end = m.now
	}
	m.end = m.end.Add(max(d, 0))
	end := m.end
	for len(m.timers) > 0 && !m.timers[0].due.After(end) {
		t := heap.Pop(&m.timers).(*manualTimer)
		if t.due.After(m.now) {
			m.now = t.due
		}
		m.mu.Unlock()
		t.f()
		m.mu.Lock()
	}
	if end.After(m.now) {
		m.now = end
	}
	m.mu.Unlock()
}

// AfterFunc sets f to be called by the [Manual.Advance] that reaches d from now.
func (m *Manual) AfterFunc(d time.Duration, f func()) Timer {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.serial++
	t := &manualTimer{clock: m, due: m.now.Add(max(d, 0)), serial: m.serial, f: f}
	heap.Push(&m.timers, t)
	return t
}

// Timers is the number of calls still to come. A test can wait for it to rise
// before it advances the clock past a sleeper.
func (m *Manual) Timers() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.timers)
}

type manualTimer struct {
	clock  *Manual
	due    time.Time
	serial uint64 // orders timers of one due time by age
	f      func()
	slot   int // place in the heap, -1 once popped
}

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.slot < 0 {
		return false
	}
	heap.Remove(&t.clock.timers, t.slot)
	return true
}

// timerHeap implements heap.Interface, earliest due time first.
type timerHeap []*manualTimer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].serial < h[j].serial
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*manualTimer)
	t.slot = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.slot = -1
	return t
}
