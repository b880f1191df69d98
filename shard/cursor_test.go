package shard_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
)

// I6: every record once and in order, across segments and with whatever room
// the reader gives.
func TestCursorReadsAcrossSegments(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	r := rand.New(rand.NewPCG(7, 7))
	type record struct{ key, data string }
	var want []record
	for i := range 4000 {
		size := r.IntN(300)
		if i%500 == 3 {
			size = 600_000
		}
		w := record{fmt.Sprint("key", i), string(bytesOf(uint64(i), size))}
		l.put(t, w.key, w.data)
		want = append(want, w)
	}
	for _, room := range []int{1, 2, 99, 1000, 10_000} {
		c := l.cursor(t, shard.TrimHorizon())
		buf := make([]shard.Record, room)
		var got int
		for {
			n, err := c.Read(t.Context(), buf)
			require.NoError(t, err)
			if n == 0 {
				break
			}
			require.Equal(t, min(room, len(want)-got), n, "a read fills what it is given")
			for _, rec := range buf[:n] {
				require.Equal(t, want[got].key, rec.PartitionKey)
				requireSame(t, want[got].data, rec.Data, got)
				got++
			}
			require.Equal(t, uint64(got+1), c.NextIndex())
		}
		require.Equal(t, len(want), got)
	}
}

func TestCursorsDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	l.fill(t, 5)
	first, second := l.cursor(t, shard.TrimHorizon()), l.cursor(t, shard.TrimHorizon())
	buf := make([]shard.Record, 3)
	n, err := first.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Equal(t, numbered(1, 3), data(buf[:n]))
	require.Equal(t, numbered(1, 5), data(drain(t, second)))
	require.Equal(t, numbered(4, 5), data(drain(t, first)))
	require.Same(t, l.Shard, first.Shard())
}

func TestCursorAtGoesOnWhereAnotherStopped(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	l.fill(t, 6)
	c := l.cursor(t, shard.TrimHorizon())
	_, err := c.Read(t.Context(), make([]shard.Record, 2))
	require.NoError(t, err)
	require.Equal(t, numbered(3, 6), data(drain(t, l.CursorAt(c.NextIndex()))))
	require.Equal(t, numbered(1, 6), data(drain(t, l.CursorAt(0))), "0 is the first record ever")
	require.Empty(t, drain(t, l.CursorAt(1<<60)))
}

func TestReadOfACancelledContextReadsNothing(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	l.fill(t, 2)
	c := l.cursor(t, shard.TrimHorizon())
	n, err := c.Read(cancelled(t), make([]shard.Record, 2))
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, n)
	require.Equal(t, numbered(1, 2), data(drain(t, c)), "the cursor has moved")
}

func TestReadIntoNothingReadsNothing(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	c := l.cursor(t, shard.TrimHorizon())
	for range 2 {
		n, err := c.Read(t.Context(), nil)
		require.NoError(t, err)
		require.Zero(t, n)
		n, err = c.Next(t.Context(), nil)
		require.NoError(t, err, "an empty dst must not wait")
		require.Zero(t, n)
		l.split(t)
	}
}

// I5: the end of a closed shard is told once everything has been read, again and
// again, with the shards that took over.
func TestEndOfShardNamesTheChildren(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	l.fill(t, 3)
	c := l.cursor(t, shard.TrimHorizon())
	require.Nil(t, c.AtEnd())
	l.clock.Advance(time.Minute)
	lower, upper := l.split(t)
	want := &shard.EndOfShardError{
		ShardID: l.ID(),
		Children: []shard.ChildShard{
			{ShardID: lower.ID(), ParentShards: []string{l.ID()}, HashKeyRange: lower.Range()},
			{ShardID: upper.ID(), ParentShards: []string{l.ID()}, HashKeyRange: upper.Range()},
		},
		ClosedAt: start.Add(time.Minute),
	}
	require.Equal(t, want, l.End())

	buf := make([]shard.Record, 3)
	n, err := c.Read(t.Context(), buf[:2])
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Nil(t, c.AtEnd())
	n, err = c.Read(t.Context(), buf)
	require.NoError(t, err, "the read that takes the last record")
	require.Equal(t, 1, n)
	require.Equal(t, want, c.AtEnd())
	for range 2 {
		n, err = c.Read(t.Context(), buf)
		require.Equal(t, want, err)
		require.Zero(t, n)
		n, err = c.Next(t.Context(), buf)
		require.Equal(t, want, err)
		require.Zero(t, n)
	}
}

// I7: a reader that trimming overtakes goes on from the horizon, and knows what
// it lost.
func TestMissedCountsWhatWasTrimmedUnread(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Retention: 10 * time.Second})
	for range 10 {
		l.fill(t, 1)
		l.clock.Advance(time.Second)
	}
	early := l.cursor(t, shard.TrimHorizon())
	ahead := l.cursor(t, shard.TrimHorizon())
	buf := make([]shard.Record, 4)
	n, err := ahead.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Equal(t, 4, n)
	numbers := [2]shard.SequenceNumber{buf[1].SequenceNumber, buf[3].SequenceNumber}

	l.clock.Advance(6 * time.Second) // "1" to "6" are older than 10 s
	require.Zero(t, early.Missed(), "nothing is counted before the read that finds out")
	n, err = early.Read(t.Context(), buf[:1])
	require.NoError(t, err)
	require.Equal(t, []string{"7"}, data(buf[:n]))
	require.Equal(t, uint64(6), early.Missed())

	require.Equal(t, numbered(7, 10), data(drain(t, ahead)))
	require.Equal(t, uint64(2), ahead.Missed(), `"5" and "6"`)

	// Positions that have been trimmed are legal, and what lies between them
	// and the horizon counts.
	at := l.cursor(t, shard.AtSequenceNumber(numbers[0]))
	require.Equal(t, numbered(7, 10), data(drain(t, at)))
	require.Equal(t, uint64(5), at.Missed())
	after := l.cursor(t, shard.AfterSequenceNumber(numbers[1]))
	require.Equal(t, numbered(7, 10), data(drain(t, after)))
	require.Equal(t, uint64(2), after.Missed())
	horizon := l.cursor(t, shard.TrimHorizon())
	require.Equal(t, numbered(7, 10), data(drain(t, horizon)))
	require.Zero(t, horizon.Missed())

	// Missing everything is counted too.
	l.clock.Advance(time.Hour)
	require.Empty(t, drain(t, early))
	require.Equal(t, uint64(6+3), early.Missed())
	l.fill(t, 1)
	require.Equal(t, []string{"11"}, data(drain(t, early)))
	require.Equal(t, uint64(9), early.Missed())
}

func TestLagIsTheTimeBehindTheNewestRecord(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	c := l.cursor(t, shard.TrimHorizon())
	buf := make([]shard.Record, 1)
	require.Zero(t, c.Lag(), "an empty shard")

	l.fill(t, 1)
	l.clock.Advance(3 * time.Second)
	require.Equal(t, 3*time.Second, c.Lag(), "before the first read: the age of the next record")
	l.fill(t, 1)
	l.clock.Advance(4 * time.Second)
	_, err := c.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Equal(t, 7*time.Second, c.Lag(), "the age of the record read last")
	_, err = c.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Zero(t, c.Lag(), "all has been read")

	l.fill(t, 1)
	l.clock.Advance(time.Second)
	require.Equal(t, 5*time.Second, c.Lag())
	drain(t, c)
	l.split(t)
	l.clock.Advance(time.Minute)
	require.Equal(t, time.Minute, c.Lag(), "at the end of a closed shard: since it was closed")
}

func TestLagWhenTheRestWasTrimmed(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	fresh, begun := l.cursor(t, shard.TrimHorizon()), l.cursor(t, shard.TrimHorizon())
	l.fill(t, 3)
	_, err := begun.Read(t.Context(), make([]shard.Record, 1))
	require.NoError(t, err)
	l.clock.Advance(time.Minute)
	require.Equal(t, time.Minute, fresh.Lag())
	require.Equal(t, time.Minute, begun.Lag())
	l.Evict(1 << 20)
	require.Zero(t, fresh.Lag(), "nothing is left to read")
	require.Zero(t, begun.Lag(), "nothing is left to read")
}

// I8: readers share the log's own memory; nothing is copied out.
func TestRecordsAliasTheLog(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	l.put(t, "key", "data")
	l.put(t, "key", "other")
	a, b := drain(t, l.cursor(t, shard.TrimHorizon())), drain(t, l.cursor(t, shard.TrimHorizon()))
	require.Same(t, unsafe.SliceData(a[0].Data), unsafe.SliceData(b[0].Data))
	require.Same(t, unsafe.StringData(a[0].PartitionKey), unsafe.StringData(b[0].PartitionKey))

	// Appending to what was read must not write into the record behind it.
	require.Equal(t, len(a[0].Data), cap(a[0].Data))
	_ = append(a[0].Data, "overwritten"...)
	require.Equal(t, "other", string(b[1].Data))
}

// I8: what was handed out stays as it is, even when it has been trimmed and the
// shard has long gone on.
func TestRecordsStayValidAfterTrimming(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Budget: shard.NewBudget(4<<20, shard.TrimOldest)})
	var held []shard.Record
	c := l.cursor(t, shard.TrimHorizon())
	for i := range 64 {
		for j := range 16 {
			l.put(t, fmt.Sprintf("key %d/%d", i, j), string(bytesOf(uint64(i*16+j), 64<<10)))
		}
		buf := make([]shard.Record, 1)
		n, err := c.Read(t.Context(), buf)
		require.NoError(t, err)
		held = append(held, buf[:n]...)
		l.Evict(1 << 30)
	}
	for i, r := range held {
		require.Equal(t, fmt.Sprintf("key %d/0", i), r.PartitionKey)
		requireSame(t, string(bytesOf(uint64(i*16), 64<<10)), r.Data, i)
	}
}

// I6, with trimming by bytes under way: what is read is whole and in order, and
// what is not read was missed.
func TestCursorsBesideWritersAndTrimming(t *testing.T) {
	t.Parallel()
	const writers, each = 2, 3000
	l := newLog(t, shard.Config{Budget: shard.NewBudget(256<<10, shard.TrimOldest)})
	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				text := fmt.Sprintf("%d:%05d:", w, i)
				_, err := l.Append(text, append([]byte(text), bytesOf(uint64(i), i%200)...), false)
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
			}
		})
	}
	for range 2 {
		c := l.cursor(t, shard.TrimHorizon())
		reading.Go(func() {
			buf := make([]shard.Record, 50)
			last := [writers]int{-1, -1}
			var seen uint64
			var lastNumber shard.SequenceNumber
			for final := false; ; {
				n, err := c.Read(t.Context(), buf)
				if err != nil {
					t.Errorf("read: %v", err)
					return
				}
				for _, r := range buf[:n] {
					var w, i int
					if _, err := fmt.Sscanf(r.PartitionKey, "%d:%d:", &w, &i); err != nil {
						t.Errorf("key %q: %v", r.PartitionKey, err)
						return
					}
					want := r.PartitionKey + string(bytesOf(uint64(i), i%200))
					if string(r.Data) != want || i <= last[w] || r.SequenceNumber.Compare(lastNumber) <= 0 {
						t.Errorf("record %s after %d is out of order or torn", r.PartitionKey, last[w])
						return
					}
					last[w], lastNumber = i, r.SequenceNumber
				}
				seen += uint64(n)
				if n > 0 {
					continue
				}
				if final {
					break
				}
				select {
				case <-done:
					final = true // one more look
				default:
				}
			}
			if total := seen + c.Missed(); total != writers*each {
				t.Errorf("%d read and %d missed, of %d", seen, c.Missed(), writers*each)
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
}
