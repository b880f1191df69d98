package stream_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

// newStrict makes a stream with the limits of the service on the clock of a
// bubble.
func newStrict(t *testing.T, shards int) *stream.Stream {
	t.Helper()
	s, err := stream.New("orders", stream.Config{Shards: shards, Limits: stream.KinesisLimits()})
	require.NoError(t, err)
	return s
}

func TestPutsAreThrottledByShard(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2, Limits: stream.KinesisLimits()})
	for range 1000 {
		r.putAt(t, quietKey(0), "")
	}
	lower, upper := quietKey(0), quietKey(1)
	_, err := r.Put(t.Context(), stream.Entry{PartitionKey: "k", ExplicitHashKey: &lower})
	require.ErrorIs(t, err, stream.ErrThrottled)
	throttled, ok := errors.AsType[*shard.ThrottledError](err)
	require.True(t, ok)
	require.Equal(t, &shard.ThrottledError{ShardID: long(0), Limit: "records written a second", PerSecond: 1000, RetryAfter: time.Millisecond}, throttled)

	// In a batch only the records of that shard are refused.
	result, err := r.PutBatch(t.Context(), []stream.Entry{
		{PartitionKey: "k", ExplicitHashKey: &lower}, {PartitionKey: "k", ExplicitHashKey: &upper}, {PartitionKey: "k", ExplicitHashKey: &lower},
	})
	require.NoError(t, err)
	require.Equal(t, 2, result.Failed)
	require.NoError(t, result.Results[1].Err)
	r.clock.Advance(throttled.RetryAfter)
	r.putAt(t, lower, "")
}

// A split gives each child the limits of a shard of its own, full.
func TestChildrenHaveLimitsOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Limits: stream.KinesisLimits()})
	for range 1000 {
		r.putAt(t, quietKey(0), "")
	}
	r.halve(t, long(0))
	for range 1000 {
		r.putAt(t, quietKey(0), "")
		r.putAt(t, quietKey(1), "")
	}
}

// Reading a stream as a whole waits where the service would make it wait, and
// loses nothing.
func TestRecordsWaitForTheLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStrict(t, 1)
		const records, mib = 24, 1 << 20
		for range records {
			_, err := s.Put(t.Context(), stream.Entry{PartitionKey: "k", Data: make([]byte, mib-1)})
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		began := time.Now()
		require.Len(t, collect(t, s.RecordsToLatest(t.Context(), stream.TrimHorizon())), records)
		// 10 MiB, 5 s, 10 MiB, 5 s, and the rest.
		require.Equal(t, 10*time.Second, time.Since(began).Truncate(10*time.Millisecond))
		require.Zero(t, s.Stats().GetRecords.IteratorAge)

		began = time.Now()
		n := 0
		for rec, err := range s.Records(t.Context(), stream.TrimHorizon()) {
			require.NoError(t, err)
			require.NotEmpty(t, rec.Data)
			if n++; n == records {
				break
			}
		}
		require.Greater(t, time.Since(began), 9*time.Second)
	})
}

// The wait is on the clock of the stream, whichever that is.
func TestThrottledRecordsWaitOnAManualClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, stream.Config{Limits: stream.Limits{Shard: shard.Limits{ReadCalls: 1}}})
		for i := range 2 * 256 { // two reads' worth
			r.put(t, "k", fmt.Sprint(i))
		}
		got := make(chan int, 1)
		go func() {
			n := 0
			for _, err := range r.Records(t.Context(), stream.TrimHorizon()) {
				if err != nil {
					t.Errorf("after %d records: %v", n, err)
				}
				if n++; n == 2*256 {
					break
				}
			}
			got <- n
		}()
		synctest.Wait()
		require.Empty(t, got, "the limit was not heeded")
		require.Equal(t, 1, r.clock.Timers())
		r.clock.Advance(time.Second - time.Millisecond)
		synctest.Wait()
		require.Empty(t, got, "the clock was not heeded")
		r.clock.Advance(time.Millisecond)
		require.Equal(t, 2*256, <-got)
	})
}

func TestReadsAreThrottled(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Limits: stream.KinesisLimits()})
	r.put(t, "k", "")
	it := r.iterator(t, long(0), stream.TrimHorizon())
	for range 5 {
		_, err := r.Get(t.Context(), it, 1)
		require.NoError(t, err)
	}
	_, err := r.Get(t.Context(), it, 1)
	require.ErrorIs(t, err, stream.ErrThrottled)
	throttled, ok := errors.AsType[*shard.ThrottledError](err)
	require.True(t, ok)
	require.Equal(t, 200*time.Millisecond, throttled.RetryAfter)
	r.clock.Advance(throttled.RetryAfter)
	_, err = r.Get(t.Context(), it, 1)
	require.NoError(t, err)
	require.Equal(t, uint64(1), r.Stats().ReadProvisionedThroughputExceeded)
}

// A reader of many shards is held up by a limit of one no longer than that
// shard.
func TestThrottledShardDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2, Limits: stream.KinesisLimits()})
	busy, err := r.Cursor(long(0), stream.TrimHorizon())
	require.NoError(t, err)
	for range 5 {
		_, err := busy.Read(t.Context(), make([]stream.Record, 1))
		require.NoError(t, err)
	}
	r.putAt(t, quietKey(0), "throttled")
	r.putAt(t, quietKey(1), "free")
	reader := r.reader(t, stream.TrimHorizon())
	buf := make([]stream.Record, 5)
	n, err := reader.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Equal(t, []string{"free"}, payloads(buf[:n]))
	_, err = reader.Read(t.Context(), buf)
	require.ErrorIs(t, err, stream.ErrThrottled)
	r.clock.Advance(time.Second)
	n, err = reader.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Equal(t, []string{"throttled"}, payloads(buf[:n]))
}
