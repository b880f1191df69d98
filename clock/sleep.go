package clock

import (
	"context"
	"time"
)

// Sleep waits until d has passed on c, or returns the error of ctx if that
// ends first.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	passed := make(chan struct{})
	timer := c.AfterFunc(d, func() { close(passed) })
	defer timer.Stop()
	select {
	case <-passed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
