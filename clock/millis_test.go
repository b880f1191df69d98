package clock_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
)

func TestMillisFollowsTheRealClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]clock.Clock{"none given": nil, "the real one given": clock.Real()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := clock.NewMillis(c)
				require.Equal(t, clock.Real(), m.Clock())
				require.Equal(t, time.Now().UnixMilli(), m.Now())
				// Within the life of an anchor, at its end, beyond it, and far beyond:
				// the sum must not drift.
				for _, d := range []time.Duration{
					time.Microsecond, 999 * time.Microsecond, time.Millisecond, 300 * time.Millisecond,
					697 * time.Millisecond, time.Millisecond, time.Second, 1500 * time.Millisecond, 48 * time.Hour,
				} {
					time.Sleep(d)
					require.Equal(t, time.Now().UnixMilli(), m.Now(), "after another %v", d)
				}
			})
		})
	}
}

// A millisecond begins where Unix milliseconds do, not where the anchor lies.
func TestMillisTruncatesToWholeMilliseconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(700 * time.Microsecond)
		m := clock.NewMillis(nil)
		before := m.Now()
		time.Sleep(299 * time.Microsecond)
		require.Equal(t, before, m.Now())
		time.Sleep(time.Microsecond)
		require.Equal(t, before+1, m.Now())
	})
}

func TestMillisFollowsAManualClock(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	m := clock.NewMillis(c)
	require.Same(t, c, m.Clock())
	require.Equal(t, start.UnixMilli(), m.Now())
	c.Advance(1999 * time.Microsecond)
	require.Equal(t, start.UnixMilli()+1, m.Now())
	c.Advance(24 * time.Hour)
	require.Equal(t, start.Add(24*time.Hour).UnixMilli()+1, m.Now())
}

func TestMillisOfAStructIsReadyAfterInit(t *testing.T) {
	t.Parallel()
	var holder struct{ millis clock.Millis }
	holder.millis.Init(clock.NewManual(start))
	require.Equal(t, start.UnixMilli(), holder.millis.Now())
}

func TestMillisIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := clock.NewMillis(nil)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				last := int64(0)
				for range 50 {
					time.Sleep(330 * time.Millisecond) // most anchors are renewed under contention
					now := m.Now()
					require.Greater(t, now, last)
					last = now
				}
			})
		}
		wg.Wait()
	})
}

func TestMillisDoesNotAllocate(t *testing.T) {
	wall, manual := clock.NewMillis(nil), clock.NewMillis(clock.NewManual(start))
	// One run in a thousand may renew the anchor.
	require.Zero(t, testing.AllocsPerRun(1000, func() { wall.Now() }))
	require.Zero(t, testing.AllocsPerRun(1000, func() { manual.Now() }))
}
