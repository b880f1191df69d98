package clock_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
)

var start = time.Date(2026, time.March, 14, 9, 26, 53, 0, time.UTC)

func TestManualStandsStillUntilAdvanced(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	require.Equal(t, start, c.Now())
	require.Equal(t, start, c.Now())

	c.Advance(90 * time.Minute)
	require.Equal(t, start.Add(90*time.Minute), c.Now())
}

func TestManualDropsTheMonotonicReadingOfItsStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now() // has a monotonic reading
		c := clock.NewManual(began)
		time.Sleep(time.Hour)
		require.Equal(t, began.Round(0), c.Now(), "real time leaked in")
		require.NotContains(t, c.Now().String(), "m=", "a monotonic reading is left")
	})
}

func TestManualDoesNotRunBackwards(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	fired := false
	c.AfterFunc(0, func() { fired = true })
	c.Advance(-time.Hour)
	require.Equal(t, start, c.Now())
	require.True(t, fired, "a negative Advance is one by zero, and that reaches what is due")
}

func TestManualFiresTimersInTheOrderOfTheirDueTimes(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	var fired []string
	note := func(name string) func() {
		return func() { fired = append(fired, name+" at "+c.Now().Sub(start).String()) }
	}
	c.AfterFunc(3*time.Second, note("third"))
	c.AfterFunc(time.Second, note("first"))
	c.AfterFunc(2*time.Second, note("second"))
	c.AfterFunc(2*time.Second, note("second, set later"))
	c.AfterFunc(time.Minute, note("never"))

	c.Advance(5 * time.Second)
	require.Equal(t, []string{
		"first at 1s",
		"second at 2s",
		"second, set later at 2s",
		"third at 3s",
	}, fired)
	require.Equal(t, start.Add(5*time.Second), c.Now())
	require.Equal(t, 1, c.Timers())
}

func TestManualFiresATimerAtItsExactTime(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	fired := 0
	c.AfterFunc(time.Second, func() { fired++ })

	c.Advance(time.Second - 1)
	require.Zero(t, fired)
	c.Advance(1)
	require.Equal(t, 1, fired)
	c.Advance(time.Hour)
	require.Equal(t, 1, fired, "a timer fires once")
}

func TestManualFiresADueTimerOnTheNextAdvance(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{0, -time.Second} {
		c := clock.NewManual(start)
		var at time.Time
		c.AfterFunc(d, func() { at = c.Now() })
		require.Zero(t, at, "no timer fires by itself")
		c.Advance(0)
		require.Equal(t, start, at)
	}
}

func TestManualFiresTimersThatTimersSet(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	var ticks []time.Duration
	var tick func()
	tick = func() {
		ticks = append(ticks, c.Now().Sub(start))
		c.AfterFunc(time.Second, tick)
	}
	c.AfterFunc(time.Second, tick)

	c.Advance(3500 * time.Millisecond)
	require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, ticks)
	require.Equal(t, 1, c.Timers(), "the fourth is still to come")
	c.Advance(500 * time.Millisecond)
	require.Len(t, ticks, 4)
}

func TestManualTimerMayAdvanceTheClock(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	var fired []string
	c.AfterFunc(time.Second, func() {
		fired = append(fired, "outer")
		c.Advance(10 * time.Second)
	})
	c.AfterFunc(5*time.Second, func() { fired = append(fired, "inner") })

	c.Advance(2 * time.Second)
	require.Equal(t, []string{"outer", "inner"}, fired)
	require.False(t, c.Now().Before(start.Add(11*time.Second)), "time ran backwards")
}

func TestManualStop(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	fired := 0
	timers := make([]clock.Timer, 5)
	for i := range timers {
		timers[i] = c.AfterFunc(time.Duration(i+1)*time.Second, func() { fired++ })
	}
	require.Equal(t, 5, c.Timers())

	require.True(t, timers[2].Stop(), "in time")
	require.False(t, timers[2].Stop(), "stopped before")
	require.Equal(t, 4, c.Timers())

	c.Advance(time.Hour)
	require.Equal(t, 4, fired)
	require.Zero(t, c.Timers())
	for _, timer := range timers {
		require.False(t, timer.Stop(), "too late")
	}
}

func TestManualTimerMayStopAnother(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	fired := false
	later := c.AfterFunc(2*time.Second, func() { fired = true })
	stopped := false
	c.AfterFunc(time.Second, func() { stopped = later.Stop() })
	c.Advance(time.Minute)
	require.True(t, stopped)
	require.False(t, fired)
}

// Advance has let go of its lock, so this neither deadlocks nor fires twice.
func TestManualTimerThatStopsItselfIsTooLate(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	var self clock.Timer
	stopped := true
	self = c.AfterFunc(time.Second, func() { stopped = self.Stop() })
	c.Advance(time.Minute)
	require.False(t, stopped)
}

func TestManualAdvancesOfSeveralGoroutinesAddUp(t *testing.T) {
	t.Parallel()
	const workers, rounds = 4, 250
	c := clock.NewManual(start)
	var mu sync.Mutex
	var fired []time.Duration
	for i := range workers * rounds {
		c.AfterFunc(time.Duration(i+1)*time.Millisecond, func() {
			mu.Lock()
			defer mu.Unlock()
			fired = append(fired, time.Duration(i))
		})
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				c.Advance(time.Millisecond)
				c.Now()
				c.AfterFunc(time.Hour, func() {}).Stop()
			}
		})
	}
	wg.Wait()
	require.Equal(t, start.Add(workers*rounds*time.Millisecond), c.Now())
	require.Len(t, fired, workers*rounds)
	slices.Sort(fired)
	require.Len(t, slices.Compact(fired), workers*rounds, "no timer fired twice")
}

// The one Advance is held up by a timer that it fires; the other must not take
// the time on the way for the time that the first has reached.
func TestManualAdvanceCountsInFullBesideOneThatFiresTimers(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	c.AfterFunc(time.Second, func() {
		var other sync.WaitGroup
		other.Go(func() { c.Advance(10 * time.Second) })
		other.Wait()
	})
	c.Advance(2 * time.Second)
	require.Equal(t, start.Add(12*time.Second), c.Now())
}

func TestRealIsTheClockOfPackageTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clock.Real()
		began := time.Now()
		fired := make(chan time.Time, 1)
		c.AfterFunc(time.Second, func() { fired <- c.Now() })
		stopped := c.AfterFunc(time.Second, func() { t.Error("called after Stop") })
		require.True(t, stopped.Stop())
		require.False(t, stopped.Stop())

		time.Sleep(time.Minute)
		require.Equal(t, began.Add(time.Second), <-fired)
		require.Equal(t, began.Add(time.Minute), c.Now())
	})
}
