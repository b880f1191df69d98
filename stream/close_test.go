package stream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/stream"
)

// I9.
func TestCloseEndsAllUse(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2})
	r.put(t, "k", "held")
	it := r.iterator(t, long(0), stream.TrimHorizon())
	reader := r.reader(t, stream.TrimHorizon())
	held := make([]stream.Record, 1)
	_, err := reader.Read(t.Context(), held)
	require.NoError(t, err)
	receipt := r.put(t, "k", "unread")
	c, err := r.Cursor(receipt.ShardID, stream.TrimHorizon())
	require.NoError(t, err)

	require.NoError(t, r.Close())
	require.NoError(t, r.Close(), "twice is as good as once")
	buf := make([]stream.Record, 1)
	key := hashkey.Key{}
	for name, call := range map[string]func() error{
		"Put": func() error { _, err := r.Put(t.Context(), stream.Entry{PartitionKey: "k"}); return err },
		"Put by an explicit hash key": func() error {
			_, err := r.Put(t.Context(), stream.Entry{PartitionKey: "k", ExplicitHashKey: &key})
			return err
		},
		"PutBatch":         func() error { _, err := r.PutBatch(t.Context(), []stream.Entry{{PartitionKey: "k"}}); return err },
		"PutBatch of none": func() error { _, err := r.PutBatch(t.Context(), nil); return err },
		"Get":              func() error { _, err := r.Get(t.Context(), it, 1); return err },
		"Iterator":         func() error { _, err := r.Iterator(t.Context(), long(0), stream.TrimHorizon()); return err },
		"Open":             func() error { _, err := r.Open(t.Context(), long(0), stream.TrimHorizon()); return err },
		"Cursor":           func() error { _, err := r.Cursor(long(0), stream.Latest()); return err },
		"Cursor.Read":      func() error { _, err := c.Read(t.Context(), buf); return err },
		"Cursor.Next":      func() error { _, err := c.Next(t.Context(), buf); return err },
		"Reader":           func() error { _, err := r.Reader(stream.TrimHorizon()); return err },
		"Reader.Read":      func() error { _, err := reader.Read(t.Context(), buf); return err },
		"Reader.Next":      func() error { _, err := reader.Next(t.Context(), buf); return err },
		"Split":            func() error { _, _, err := r.Split(t.Context(), long(0), hashkey.EvenAt(2, 0).Midpoint()); return err },
		"Merge":            func() error { _, err := r.Merge(t.Context(), long(0), long(1)); return err },
		"Resize":           func() error { return r.Resize(t.Context(), 3) },
		"SetRetention":     func() error { return r.SetRetention(time.Hour) },
	} {
		require.ErrorIs(t, call(), stream.ErrClosed, name)
	}
	for name, records := range map[string]func(func(stream.Record, error) bool){
		"Records":         r.Records(t.Context(), stream.TrimHorizon()),
		"RecordsToLatest": r.RecordsToLatest(t.Context(), stream.TrimHorizon()),
		"ShardRecords":    r.ShardRecords(t.Context(), long(0), stream.TrimHorizon()),
	} {
		var errs []error
		for _, err := range records {
			errs = append(errs, err)
		}
		require.Equal(t, []error{stream.ErrClosed}, errs, name)
	}
	require.Equal(t, []string{"held"}, payloads(held), "what was handed out stays valid")
	require.NoError(t, r.Check())
	r.Stats()
	r.Trim()
}

func TestCloseWakesWhoeverWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := stream.New("orders", stream.Config{Shards: 4})
		require.NoError(t, err)
		ended := make(chan error, 3)
		go func() {
			for _, err := range s.Records(t.Context(), stream.TrimHorizon()) {
				ended <- err
			}
		}()
		go func() {
			for _, err := range s.ShardRecords(t.Context(), long(3), stream.Latest()) {
				ended <- err
			}
		}()
		go func() {
			c, err := s.Cursor(long(0), stream.Latest())
			if err == nil {
				_, err = c.Next(t.Context(), make([]stream.Record, 1))
			}
			ended <- err
		}()
		synctest.Wait()
		require.Empty(t, ended)
		require.NoError(t, s.Close())
		for range 3 {
			require.ErrorIs(t, <-ended, stream.ErrClosed)
		}
	})
}

// I9: a bubble does not end while a goroutine of it is left. The stream is not
// closed, and has been used in every way.
func TestIdleStreamHasNoGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := stream.New("orders", stream.Config{Shards: 8, Retention: time.Minute, MaxBytes: 1 << 20, MeasureLatency: true, Limits: stream.Limits{Shard: stream.KinesisLimits().Shard}})
		require.NoError(t, err)
		for range 100 {
			_, err = s.Put(t.Context(), stream.Entry{PartitionKey: "k", Data: make([]byte, 1000)})
			require.NoError(t, err)
		}
		require.NoError(t, s.Resize(t.Context(), 3))
		require.Len(t, collect(t, s.RecordsToLatest(t.Context(), stream.TrimHorizon())), 100)
		for _, err := range s.Records(t.Context(), stream.TrimHorizon()) {
			require.NoError(t, err)
			break
		}
		time.Sleep(time.Hour)
		s.Trim()
	})
}
