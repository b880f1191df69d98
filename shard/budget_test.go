package shard_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
)

func TestAtBoundHasNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, "TrimOldest", shard.TrimOldest.String())
	require.Equal(t, "Refuse", shard.Refuse.String())
}

// I10: at the bound the oldest records make room, and the newest are all there.
func TestBudgetThatTrimsTheOldest(t *testing.T) {
	t.Parallel()
	const bound = 10_000
	b := shard.NewBudget(bound, shard.TrimOldest)
	require.Equal(t, int64(bound), b.Bound())
	l := newLog(t, shard.Config{Budget: b})
	c := l.cursor(t, shard.TrimHorizon())
	most := int64(0)
	for i := range 2000 {
		l.put(t, "key", fmt.Sprint(i+1))
		s := l.Stats()
		require.LessOrEqual(t, s.MemoryBytes, int64(bound))
		require.LessOrEqual(t, b.Drawn(), int64(bound))
		require.LessOrEqual(t, s.MemoryBytes, b.Drawn())
		most = max(most, s.MemoryBytes)
	}
	require.Greater(t, most, int64(bound*9/10), "most of the bound is put to use")
	trimmed := l.Stats().TrimmedRecords
	require.Positive(t, trimmed)
	require.Equal(t, numbered(int(trimmed)+1, 2000), data(drain(t, c)))
	require.Equal(t, trimmed, c.Missed(), "I7: the reader knows what it lost")
}

// I10: the caller chose to be told rather than to lose something.
func TestBudgetThatRefuses(t *testing.T) {
	t.Parallel()
	const bound = 10_000
	b := shard.NewBudget(bound, shard.Refuse)
	l := newLog(t, shard.Config{Budget: b})
	pad := string(make([]byte, 981)) // 1000 bytes with key and overhead
	for range 10 {
		l.put(t, "key", pad)
	}
	before := l.Stats()
	require.Equal(t, int64(bound), before.MemoryBytes, "the bound can be used up to the byte")
	for range 2 {
		_, err := l.Append("key", nil, false)
		require.ErrorIs(t, err, shard.ErrFull)
		full, ok := errors.AsType[*shard.FullError](err)
		require.True(t, ok)
		require.Equal(t, &shard.FullError{ShardID: l.ID(), Need: 19, Used: bound, Bound: bound}, full)
	}
	require.Equal(t, before, l.Stats(), "a refused record leaves no trace")

	l.Evict(1)
	l.put(t, "key", pad)
	_, err := l.Append("key", nil, false)
	require.ErrorIs(t, err, shard.ErrFull)
}

func TestRecordLargerThanTheWholeBudget(t *testing.T) {
	t.Parallel()
	for _, at := range []shard.AtBound{shard.TrimOldest, shard.Refuse} {
		t.Run(at.String(), func(t *testing.T) {
			t.Parallel()
			l := newLog(t, shard.Config{Budget: shard.NewBudget(1000, at)})
			l.put(t, "key", "stays")
			_, err := l.Append("key", make([]byte, 1000-3-shard.RecordOverhead+1), false)
			full, ok := errors.AsType[*shard.FullError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, int64(1001), full.Need)
			require.Equal(t, int64(1000), full.Bound)
			require.Contains(t, err.Error(), "more than the whole bound of 1000: raise MaxBytes or split the record")
			require.Equal(t, []string{"stays"}, data(drain(t, l.cursor(t, shard.TrimHorizon()))))
		})
	}
}

func TestRecordAsLargeAsTheWholeBudget(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Budget: shard.NewBudget(1000, shard.TrimOldest)})
	l.put(t, "key", "goes")
	l.put(t, "key", string(make([]byte, 1000-3-shard.RecordOverhead)))
	require.Equal(t, uint64(1), l.Stats().Records)
	l.put(t, "key", "small again")
	require.Equal(t, []string{"small again"}, data(drain(t, l.cursor(t, shard.TrimHorizon()))))
}

// A batch may itself run into the bound: it trims what was there, then what it
// has itself put, or has the rest refused.
func TestBatchBeyondTheBudget(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Budget: shard.NewBudget(10_000, shard.Refuse)})
	put := func(l log, n int) (failed int) {
		b := l.Begin(start.UnixMilli())
		defer b.End()
		for i := range n {
			if _, err := b.Append("key", []byte(fmt.Sprint(i+1)), false); err != nil {
				require.ErrorIs(t, err, shard.ErrFull)
				failed++
			}
		}
		return failed
	}
	stored := 1000 - put(l, 1000)
	require.InDelta(t, 10_000/(3+3+shard.RecordOverhead), stored, 10)
	require.Equal(t, numbered(1, stored), data(drain(t, l.cursor(t, shard.TrimHorizon()))))

	l = newLog(t, shard.Config{Budget: shard.NewBudget(10_000, shard.TrimOldest)})
	l.put(t, "key", "before")
	require.Zero(t, put(l, 1000))
	live := int(l.Stats().Records)
	require.Less(t, live, 1000)
	require.Equal(t, numbered(1000-live+1, 1000), data(drain(t, l.cursor(t, shard.TrimHorizon()))))
}

// Shards that share a budget hold no more than it together; what is trimmed for
// whom is up to Relieve.
func TestBudgetSharedByShards(t *testing.T) {
	t.Parallel()
	const bound = 50_000
	b := shard.NewBudget(bound, shard.TrimOldest)
	var logs []log
	relieve := func(_ *shard.Shard, need int64) bool {
		freed := int64(0)
		for _, l := range logs {
			if freed < need {
				freed += l.Evict(b.Portion(need) - freed)
			}
		}
		return freed > 0
	}
	for i := range 3 {
		logs = append(logs, newLog(t, shard.Config{Index: int32(i), Budget: b, Relieve: relieve}))
	}
	sum := func() (bytes int64) {
		for _, l := range logs {
			bytes += l.Stats().MemoryBytes
		}
		return bytes
	}
	for i, l := range logs {
		for range 3000 {
			l.put(t, "key", "0123456789")
			require.LessOrEqual(t, sum(), int64(bound))
			require.LessOrEqual(t, b.Drawn(), int64(bound))
		}
		require.Positive(t, logs[i].Stats().Records)
	}
	require.Greater(t, sum(), int64(bound*8/10))

	// One that is discarded gives its part to the others.
	drawn := b.Drawn()
	logs[0].Discard()
	logs[0].Discard()
	require.Zero(t, logs[0].Stats().Records)
	require.LessOrEqual(t, b.Drawn(), drawn)
}

func TestNobodyToRelieveAShardMeansFull(t *testing.T) {
	t.Parallel()
	b := shard.NewBudget(1000, shard.TrimOldest)
	hog := newLog(t, shard.Config{Budget: b})
	hog.put(t, "key", string(make([]byte, 900)))
	asked := int64(0)
	l := newLog(t, shard.Config{Index: 1, Budget: b, Relieve: func(_ *shard.Shard, need int64) bool {
		asked = need
		return false
	}})
	for _, put := range []func() error{
		func() error { _, err := l.Append("key", make([]byte, 500), false); return err },
		func() error {
			batch := l.Begin(start.UnixMilli())
			defer batch.End()
			_, err := batch.Append("key", make([]byte, 500), false)
			return err
		},
	} {
		asked = 0
		require.ErrorIs(t, put(), shard.ErrFull)
		require.Equal(t, int64(503+shard.RecordOverhead), asked)
	}
	require.Zero(t, l.Stats().IncomingRecords)
}

// Relieve is asked with no lock held, for as much as the record needs, and not
// for every record.
func TestRelieveIsAskedForRoom(t *testing.T) {
	t.Parallel()
	b := shard.NewBudget(64_000, shard.TrimOldest)
	require.Equal(t, shard.TrimOldest, b.AtBound())
	asked := 0
	l := newLog(t, shard.Config{Budget: b, Relieve: func(s *shard.Shard, need int64) bool {
		asked++
		require.Equal(t, int64(116), need)
		return s.Evict(10*need) > 0
	}})
	for range 2000 {
		l.put(t, "key", string(make([]byte, 97)))
	}
	require.InDelta(t, (2000-64_000/116)/10, asked, 10)
}

// Records that have expired make room too, even where none may be trimmed
// otherwise.
func TestRefusingBudgetTakesBackWhatHasExpired(t *testing.T) {
	t.Parallel()
	b := shard.NewBudget(1000, shard.Refuse)
	l := newLog(t, shard.Config{Budget: b, Retention: time.Minute})
	l.put(t, "key", string(make([]byte, 900)))
	_, err := l.Append("key", make([]byte, 900), false)
	require.ErrorIs(t, err, shard.ErrFull)
	l.clock.Advance(time.Minute + time.Millisecond)
	l.put(t, "key", string(make([]byte, 900)))
	require.Equal(t, uint64(1), l.Stats().Records)
}

func TestRolledIsCalledWhenASegmentIsAdded(t *testing.T) {
	t.Parallel()
	rolled := 0
	var l log
	l = newLog(t, shard.Config{Rolled: func() {
		rolled++
		l.Stats() // deadlocks where the lock is held
	}})
	l.fill(t, 1)
	require.Equal(t, 1, rolled)
	l.fill(t, 10)
	require.Equal(t, 1, rolled, "the records fit")
	l.put(t, "key", string(make([]byte, 3<<20)))
	require.Equal(t, 2, rolled)
}

func TestEvictSaysHowMuchItFreed(t *testing.T) {
	t.Parallel()
	b := shard.NewBudget(1<<20, shard.TrimOldest)
	l := newLog(t, shard.Config{Budget: b})
	const each = 3 + 1 + shard.RecordOverhead
	l.fill(t, 5)
	require.Equal(t, b.Drawn()-5*each, l.Evict(0), "what was set aside and is not used")
	require.Equal(t, int64(5*each), b.Drawn())
	require.Zero(t, l.Evict(0))
	require.Equal(t, int64(each), l.Evict(1))
	require.Equal(t, int64(2*each), l.Evict(each+1))
	require.Equal(t, numbered(4, 5), data(drain(t, l.cursor(t, shard.TrimHorizon()))))
	require.Equal(t, int64(2*each), l.Evict(1<<40))
	require.Zero(t, l.Evict(1<<40))
	require.Zero(t, b.Drawn())
}

// Buffers of segments that nobody has read are used again; what was read is
// never overwritten. Both logs share the buffers.
func TestSharedBuffersNeverShowInAReadersRecords(t *testing.T) {
	t.Parallel()
	buffers := new(shard.Buffers)
	logs := []log{
		newLog(t, shard.Config{Buffers: buffers}),
		newLog(t, shard.Config{Index: 1, Buffers: buffers}),
	}
	var wg sync.WaitGroup
	for i, l := range logs {
		wg.Go(func() {
			var held []shard.Record
			var want []string
			for round := range 60 {
				text := fmt.Sprint(i, "/", round)
				body := text + string(bytesOf(uint64(round), 300_000))
				for range 4 {
					if _, err := l.Append(text, []byte(body), false); err != nil {
						t.Errorf("append: %v", err)
						return
					}
				}
				if round%3 == 0 {
					c := l.CursorAt(l.Tail() - 1)
					buf := make([]shard.Record, 1)
					if n, err := c.Read(t.Context(), buf); n != 1 || err != nil {
						t.Errorf("read %d: %v", n, err)
						return
					}
					held, want = append(held, buf[0]), append(want, body)
				}
				l.Evict(1 << 30)
			}
			for j := range held {
				if string(held[j].Data) != want[j] {
					t.Errorf("record %d has changed", j)
				}
			}
		})
	}
	wg.Wait()
	buffers.Drop()
	logs[0].fill(t, 1)
}
