package streamtest

import (
	"context"
	"errors"
	"time"

	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

func waitingChecks() []Check {
	return []Check{
		{Invariant: "I3", Name: "Next waits for a put", Shards: 1, run: nextWaitsForAPut},
		{Invariant: "I9", Name: "Next ends with the error of its context", Shards: 1, run: nextEndsWithItsContext},
		{Invariant: "I5", Name: "Next ends when its shard is closed", Shards: 1, needs: resharding, run: nextEndsWhenItsShardIsClosed},
	}
}

// nexted is what a Next in another goroutine returned.
type nexted struct {
	records []stream.Record
	err     error
}

// next calls Next in another goroutine.
func next(ctx context.Context, r stream.ShardReader) <-chan nexted {
	out := make(chan nexted, 1)
	go func() {
		buf := make([]stream.Record, 10)
		n, err := r.Next(ctx, buf)
		out <- nexted{buf[:max(n, 0)], err}
	}()
	return out
}

// await is what next returned, if it does within the check's time.
func (t *trial) await(out <-chan nexted, what string) nexted {
	select {
	case n := <-out:
		return n
	case <-t.ctx.Done():
		// An engine that heeds the context does return.
		select {
		case n := <-out:
			return n
		case <-time.After(time.Second):
			t.failf("%s: Next does not return, not even when its context ends", what)
			panic("unreachable")
		}
	}
}

func nextWaitsForAPut(t *trial) {
	r := t.reader(t.only().ID, stream.Latest())
	for i, text := range texts("record", 10) {
		waiting := next(t.ctx, r)
		if i < 3 {
			t.pause() // so that it really waits
			select {
			case n := <-waiting:
				t.must(n.err, "Next at the tip")
				t.failf("Next at the tip returned %d records without waiting for a put", len(n.records))
			default:
			}
		}
		records := t.putTexts(text)
		n := t.await(waiting, "after a put")
		t.must(n.err, "Next, waiting for put %d", i)
		t.same(n.records, records)
	}
	// What is there needs no waiting.
	records := t.putTexts("there already")
	n := t.await(next(t.ctx, r), "with a record there")
	t.must(n.err, "Next with a record there")
	t.same(n.records, records)
}

func nextEndsWithItsContext(t *trial) {
	r := t.reader(t.only().ID, stream.Latest())
	ctx, cancel := context.WithCancel(t.ctx)
	waiting := next(ctx, r)
	t.pause()
	cancel()
	n := t.await(waiting, "after its context was cancelled")
	t.refused(n.err, context.Canceled, "Next, cancelled while it waits,")

	ctx, cancel = context.WithTimeout(t.ctx, 10*time.Millisecond)
	defer cancel()
	n = t.await(next(ctx, r), "after its deadline")
	t.refused(n.err, context.DeadlineExceeded, "Next, past its deadline,")

	// The reader has lost nothing.
	records := t.putTexts("first", "second")
	t.same(t.take(r, 2), records)
}

func nextEndsWhenItsShardIsClosed(t *trial) {
	s := t.only()
	waiting := next(t.ctx, t.reader(s.ID, stream.Latest()))
	t.pause()
	_, _, err := t.engine.Split(t.ctx, s.ID, s.HashKeyRange.Midpoint())
	t.must(err, "Split of %s", s.ID)
	n := t.await(waiting, "after its shard was split")
	t.refused(n.err, stream.ErrEndOfShard, "Next, waiting while its shard is split,")
	if end, ok := errors.AsType[*shard.EndOfShardError](n.err); !ok || len(end.Children) != 2 {
		t.failf("Next, waiting while its shard is split: %w, want a *shard.EndOfShardError with two children", n.err)
	}
}
