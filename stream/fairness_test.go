package stream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

// putAt puts n records of size bytes to the shard that owns the hash key.
func putAt(t *testing.T, s *stream.Stream, hi uint64, partitionKey string, n, size int) {
	t.Helper()
	for range n {
		_, err := s.Put(t.Context(), stream.Entry{
			PartitionKey:    partitionKey,
			ExplicitHashKey: &hashkey.Key{Hi: hi},
			Data:            make([]byte, size),
		})
		require.NoError(t, err)
	}
}

const (
	firstHalf  = 0
	secondHalf = 1 << 63
)

// I6: a shard that never rests does not keep a Reader from one that has become
// ready again.
func TestReaderGivesEveryShardItsTurn(t *testing.T) {
	t.Parallel()
	s, err := stream.New("orders", stream.Config{Shards: 2})
	require.NoError(t, err)
	r, err := s.Reader(stream.TrimHorizon())
	require.NoError(t, err)
	defer r.Close()
	buf := make([]stream.Record, 10)
	n, err := r.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Zero(t, n)

	putAt(t, s, firstHalf, "busy", 30, 1)
	_, err = r.Read(t.Context(), buf)
	require.NoError(t, err)
	putAt(t, s, secondHalf, "quiet", 1, 1)
	for range 3 {
		putAt(t, s, firstHalf, "busy", 10, 1)
		n, err := r.Read(t.Context(), buf)
		require.NoError(t, err)
		for _, rec := range buf[:n] {
			if rec.PartitionKey == "quiet" {
				return
			}
		}
	}
	t.Fatal("the quiet shard was not read in three reads")
}

// A shard that is throttled does not keep a Reader from one that is not.
func TestReaderWaitsOutALimitWithAnEyeOnTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := stream.New("orders", stream.Config{
			Shards: 2,
			Limits: stream.Limits{Shard: shard.Limits{ReadBytes: 1000}},
		})
		require.NoError(t, err)
		putAt(t, s, firstHalf, "busy", 1, 9000)
		r, err := s.Reader(stream.TrimHorizon())
		require.NoError(t, err)
		defer r.Close()
		buf := make([]stream.Record, 10)
		n, err := r.Next(t.Context(), buf)
		require.NoError(t, err)
		require.Equal(t, 1, n)

		putAt(t, s, firstHalf, "busy", 1, 1)
		began := time.Now()
		go func() {
			time.Sleep(50 * time.Millisecond)
			_, err := s.Put(t.Context(), stream.Entry{
				PartitionKey:    "quiet",
				ExplicitHashKey: &hashkey.Key{Hi: secondHalf},
			})
			if err != nil {
				t.Errorf("put: %v", err)
			}
		}()
		_, err = r.Next(t.Context(), buf)
		require.NoError(t, err)
		require.Equal(t, "quiet", buf[0].PartitionKey)
		require.Equal(t, 50*time.Millisecond, time.Since(began))
	})
}

// I9: whoever waits out a limit is woken when the stream is closed.
func TestCloseEndsTheWaitForALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := stream.New("orders", stream.Config{Limits: stream.Limits{Shard: shard.Limits{ReadBytes: 1000}}})
		require.NoError(t, err)
		putAt(t, s, firstHalf, "key", 1, 3000)
		putAt(t, s, firstHalf, "key", 1, 1)
		buf := make([]stream.Record, 1)
		c, err := s.Cursor("0", stream.TrimHorizon())
		require.NoError(t, err)
		_, err = c.Next(t.Context(), buf)
		require.NoError(t, err)
		r, err := s.Reader(stream.TrimHorizon())
		require.NoError(t, err)
		defer r.Close()

		began := time.Now()
		time.AfterFunc(50*time.Millisecond, func() { s.Close() })
		ended := make(chan error, 2)
		go func() { _, err := c.Next(t.Context(), buf); ended <- err }()
		go func() { _, err := r.Next(t.Context(), make([]stream.Record, 1)); ended <- err }()
		for range 2 {
			require.ErrorIs(t, <-ended, stream.ErrClosed)
		}
		require.Equal(t, 50*time.Millisecond, time.Since(began))
	})
}

// A put that has to make room pays the limits of writing once.
func TestMakingRoomCostsNoThroughput(t *testing.T) {
	t.Parallel()
	s, err := stream.New("orders", stream.Config{
		MaxBytes: 1 << 20,
		Clock:    clock.NewManual(time.Unix(1e9, 0)),
		Limits:   stream.Limits{Shard: shard.Limits{WriteRecords: 1000}},
	})
	require.NoError(t, err)
	putAt(t, s, firstHalf, "key", 1000, 10_000)
	_, err = s.Put(t.Context(), stream.Entry{PartitionKey: "key"})
	require.ErrorIs(t, err, stream.ErrThrottled)
}
