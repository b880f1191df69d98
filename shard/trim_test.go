package shard_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
)

// I7: a record that is exactly as old as the retention stays, a millisecond
// older it is gone. Each way to look finds the same.
func TestRetentionEndsAtTheMillisecond(t *testing.T) {
	t.Parallel()
	looks := map[string]func(t *testing.T, l log) []string{
		"a new cursor at the horizon": func(t *testing.T, l log) []string {
			return data(drain(t, l.cursor(t, shard.TrimHorizon())))
		},
		"a new cursor at a time": func(t *testing.T, l log) []string {
			return data(drain(t, l.cursor(t, shard.AtTimestamp(start))))
		},
		"a cursor at an index": func(t *testing.T, l log) []string {
			return data(drain(t, l.CursorAt(1)))
		},
		"a cursor at a number": func(t *testing.T, l log) []string {
			return data(drain(t, l.cursor(t, shard.AtSequenceNumber(l.StartingSequenceNumber()))))
		},
		"what is stored after Expire": func(t *testing.T, l log) []string {
			l.Expire()
			return numbered(int(l.Stats().TrimmedRecords)+1, int(l.Tail())-1)
		},
		"what is stored after an append": func(t *testing.T, l log) []string {
			last := int(l.Tail()) - 1
			l.fill(t, 1)
			return numbered(int(l.Stats().TrimmedRecords)+1, last)
		},
	}
	for name, look := range looks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range []struct {
				after time.Duration
				want  []string
			}{
				{10*time.Second - time.Millisecond, numbered(1, 4)},
				{10 * time.Second, numbered(1, 4)},
				{10*time.Second + time.Millisecond, numbered(3, 4)},
				{11 * time.Second, numbered(3, 4)},
				{11*time.Second + time.Millisecond, numbered(4, 4)},
				{12 * time.Second, numbered(4, 4)},
				{12*time.Second + time.Millisecond, numbered(5, 4)},
			} {
				l := newLog(t, shard.Config{Retention: 10 * time.Second})
				l.fill(t, 2)
				l.clock.Advance(time.Second)
				l.fill(t, 1)
				l.clock.Advance(time.Second)
				l.fill(t, 1)
				l.clock.Advance(start.Add(tt.after).Sub(l.clock.Now()))
				require.Equal(t, tt.want, look(t, l), "after %v", tt.after)
			}
		})
	}
}

func TestRetentionIsADayUnlessGiven(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	l.fill(t, 1)
	l.clock.Advance(24 * time.Hour)
	require.Len(t, drain(t, l.cursor(t, shard.TrimHorizon())), 1)
	l.clock.Advance(time.Millisecond)
	require.Empty(t, drain(t, l.cursor(t, shard.TrimHorizon())))
}

// Many segments, of which some are past retention, one is in part.
func TestRetentionAcrossSegments(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Retention: time.Second})
	pad := string(make([]byte, 10_000))
	for range 1000 {
		l.put(t, "key", pad)
		l.clock.Advance(time.Millisecond)
	}
	// Record i (from 0) is 1000-i ms old.
	for _, more := range []time.Duration{0, 1, 1, 100, 399, 1, 250, 247, 1, 1} {
		l.clock.Advance(more * time.Millisecond)
		age := l.clock.Now().Sub(start).Milliseconds()
		want := min(1000, max(0, 1000-(age-1000)))
		require.Len(t, drain(t, l.cursor(t, shard.TrimHorizon())), int(want), "after %d ms", age)
		require.Equal(t, uint64(want), l.Stats().Records)
		require.NoError(t, l.Check())
	}
	l.fill(t, 3)
	require.Equal(t, numbered(1001, 1003), data(drain(t, l.cursor(t, shard.TrimHorizon()))))
}

// I7: the accounted bytes are those of the live records, at every step.
func TestBytesAreThoseOfTheLiveRecords(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Retention: time.Minute})
	var live []int64
	var sum int64
	for i := range 500 {
		key, size := fmt.Sprint(i), i*37%2500
		l.put(t, key, string(make([]byte, size)))
		live = append(live, int64(len(key)+size))
		sum += live[len(live)-1]
		l.clock.Advance(time.Second)
		if len(live) > 60 { // the oldest is a minute and a second old
			l.Expire()
			sum -= live[0]
			live = live[1:]
		}
		s := l.Stats()
		require.Equal(t, sum, s.Bytes)
		require.Equal(t, sum+int64(len(live))*shard.RecordOverhead, s.MemoryBytes)
		require.Equal(t, uint64(len(live)), s.Records)
		require.NoError(t, l.Check())
	}
}

func TestOldestIsTheArrivalOfTheOldestLiveRecord(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Retention: 10 * time.Second})
	for range 3 {
		l.fill(t, 1)
		l.clock.Advance(time.Second)
	}
	oldest := func() any {
		if at, found := l.Oldest(); found {
			require.Equal(t, time.UTC, at.Location())
			return at.Sub(start)
		}
		return "none"
	}
	require.Equal(t, time.Duration(0), oldest())
	l.Evict(1)
	require.Equal(t, time.Second, oldest())
	l.clock.Advance(9 * time.Second)
	l.Expire()
	require.Equal(t, 2*time.Second, oldest())
	l.Evict(1)
	require.Equal(t, "none", oldest())
	l.fill(t, 1)
	require.Equal(t, 12*time.Second, oldest())
}

func TestShorterRetentionTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Retention: time.Hour})
	for range 5 {
		l.fill(t, 1)
		l.clock.Advance(time.Second)
	}
	l.SetRetention(3 * time.Second)
	require.Equal(t, uint64(2), l.Stats().TrimmedRecords, "without a read or an append")
	require.Equal(t, numbered(3, 5), data(drain(t, l.cursor(t, shard.TrimHorizon()))))
}

func TestLongerRetentionKeepsWhatIsThereAndBringsNothingBack(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Retention: 3 * time.Second})
	for range 5 {
		l.fill(t, 1)
		l.clock.Advance(time.Second)
	}
	// "1" and "2" are past retention, and nothing has trimmed them yet.
	l.SetRetention(time.Hour)
	require.Equal(t, numbered(3, 5), data(drain(t, l.cursor(t, shard.TrimHorizon()))))
	l.clock.Advance(time.Hour - 3*time.Second)
	require.Equal(t, numbered(3, 5), data(drain(t, l.cursor(t, shard.TrimHorizon()))))
	l.clock.Advance(time.Millisecond)
	require.Equal(t, numbered(4, 5), data(drain(t, l.cursor(t, shard.TrimHorizon()))))
}

// I5, I7: a closed shard still expires.
func TestClosedShardExpires(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Retention: 10 * time.Second})
	l.fill(t, 2)
	l.clock.Advance(time.Second)
	l.split(t)
	l.clock.Advance(9 * time.Second)
	require.Equal(t, numbered(1, 2), data(drain(t, l.cursor(t, shard.TrimHorizon()))))
	l.clock.Advance(time.Millisecond)
	c := l.cursor(t, shard.TrimHorizon())
	_, err := c.Read(t.Context(), make([]shard.Record, 1))
	require.ErrorIs(t, err, shard.ErrEndOfShard)
}
