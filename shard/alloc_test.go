package shard_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// These run alone: what another test allocates meanwhile would count.

func TestAppendDoesNotAllocate(t *testing.T) {
	data := make([]byte, 1000)
	for name, budget := range map[string]*shard.Budget{
		"growing":               nil,
		"at a bound, unread":    shard.NewBudget(8<<20, shard.TrimOldest),
		"at a bound, and small": shard.NewBudget(64<<10, shard.TrimOldest),
	} {
		t.Run(name, func(t *testing.T) {
			s := shard.New(shard.Config{Range: hashkey.Full(), Budget: budget})
			appendOne := func() {
				if _, err := s.Append("partition-key", data, false); err != nil {
					t.Fatal(err)
				}
			}
			for range 20_000 { // to full segments, and to the bound
				appendOne()
			}
			require.Zero(t, testing.AllocsPerRun(5000, appendOne))
			require.Zero(t, testing.AllocsPerRun(5000, func() {
				b := s.Begin(0)
				if _, err := b.Append("partition-key", data, false); err != nil {
					t.Fatal(err)
				}
				b.End()
			}), "in a batch")
		})
	}
}

func TestAppendUnderRetentionDoesNotAllocate(t *testing.T) {
	c := clock.NewManual(start)
	s := shard.New(shard.Config{Range: hashkey.Full(), Retention: time.Second, Clock: clock.NewMillis(c)})
	data := make([]byte, 1000)
	appendOne := func() {
		c.Advance(time.Millisecond)
		if _, err := s.Append("partition-key", data, false); err != nil {
			t.Fatal(err)
		}
	}
	for range 20_000 {
		appendOne()
	}
	require.Zero(t, testing.AllocsPerRun(5000, appendOne))
}

func TestReadDoesNotAllocate(t *testing.T) {
	s := shard.New(shard.Config{Range: hashkey.Full()})
	for range 100_000 {
		if _, err := s.Append("partition-key", []byte("data"), false); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.Cursor(shard.TrimHorizon())
	require.NoError(t, err)
	ctx, buf := t.Context(), make([]shard.Record, 100)
	require.Zero(t, testing.AllocsPerRun(900, func() {
		if n, err := c.Read(ctx, buf); n != len(buf) || err != nil {
			t.Fatal(n, err)
		}
	}))
	require.Zero(t, testing.AllocsPerRun(1000, func() { c.Lag() }))
}

// Waiting costs what it costs once: neither the reader nor the writer that wakes
// it allocates from the second time on.
func TestWaitingDoesNotAllocate(t *testing.T) {
	s := shard.New(shard.Config{Range: hashkey.Full()})
	c, err := s.Cursor(shard.TrimHorizon())
	require.NoError(t, err)
	ctx, buf := t.Context(), make([]shard.Record, 1)
	w := shard.NewWatch()
	fired := make([]int, 0, 8)
	require.Zero(t, testing.AllocsPerRun(2000, func() {
		c.Arm(w, 1)
		if _, err := s.Append("partition-key", nil, false); err != nil {
			t.Fatal(err)
		}
		if fired, err = w.Wait(ctx, fired[:0]); err != nil || len(fired) != 1 {
			t.Fatal(fired, err)
		}
		if n, err := c.Next(ctx, buf); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}))
}

func TestSequenceNumbersDoNotAllocate(t *testing.T) {
	const text = "49646437577130777162115407028968674069677693010553339922"
	n, err := shard.ParseSequenceNumber(text)
	require.NoError(t, err)
	buf := make([]byte, 0, 64)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := shard.ParseSequenceNumber(text); err != nil {
			t.Fatal(err)
		}
		buf = n.AppendTo(buf[:0])
	}))
}
