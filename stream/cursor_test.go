package stream_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
)

func TestShardRecordsEndAtTheEndOfAClosedShard(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	for i := range 600 { // more than are read at a time
		r.put(t, "key", fmt.Sprint(i))
	}
	r.halve(t, long(0))
	r.put(t, "key", "in a child")
	records := r.ShardRecords(t.Context(), long(0), stream.TrimHorizon())
	got := collect(t, records)
	require.Len(t, got, 600)
	for i, text := range got {
		require.Equal(t, fmt.Sprint(i), text)
	}
	require.Equal(t, got, collect(t, records), "every range over it starts anew")
	require.Empty(t, collect(t, r.ShardRecords(t.Context(), long(0), stream.Latest())))
}

func TestShardRecordsWaitAtTheTip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := stream.New("orders", stream.Config{})
		require.NoError(t, err)
		go func() {
			for i := range 5 {
				time.Sleep(time.Hour)
				_, err := s.Put(t.Context(), stream.Entry{PartitionKey: "key", Data: []byte(fmt.Sprint(i))})
				if err != nil {
					t.Errorf("put: %v", err)
				}
			}
			if err := s.Resize(t.Context(), 2); err != nil {
				t.Errorf("resize: %v", err)
			}
		}()
		began := time.Now()
		var got []string
		for rec, err := range s.ShardRecords(t.Context(), long(0), stream.Latest()) {
			require.NoError(t, err)
			got = append(got, string(rec.Data))
			require.Equal(t, time.Duration(len(got))*time.Hour, time.Since(began), "read late")
		}
		require.Equal(t, []string{"0", "1", "2", "3", "4"}, got)
	})
}

// iterated is what an iteration that fails yields: records, then one zero record
// with the error, then nothing.
func TestIterationsYieldTheirErrorOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	r.put(t, "key", "one")
	r.put(t, "key", "two")
	for name, records := range map[string]func(ctx context.Context, p stream.Position) func(func(stream.Record, error) bool){
		"ShardRecords": func(ctx context.Context, p stream.Position) func(func(stream.Record, error) bool) {
			return r.ShardRecords(ctx, long(0), p)
		},
		"Records": func(ctx context.Context, p stream.Position) func(func(stream.Record, error) bool) {
			return r.Records(ctx, p)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var got []string
			var errs []error
			for rec, err := range records(ctx, stream.TrimHorizon()) {
				if err != nil {
					require.Zero(t, rec)
					errs = append(errs, err)
					continue
				}
				if got = append(got, string(rec.Data)); len(got) == 2 {
					cancel()
				}
			}
			require.Equal(t, []string{"one", "two"}, got)
			require.Equal(t, []error{context.Canceled}, errs)

			errs = nil
			for rec, err := range records(t.Context(), stream.AtTimestamp(begun.Add(time.Hour))) {
				require.Zero(t, rec)
				errs = append(errs, err)
			}
			require.Len(t, errs, 1)
			require.ErrorIs(t, errs[0], stream.ErrTimestamp)
		})
	}
	var errs []error
	for _, err := range r.ShardRecords(t.Context(), "x", stream.TrimHorizon()) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], stream.ErrShardNotFound)
}

func TestCursorOfAStream(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Retention: 10 * time.Second})
	c, err := r.Cursor(long(0), stream.TrimHorizon())
	require.NoError(t, err)
	for i := range 4 {
		r.put(t, "key", fmt.Sprint(i))
		r.clock.Advance(time.Second)
	}
	require.Equal(t, 4*time.Second, c.Lag())
	r.clock.Advance(8 * time.Second)
	buf := make([]stream.Record, 5)
	n, err := c.Next(t.Context(), buf)
	require.NoError(t, err)
	require.Equal(t, []string{"2", "3"}, payloads(buf[:n]))
	require.Equal(t, uint64(2), c.Missed())
	require.Zero(t, c.Lag())
	_, err = c.Next(cancelledContext(t), buf)
	require.ErrorIs(t, err, context.Canceled)
	_, err = r.Open(cancelledContext(t), long(0), stream.TrimHorizon())
	require.ErrorIs(t, err, context.Canceled)
}
