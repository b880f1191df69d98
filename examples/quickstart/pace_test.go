package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestMilestonesAndGates(t *testing.T) {
	t.Parallel()
	stopped, cancel := context.WithCancel(t.Context())
	cancel() // begin returns at once where it would have waited

	p := newPace(12)
	put := func(n int) {
		for range n {
			require.NoError(t, p.begin(t.Context(), 1))
			p.done(1)
		}
	}
	put(3)
	require.False(t, closed(p.toSplit.reached))
	put(1)
	require.True(t, closed(p.toSplit.reached), "a third")
	put(2)
	require.ErrorIs(t, p.begin(stopped, 1), context.Canceled, "the second half waits for the split")

	close(p.split.open)
	p.done(1)
	require.False(t, closed(p.toMerge.reached))
	put(1)
	require.True(t, closed(p.toMerge.reached), "two thirds")
	put(2)
	require.ErrorIs(t, p.begin(stopped, 1), context.Canceled, "the last sixth waits for the merge")
	require.Zero(t, p.took)

	close(p.merged.open)
	p.done(1)
	put(1)
	require.Positive(t, p.took)
}

// A batch may reach both milestones, and each is told of once.
func TestOneBatchReachesAllMilestones(t *testing.T) {
	t.Parallel()
	p := newPace(3)
	require.NoError(t, p.begin(t.Context(), 3))
	p.done(3)
	require.True(t, closed(p.toSplit.reached))
	require.True(t, closed(p.toMerge.reached))
}

// Whatever the total and the batches, those that may be put before a gate reach
// the milestone that opens it.
func TestGatesLeaveEnoughToReachTheirMilestones(t *testing.T) {
	t.Parallel()
	for total := 1; total < 200; total++ {
		p := newPace(total)
		require.Positive(t, p.toSplit.at)
		require.LessOrEqual(t, p.toSplit.at, p.split.from)
		require.LessOrEqual(t, p.toMerge.at, p.merged.from)
		require.LessOrEqual(t, p.split.from, p.merged.from)
		require.LessOrEqual(t, p.merged.from, p.total)
	}
}
