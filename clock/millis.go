package clock

import (
	"sync/atomic"
	"time"
)

// anchorLife is how long one wall-clock reading is extended by the monotonic
// clock before it is read anew, so that a step of the wall clock (NTP, a
// suspended machine) shows within that time.
const anchorLife = time.Second

// Millis reads a [Clock] as Unix milliseconds. For the real clock it reads the
// monotonic clock only and adds it to a wall time at most a second old, which
// costs about half of time.Now. Make one with [NewMillis]; it is safe for
// concurrent use and must not be copied.
type Millis struct {
	clock  Clock // nil for the real clock
	anchor atomic.Pointer[anchor]
}

type anchor struct {
	at   time.Time // with its monotonic reading
	unix int64     // at, in nanoseconds
}

// NewMillis returns a reader of c; a nil c is the real clock.
func NewMillis(c Clock) *Millis {
	m := new(Millis)
	m.Init(c)
	return m
}

// Init makes a zero Millis read c, for a Millis that is a field of a larger
// struct. It must be called once, before any other method.
func (m *Millis) Init(c Clock) {
	if _, isReal := c.(realClock); c == nil || isReal {
		m.reanchor()
		return
	}
	m.clock = c
}

// Now is the time in milliseconds since the Unix epoch. It can step backwards
// when the wall clock does.
func (m *Millis) Now() int64 {
	if m.clock != nil {
		return m.clock.Now().UnixMilli()
	}
	a := m.anchor.Load()
	since := time.Since(a.at)
	if since >= anchorLife {
		return m.reanchor()
	}
	return (a.unix + int64(since)) / int64(time.Millisecond)
}

// Clock is the clock that m reads.
func (m *Millis) Clock() Clock {
	if m.clock != nil {
		return m.clock
	}
	return realClock{}
}

func (m *Millis) reanchor() int64 {
	now := time.Now()
	m.anchor.Store(&anchor{at: now, unix: now.UnixNano()})
	return now.UnixMilli()
}
