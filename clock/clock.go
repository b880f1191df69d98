package clock

import "time"

// Clock tells the time and sets timers. Implementations are safe for
// concurrent use.
type Clock interface {
	// Now is the current time. It is called with locks held, so it must not
	// wait, nor use what reads the clock.
	Now() time.Time

	// AfterFunc calls f once, in its own goroutine or in the one that moves the
	// clock, when d has passed. A d of zero or less means as soon as possible.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a call that is still to come.
type Timer interface {
	// Stop prevents the call and reports whether it was in time to do so. It
	// does not wait for a call that is already running.
	Stop() bool
}

// Real is the clock of package time.
func Real() Clock { return realClock{} }

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
