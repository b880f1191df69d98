package shard_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// nexted is what a Next in another goroutine returned.
type nexted struct {
	data []string
	err  error
	at   time.Time
}

func next(ctx context.Context, c *shard.Cursor) <-chan nexted {
	out := make(chan nexted, 1)
	go func() {
		buf := make([]shard.Record, 5)
		n, err := c.Next(ctx, buf)
		out <- nexted{data(buf[:n]), err, time.Now()}
	}()
	return out
}

// inBubble runs a test on a shard in a bubble, where time is faked and a
// goroutine that is left behind fails the test.
func inBubble(t *testing.T, f func(t *testing.T, s *shard.Shard)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f(t, shard.New(shard.Config{Range: hashkey.Full()}))
	})
}

func TestNextReturnsWhatIsThereWithoutWaiting(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shard.Shard) {
		began := time.Now()
		_, err := s.Append("key", []byte("1"), false)
		require.NoError(t, err)
		c, err := s.Cursor(shard.TrimHorizon())
		require.NoError(t, err)
		got := <-next(t.Context(), c)
		require.NoError(t, got.err)
		require.Equal(t, []string{"1"}, got.data)
		require.Equal(t, began, got.at)
	})
}

func TestNextWaitsForAnAppend(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shard.Shard) {
		c, err := s.Cursor(shard.Latest())
		require.NoError(t, err)
		for _, text := range []string{"1", "2", "3"} {
			got := next(t.Context(), c)
			time.Sleep(time.Hour)
			synctest.Wait()
			require.Empty(t, got, "did not wait")
			_, err = s.Append("key", []byte(text), false)
			require.NoError(t, err)
			result := <-got
			require.NoError(t, result.err)
			require.Equal(t, []string{text}, result.data)
			require.Equal(t, time.Now(), result.at, "woke late")
		}
	})
}

func TestNextWaitsForTheEndOfABatch(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shard.Shard) {
		c, err := s.Cursor(shard.Latest())
		require.NoError(t, err)
		got := next(t.Context(), c)
		synctest.Wait()
		b := s.Begin(time.Now().UnixMilli())
		for _, text := range []string{"1", "2"} {
			_, err := b.Append("key", []byte(text), false)
			require.NoError(t, err)
		}
		synctest.Wait()
		require.Empty(t, got, "woke within the batch")
		b.End()
		require.Equal(t, []string{"1", "2"}, (<-got).data)
	})
}

func TestNextEndsWithItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shard.Shard) {
		c, err := s.Cursor(shard.Latest())
		require.NoError(t, err)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got := <-next(ctx, c)
		require.ErrorIs(t, got.err, context.DeadlineExceeded)
		require.Equal(t, began.Add(time.Minute), got.at)

		ctx, cancel = context.WithCancel(t.Context())
		waiting := next(ctx, c)
		synctest.Wait()
		cancel()
		require.ErrorIs(t, (<-waiting).err, context.Canceled)

		// The cursor is as good as before.
		waiting = next(t.Context(), c)
		synctest.Wait()
		_, err = s.Append("key", []byte("1"), false)
		require.NoError(t, err)
		require.Equal(t, []string{"1"}, (<-waiting).data)
	})
}

func TestNextOfACancelledContextDoesNotWait(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shard.Shard) {
		c, err := s.Cursor(shard.Latest())
		require.NoError(t, err)
		require.ErrorIs(t, (<-next(cancelled(t), c)).err, context.Canceled)
	})
}

// context.Background has no Done channel, which is a path of its own.
func TestNextWaitsUnderAContextThatNeverEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shard.Shard) {
		c, err := s.Cursor(shard.Latest())
		require.NoError(t, err)
		got := next(context.WithoutCancel(t.Context()), c)
		synctest.Wait()
		_, err = s.Append("key", []byte("1"), false)
		require.NoError(t, err)
		require.Equal(t, []string{"1"}, (<-got).data)
	})
}

func TestNextEndsWhenTheShardIsClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shard.Shard) {
		var waiting []<-chan nexted
		for range 3 {
			c, err := s.Cursor(shard.Latest())
			require.NoError(t, err)
			waiting = append(waiting, next(t.Context(), c))
		}
		synctest.Wait()
		child := shard.New(shard.Config{Index: 1, Range: hashkey.Full(), Parents: []string{s.ID()}})
		shard.Replace([]*shard.Shard{s}, []*shard.Shard{child}, func() {})
		for _, w := range waiting {
			require.Equal(t, error(s.End()), (<-w).err)
		}
	})
}

func TestStopEndsAllUse(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shard.Shard) {
		_, err := s.Append("key", []byte("held"), false)
		require.NoError(t, err)
		c, err := s.Cursor(shard.TrimHorizon())
		require.NoError(t, err)
		buf := make([]shard.Record, 1)
		_, err = c.Read(t.Context(), buf)
		require.NoError(t, err)
		waiting := next(t.Context(), c)
		synctest.Wait()

		s.Stop()
		require.ErrorIs(t, (<-waiting).err, shard.ErrStreamClosed)
		s.Stop() // twice is as good as once

		_, err = s.Append("key", nil, false)
		require.ErrorIs(t, err, shard.ErrStreamClosed)
		b := s.Begin(time.Now().UnixMilli())
		_, err = b.Append("key", nil, false)
		b.End()
		require.ErrorIs(t, err, shard.ErrStreamClosed)
		_, err = c.Read(t.Context(), buf)
		require.ErrorIs(t, err, shard.ErrStreamClosed)
		_, err = c.Next(t.Context(), buf)
		require.ErrorIs(t, err, shard.ErrStreamClosed)
		_, err = s.Cursor(shard.TrimHorizon())
		require.ErrorIs(t, err, shard.ErrStreamClosed)
		require.Equal(t, []string{"held"}, data(buf), "what was handed out stays valid")
	})
}

func TestWaitEndsAtOnceWhenThereIsSomething(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shard.Shard) {
		c, err := s.Cursor(shard.TrimHorizon())
		require.NoError(t, err)
		_, err = s.Append("key", nil, false)
		require.NoError(t, err)
		require.NoError(t, c.Wait(t.Context()))
		require.NoError(t, c.Wait(t.Context()), "until it is read")
	})
}

// A cursor whose wait has just been cancelled while a record arrives loses
// nothing, whichever of the two comes first.
func TestCancelledWaitsLoseNothing(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	c := l.cursor(t, shard.TrimHorizon())
	const records = 500
	appended := make(chan struct{})
	go func() {
		defer close(appended)
		for range records {
			l.Append("key", nil, false)
		}
	}()
	buf := make([]shard.Record, 1)
	for got := 0; got < records; {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		n, err := c.Next(ctx, buf)
		cancel()
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
		got += n
	}
	<-appended
	require.Zero(t, c.Missed())
}

func TestWatchWaitsForAnyOfSeveralShards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var shards []*shard.Shard
		var cursors []*shard.Cursor
		w := shard.NewWatch()
		for i := range 3 {
			s := shard.New(shard.Config{Index: int32(i), Range: hashkey.Full()})
			c, err := s.Cursor(shard.Latest())
			require.NoError(t, err)
			c.Arm(w, 10+i)
			shards, cursors = append(shards, s), append(cursors, c)
		}
		require.Empty(t, w.Fired(nil), "nothing has happened")
		put := func(i int) {
			t.Helper()
			_, err := shards[i].Append("key", nil, false)
			require.NoError(t, err)
		}
		wait := func() []int {
			t.Helper()
			tags, err := w.Wait(t.Context(), []int{1})
			require.NoError(t, err)
			require.Equal(t, 1, tags[0], "the tags are appended")
			slices.Sort(tags[1:])
			return tags[1:]
		}

		put(1)
		put(1)
		require.Equal(t, []int{11}, wait(), "once, until it is armed again")
		put(1)
		require.Empty(t, w.Fired(nil))
		cursors[1].Arm(w, 21)
		require.Equal(t, []int{21}, wait(), "at once, as there is something unread")

		put(0)
		shards[2].Stop()
		require.Equal(t, []int{10, 12}, wait())

		// Waiting in earnest.
		_, err := cursors[0].Read(t.Context(), make([]shard.Record, 5))
		require.NoError(t, err)
		cursors[0].Arm(w, 30)
		go func() {
			time.Sleep(time.Hour)
			put(0)
		}()
		began := time.Now()
		require.Equal(t, []int{30}, wait())
		require.Equal(t, time.Hour, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		tags, err := w.Wait(ctx, []int{1})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []int{1}, tags)
	})
}

func TestDisarmedCursorDoesNotFire(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shard.Shard) {
		w := shard.NewWatch()
		var cursors []*shard.Cursor
		for i := range 4 {
			c, err := s.Cursor(shard.Latest())
			require.NoError(t, err)
			c.Disarm() // nothing to undo
			c.Arm(w, i)
			cursors = append(cursors, c)
		}
		cursors[2].Disarm()
		cursors[2].Disarm()
		cursors[0].Disarm()
		_, err := s.Append("key", nil, false)
		require.NoError(t, err)
		require.ElementsMatch(t, []int{1, 3}, w.Fired(nil))

		cursors[1].Disarm() // too late, and harmless
		cursors[1].Arm(w, 8)
		require.Equal(t, []int{8}, w.Fired(nil))
	})
}
