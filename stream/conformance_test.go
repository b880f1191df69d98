package stream_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
	"github.com/seed-187400e4/millrace/streamtest"
)

// The stream in memory is what other engines are held to, so it passes all that
// they must.
func TestConformance(t *testing.T) {
	t.Parallel()
	streamtest.Run(t, streamtest.Harness{New: func(tb testing.TB, shards int) stream.Engine {
		tb.Helper()
		s, err := stream.New("conformance", stream.Config{Shards: shards})
		require.NoError(tb, err)
		tb.Cleanup(func() {
			require.NoError(tb, s.Check())
			require.NoError(tb, s.Close())
		})
		return s
	}})
}

// I9: and it leaves nothing behind. A bubble does not end while a goroutine of
// it waits, and no stream here is closed.
func TestConformanceLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	for _, c := range streamtest.Checks() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, err := stream.New("conformance", stream.Config{Shards: c.Shards})
				require.NoError(t, err)
				require.NoError(t, c.Run(t.Context(), s, streamtest.Features{}))
			})
		})
	}
}
