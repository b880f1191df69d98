package stream_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/stream"
)

// Arrivals and sequence numbers count from 1970: a clock that shows an earlier
// time, such as one that was never set, is refused at once.
func TestClocksThatSequenceNumbersCannotTell(t *testing.T) {
	t.Parallel()
	for _, start := range []time.Time{{}, time.Unix(-1, 0), time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC)} {
		_, err := stream.New("orders", stream.Config{Clock: clock.NewManual(start)})
		require.ErrorIs(t, err, stream.ErrConfig)
		require.ErrorContains(t, err, "Config.Clock")
	}
	_, err := stream.New("orders", stream.Config{Clock: clock.NewManual(time.Unix(0, 0))})
	require.NoError(t, err)
}
