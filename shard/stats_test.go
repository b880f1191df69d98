package shard_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
)

func TestStatsCountWhatHappened(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Index: 2, Retention: time.Minute, Limits: shard.Limits{WriteRecords: 7, ReadCalls: 3}})
	require.Equal(t, shard.Stats{ShardID: "shardId-000000000002"}, l.Stats())

	l.put(t, "key", "0123456789") // 13 bytes
	l.put(t, "k", "")             // 1
	b := l.Begin(start.UnixMilli())
	for range 5 {
		_, err := b.Append("key", []byte("batch"), false) // 8
		require.NoError(t, err)
	}
	for range 3 {
		_, err := b.Append("key", []byte("refused"), false)
		require.ErrorIs(t, err, shard.ErrThrottled)
	}
	b.End()

	c := l.cursor(t, shard.TrimHorizon())
	buf := make([]shard.Record, 2)
	l.clock.Advance(5 * time.Second)
	_, err := c.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, l.Stats().IteratorAge, "the age of the last record that was read")
	_, err = c.Read(t.Context(), make([]shard.Record, 9))
	require.NoError(t, err)
	require.Zero(t, l.Stats().IteratorAge, "the reader has caught up")
	_, err = c.Read(t.Context(), buf)
	require.NoError(t, err)
	_, err = c.Read(t.Context(), buf)
	require.ErrorIs(t, err, shard.ErrThrottled)
	l.Evict(1)

	require.Equal(t, shard.Stats{
		ShardID:                            "shardId-000000000002",
		IncomingBytes:                      13 + 1 + 5*8,
		IncomingRecords:                    7,
		OutgoingBytes:                      13 + 1 + 5*8,
		OutgoingRecords:                    7,
		WriteProvisionedThroughputExceeded: 3,
		ReadProvisionedThroughputExceeded:  1,
		BatchedRecords:                     5,
		BatchedBytes:                       5 * 8,
		Reads:                              3,
		TrimmedRecords:                     1,
		Records:                            6,
		Bytes:                              1 + 5*8,
		MemoryBytes:                        1 + 5*8 + 6*shard.RecordOverhead,
	}, l.Stats())

	l.clock.Advance(time.Hour)
	l.Expire()
	s := l.Stats()
	require.Equal(t, uint64(7), s.TrimmedRecords)
	require.Zero(t, s.Records)
	require.Zero(t, s.Bytes)
	require.Zero(t, s.MemoryBytes)
}

// Two readers of one record are two records out, and a read that failed is none.
func TestStatsCountEveryReader(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	l.put(t, "k", "123")
	for range 3 {
		c := l.cursor(t, shard.TrimHorizon())
		n, err := c.Read(t.Context(), make([]shard.Record, 2))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		_, err = c.Read(cancelled(t), make([]shard.Record, 2))
		require.Error(t, err)
	}
	s := l.Stats()
	require.Equal(t, uint64(3), s.OutgoingRecords)
	require.Equal(t, uint64(3*4), s.OutgoingBytes)
	require.Equal(t, uint64(3), s.Reads)
}
