package shard_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
)

// I5: a closed shard takes nothing more, and says who does.
func TestClosedShardRefusesRecords(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	l.fill(t, 2)
	lower, upper := l.split(t)
	want := &shard.ClosedError{ShardID: l.ID(), Children: l.End().Children}
	require.Len(t, want.Children, 2)

	_, err := l.Append("key", nil, false)
	require.Equal(t, want, err)
	require.ErrorIs(t, err, shard.ErrClosed)
	b := l.Begin(start.UnixMilli())
	_, err = b.Append("key", nil, false)
	b.End()
	require.Equal(t, want, err)
	require.Equal(t, uint64(2), l.Stats().IncomingRecords)

	for _, child := range []log{lower, upper} {
		_, err := child.Append("key", nil, true)
		require.NoError(t, err)
	}
}

// I4: whatever is in a child is numbered above whatever is in its parents, and
// its creation is the second after they were closed.
func TestChildrenAreNumberedAboveTheirParents(t *testing.T) {
	t.Parallel()
	a := newLog(t, shard.Config{Index: 4})
	b := newLog(t, shard.Config{Index: 9})
	b.clock.Advance(90 * time.Second) // its last record is later than a's clock
	a.clock.Advance(10*time.Second + 300*time.Millisecond)
	a.fill(t, 3)
	b.fill(t, 3)
	child := newLog(t, shard.Config{Index: 10, Parents: []string{a.ID(), b.ID()}})
	shard.Replace([]*shard.Shard{a.Shard, b.Shard}, []*shard.Shard{child.Shard}, func() {})

	// Both parents close in the same second, the latest that either knows of.
	closing := start.Add(90 * time.Second)
	for _, p := range []log{a, b} {
		require.Equal(t, closing, p.End().ClosedAt)
		require.Equal(t, []shard.ChildShard{{
			ShardID: child.ID(), ParentShards: []string{a.ID(), b.ID()}, HashKeyRange: child.Range(),
		}}, p.End().Children)
		f, err := p.EndingSequenceNumber().Fields()
		require.NoError(t, err)
		require.Equal(t, shard.SequenceFields{
			Version: 2, Creation: start, ShardIndex: p.Index(), RecordIndex: 1<<63 - 1, Arrival: closing,
		}, f)
		last := drain(t, p.cursor(t, shard.TrimHorizon()))[2].SequenceNumber
		require.Negative(t, last.Compare(p.EndingSequenceNumber()))
		require.Negative(t, p.EndingSequenceNumber().Compare(child.StartingSequenceNumber()))
	}
	f, err := child.StartingSequenceNumber().Fields()
	require.NoError(t, err)
	require.Equal(t, shard.SequenceFields{
		Version: 2, Creation: closing.Add(time.Second), ShardIndex: 10, Arrival: closing.Add(time.Second),
	}, f)
	require.Equal(t, closing, child.Created())

	// Its clock may still show an earlier time: numbers rise all the same.
	n := child.put(t, "key", "")
	require.Positive(t, n.Compare(child.StartingSequenceNumber()))
	f, err = n.Fields()
	require.NoError(t, err)
	require.Equal(t, closing.Add(time.Second), f.Arrival, "clamped to the creation")
	require.Equal(t, closing, drain(t, child.cursor(t, shard.TrimHorizon()))[0].ArrivalTime)
}

// Generations within one second each begin a second after the one before.
func TestManyGenerationsWithinASecond(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	last := l.put(t, "key", "")
	for i := range 20 {
		child := newLog(t, shard.Config{Index: int32(i + 1), Parents: []string{l.ID()}})
		shard.Replace([]*shard.Shard{l.Shard}, []*shard.Shard{child.Shard}, func() {})
		require.Positive(t, child.StartingSequenceNumber().Compare(l.EndingSequenceNumber()))
		n := child.put(t, "key", "")
		require.Positive(t, n.Compare(last))
		f, err := n.Fields()
		require.NoError(t, err)
		require.Equal(t, start.Add(time.Duration(i+1)*time.Second), f.Creation)
		l, last = child, n
	}
}

// I1, I5: the children are known before anybody can learn that the parent is
// closed, and after its last record.
func TestReplacePublishesBetweenTheLastRecordAndTheEnd(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	l.fill(t, 1)
	child := newLog(t, shard.Config{Index: 1, Parents: []string{l.ID()}})
	published := false
	shard.Replace([]*shard.Shard{l.Shard}, []*shard.Shard{child.Shard}, func() {
		published = true
		require.Nil(t, l.End())
		require.Equal(t, start.Add(time.Second), fieldsOf(t, child.StartingSequenceNumber()).Creation, "the child is not ready")
		appended := make(chan error)
		go func() {
			_, err := l.Append("key", nil, false)
			appended <- err
		}()
		t.Cleanup(func() { require.ErrorIs(t, <-appended, shard.ErrClosed) })
	})
	require.True(t, published)
	require.NotNil(t, l.End())
}

func fieldsOf(t *testing.T, n shard.SequenceNumber) shard.SequenceFields {
	t.Helper()
	f, err := n.Fields()
	require.NoError(t, err)
	return f
}
