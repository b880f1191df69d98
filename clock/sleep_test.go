package clock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
)

func TestSleepEndsWhenTheTimeHasPassed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		require.NoError(t, clock.Sleep(t.Context(), clock.Real(), time.Minute))
		require.Equal(t, time.Minute, time.Since(began))
	})
}

func TestSleepOnAManualClockEndsWithAdvance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewManual(start)
		done := make(chan error, 1)
		go func() { done <- clock.Sleep(t.Context(), c, time.Minute) }()
		synctest.Wait()
		require.Equal(t, 1, c.Timers())

		c.Advance(time.Minute - 1)
		synctest.Wait()
		require.Empty(t, done, "woke too early")
		c.Advance(1)
		require.NoError(t, <-done)
	})
}

func TestSleepReturnsTheErrorOfItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewManual(start)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, clock.Sleep(ctx, c, time.Hour), context.DeadlineExceeded)
		require.Zero(t, c.Timers(), "the timer is left behind")

		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, clock.Sleep(cancelled, c, time.Hour), context.Canceled)
		require.Zero(t, c.Timers(), "the timer is left behind")
	})
}

func TestSleepOfNoTimeDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		require.NoError(t, clock.Sleep(t.Context(), clock.Real(), 0))
		require.NoError(t, clock.Sleep(t.Context(), clock.Real(), -time.Hour))
		require.Zero(t, time.Since(began))
	})
}
