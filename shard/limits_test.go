package shard_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// pad is n bytes of data that make a record of n bytes with the key "k".
func pad(n int) []byte { return make([]byte, n-len("k")) }

// requireThrottled asserts that err says to come back after wait, that until
// then again fails, and that it then succeeds.
func requireThrottled(t *testing.T, l log, err error, limit string, perSecond int64, wait time.Duration, again func() error) {
	t.Helper()
	require.ErrorIs(t, err, shard.ErrThrottled)
	throttled, ok := errors.AsType[*shard.ThrottledError](err)
	require.True(t, ok)
	require.Equal(t, &shard.ThrottledError{ShardID: l.ID(), Limit: limit, PerSecond: perSecond, RetryAfter: wait}, throttled)
	l.clock.Advance(wait - time.Millisecond)
	require.ErrorIs(t, again(), shard.ErrThrottled, "a millisecond too early")
	l.clock.Advance(time.Millisecond)
	require.NoError(t, again(), "after RetryAfter")
}

func TestNoLimitIsTheDefault(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	for range 5000 {
		l.put(t, "k", string(make([]byte, kib)))
	}
	c := l.cursor(t, shard.TrimHorizon())
	for range 100 {
		_, err := c.Read(t.Context(), make([]shard.Record, 1))
		require.NoError(t, err)
	}
}

func TestTheRecordAfterAThousandInASecondIsThrottled(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Limits: shard.Limits{WriteRecords: 1000}})
	for range 1000 {
		l.put(t, "k", "")
	}
	again := func() error {
		_, err := l.Append("k", nil, false)
		return err
	}
	requireThrottled(t, l, again(), "records written a second", 1000, time.Millisecond, again)

	// A thousand a second is what it then goes on with, and no more is saved up
	// than a second's worth.
	for range 10 {
		l.clock.Advance(time.Millisecond)
		require.NoError(t, again())
		require.ErrorIs(t, again(), shard.ErrThrottled)
	}
	l.clock.Advance(24 * 365 * time.Hour)
	for range 1000 {
		require.NoError(t, again())
	}
	require.ErrorIs(t, again(), shard.ErrThrottled)
}

func TestAMiBInASecondIsAll(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Limits: shard.Limits{WriteBytes: mib}})
	for range 4 {
		l.put(t, "k", string(pad(256*kib)))
	}
	again := func() error {
		_, err := l.Append("k", pad(256*kib), false)
		return err
	}
	requireThrottled(t, l, again(), "bytes written a second", mib, 250*time.Millisecond, again)
}

func TestBytesAreRoundedUpToWholeKiB(t *testing.T) {
	t.Parallel()
	stored := func(l log, size int, batch bool) (n int) {
		b := l.Begin(start.UnixMilli())
		for n = 0; ; n++ {
			var err error
			if batch {
				_, err = b.Append("k", pad(size), false)
			} else {
				b.End()
				_, err = l.Append("k", pad(size), false)
				b = l.Begin(start.UnixMilli())
			}
			if err != nil {
				require.ErrorIs(t, err, shard.ErrThrottled)
				b.End()
				return n
			}
		}
	}
	for _, tt := range []struct {
		name                 string
		size, single, inBulk int
	}{
		{"1 byte", 1, 64, 64 * kib},
		{"1 KiB", kib, 64, 64},
		{"1 KiB and a byte", kib + 1, 32, 63},
		{"1.5 KiB", kib * 3 / 2, 32, 42},
		{"half a KiB", kib / 2, 64, 128},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limits := shard.Limits{WriteBytes: 64 * kib}
			require.Equal(t, tt.single, stored(newLog(t, shard.Config{Limits: limits}), tt.size, false), "each put by itself")
			require.Equal(t, tt.inBulk, stored(newLog(t, shard.Config{Limits: limits}), tt.size, true), "the sum of a batch")
		})
	}
}

// What a batch has had refused does not count towards its sum, and a record
// that still fits is stored after one that did not.
func TestBatchGoesOnAfterAThrottledRecord(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Limits: shard.Limits{WriteBytes: 10 * kib}})
	b := l.Begin(start.UnixMilli())
	var results []bool
	for _, size := range []int{6 * kib, 6 * kib, 4 * kib, 1} {
		_, err := b.Append("k", pad(size), false)
		results = append(results, err == nil)
	}
	b.End()
	require.Equal(t, []bool{true, false, true, false}, results)
	require.Equal(t, uint64(2), l.Stats().WriteProvisionedThroughputExceeded)
}

// A large record passes when the bucket is full, and is paid for afterwards.
func TestRecordLargerThanASecondsWorth(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Limits: shard.Limits{WriteBytes: mib}})
	large := func() error {
		_, err := l.Append("k", pad(10*mib), false)
		return err
	}
	small := func() error {
		_, err := l.Append("k", nil, false)
		return err
	}
	require.NoError(t, large(), "from a full bucket")
	// 9 MiB of debt, and 1 KiB for the small one.
	requireThrottled(t, l, small(), "bytes written a second", mib, 9*time.Second+time.Millisecond, small)
	l.clock.Advance(500 * time.Millisecond)
	require.ErrorIs(t, large(), shard.ErrThrottled, "the bucket is not full")
	l.clock.Advance(time.Second)
	require.NoError(t, large())
}

// A refusal by one limit costs nothing of the other.
func TestThrottledRecordCostsNothing(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Limits: shard.Limits{WriteBytes: 2 * kib, WriteRecords: 3}})
	l.put(t, "k", string(pad(2*kib)))
	for range 10 {
		_, err := l.Append("k", nil, false)
		throttled, ok := errors.AsType[*shard.ThrottledError](err)
		require.True(t, ok)
		require.Equal(t, "bytes written a second", throttled.Limit)
	}
	before := l.Stats()
	require.Equal(t, uint64(1), before.Records)
	l.clock.Advance(time.Second)
	l.put(t, "k", "")
	l.put(t, "k", "")
	_, err := l.Append("k", nil, false)
	require.ErrorIs(t, err, shard.ErrThrottled)
	require.Equal(t, before.WriteProvisionedThroughputExceeded+1, l.Stats().WriteProvisionedThroughputExceeded)
}

func TestFiveReadsASecond(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Limits: shard.Limits{ReadCalls: 5}})
	l.fill(t, 100)
	buf := make([]shard.Record, 3)
	c, other := l.cursor(t, shard.TrimHorizon()), l.cursor(t, shard.TrimHorizon())
	for i := range 5 {
		reader := c
		if i%2 == 1 {
			reader = other // the limit is the shard's
		}
		_, err := reader.Read(t.Context(), buf)
		require.NoError(t, err)
	}
	again := func() error {
		_, err := c.Read(t.Context(), buf)
		return err
	}
	at := c.NextIndex()
	err := again()
	require.Equal(t, at, c.NextIndex(), "a throttled read must not move")
	requireThrottled(t, l, err, "reads a second", 5, 200*time.Millisecond, again)
	require.Equal(t, uint64(2), l.Stats().ReadProvisionedThroughputExceeded)
}

func TestTwoMiBReadASecond(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Limits: shard.Limits{ReadBytes: 2 * mib}})
	for range 8 {
		l.put(t, "k", string(pad(mib)))
	}
	c := l.cursor(t, shard.TrimHorizon())
	buf := make([]shard.Record, 1)
	again := func() error {
		_, err := c.Read(t.Context(), buf)
		return err
	}
	require.NoError(t, again())
	require.NoError(t, again())
	err := again()
	throttled, ok := errors.AsType[*shard.ThrottledError](err)
	require.True(t, ok)
	require.Equal(t, "bytes read a second", throttled.Limit)
	require.Equal(t, int64(2*mib), throttled.PerSecond)
	// What is left in the bucket admits a read, which then pays for itself.
	l.clock.Advance(time.Millisecond)
	require.NoError(t, again())
	l.clock.Advance(400 * time.Millisecond)
	require.ErrorIs(t, again(), shard.ErrThrottled)
	l.clock.Advance(100 * time.Millisecond)
	require.NoError(t, again())
}

// Documented by the service: a call that returned 10 MiB is followed by 5 s of
// refusals.
func TestReadOfTenMiBWaitsFiveSeconds(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Limits: shard.Limits{ReadBytes: 2 * mib, ReadCalls: 5, ReadBytesPerCall: 10 * mib}})
	for range 30 {
		l.put(t, "k", string(pad(mib/2)))
	}
	c := l.cursor(t, shard.TrimHorizon())
	buf := make([]shard.Record, 100)
	n, err := c.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Equal(t, 20, n, "10 MiB and no more")
	for range 50 {
		_, err = c.Read(t.Context(), buf)
		require.ErrorIs(t, err, shard.ErrThrottled)
		l.clock.Advance(100 * time.Millisecond)
	}
	l.clock.Advance(time.Millisecond)
	n, err = c.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Equal(t, 10, n)
}

func TestReadAfterRetryAfterIsAdmitted(t *testing.T) {
	t.Parallel()
	for _, size := range []int{2 * mib, 3 * mib, 10 * mib, 2*mib + 1, 5*mib + 12345} {
		l := newLog(t, shard.Config{Limits: shard.Limits{ReadBytes: 2 * mib}})
		l.put(t, "k", string(pad(size)))
		c := l.cursor(t, shard.TrimHorizon())
		again := func() error {
			_, err := c.Read(t.Context(), make([]shard.Record, 1))
			return err
		}
		require.NoError(t, again())
		throttled, ok := errors.AsType[*shard.ThrottledError](again())
		require.True(t, ok)
		requireThrottled(t, l, throttled, "bytes read a second", 2*mib, throttled.RetryAfter, again)
	}
}

func TestReadBytesPerCall(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Limits: shard.Limits{ReadBytesPerCall: 100}})
	for _, size := range []int{40, 60, 1, 100, 101, 500, 99, 1, 1} {
		l.put(t, "k", string(pad(size)))
	}
	c := l.cursor(t, shard.TrimHorizon())
	buf := make([]shard.Record, 20)
	var counts []int
	for {
		n, err := c.Read(t.Context(), buf)
		require.NoError(t, err)
		if n == 0 {
			break
		}
		counts = append(counts, n)
	}
	// Up to the bound, its last byte included; a larger record comes alone.
	require.Equal(t, []int{2, 1, 1, 1, 1, 2, 1}, counts)
}

func TestNextWaitsUntilTheLimitAdmitsARead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := shard.New(shard.Config{Range: hashkey.Full(), Limits: shard.Limits{ReadCalls: 5}})
		for range 20 {
			_, err := s.Append("k", nil, false)
			require.NoError(t, err)
		}
		c, err := s.Cursor(shard.TrimHorizon())
		require.NoError(t, err)
		buf := make([]shard.Record, 1)
		began := time.Now()
		for range 20 {
			n, err := c.Next(t.Context(), buf)
			require.NoError(t, err)
			require.Equal(t, 1, n)
		}
		require.Equal(t, 3*time.Second, time.Since(began), "5 from the full bucket, 15 at 5 a second")
	})
}

func TestNextUnderALimitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Limits: shard.Limits{ReadCalls: 1}})
	l.fill(t, 2)
	c := l.cursor(t, shard.TrimHorizon())
	buf := make([]shard.Record, 1)
	_, err := c.Next(t.Context(), buf)
	require.NoError(t, err)
	got := next(cancelled(t), c)
	require.Error(t, (<-got).err)
	require.Zero(t, l.clock.Timers(), "a timer is left behind")
}
