package stream_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

var errInjected = errors.New("injected")

func TestPutHooksSeeEveryRecord(t *testing.T) {
	t.Parallel()
	type seen struct {
		put    stream.PutEvent
		result stream.PutResult
	}
	var before []stream.PutEvent
	var after []seen
	r := newRig(t, stream.Config{Shards: 2, MaxRecordBytes: 10, Hooks: &stream.Hooks{
		BeforePut: func(ctx context.Context, put stream.PutEvent) error {
			require.NoError(t, ctx.Err())
			before = append(before, put)
			return nil
		},
		AfterPut: func(_ context.Context, put stream.PutEvent, result stream.PutResult) {
			after = append(after, seen{put, result})
		},
	}})
	key := hashkey.Max()
	good := stream.Entry{PartitionKey: "k", ExplicitHashKey: &key, Data: []byte("data")}
	bad := stream.Entry{PartitionKey: "", Data: []byte("data")}

	receipt, err := r.Put(t.Context(), good)
	require.NoError(t, err)
	require.Equal(t, []stream.PutEvent{{Stream: "orders", Entry: good}}, before)
	require.Equal(t, []seen{{before[0], stream.PutResult{Receipt: receipt}}}, after)

	before, after = nil, nil
	_, err = r.Put(t.Context(), bad)
	require.ErrorIs(t, err, stream.ErrPartitionKey)
	require.Empty(t, before, "only what is well-formed")
	require.Equal(t, []seen{{stream.PutEvent{Stream: "orders", Entry: bad}, stream.PutResult{Err: err}}}, after)

	before, after = nil, nil
	result, err := r.PutBatch(t.Context(), []stream.Entry{good, bad, good})
	require.NoError(t, err)
	require.Equal(t, []stream.PutEvent{
		{Stream: "orders", Entry: good, Index: 0, Batch: 3},
		{Stream: "orders", Entry: good, Index: 2, Batch: 3},
	}, before)
	require.Len(t, after, 3)
	for i, a := range after {
		require.Equal(t, i, a.put.Index)
		require.Equal(t, 3, a.put.Batch)
		require.Equal(t, result.Results[i], a.result)
	}

	before, after = nil, nil
	_, err = r.PutBatch(t.Context(), make([]stream.Entry, 501))
	require.ErrorIs(t, err, stream.ErrBatchTooLarge)
	require.Empty(t, before)
	require.Empty(t, after)
}

// A fault by the place of a record in its batch: that record is refused, the
// others land.
func TestFaultsOfSingleRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 3, Hooks: &stream.Hooks{
		BeforePut: func(_ context.Context, put stream.PutEvent) error {
			if put.Batch == 0 && string(put.Entry.Data) == "refuse" || put.Batch > 0 && put.Index%4 == 1 {
				return fmt.Errorf("record %d: %w", put.Index, errInjected)
			}
			return nil
		},
	}})
	_, err := r.Put(t.Context(), stream.Entry{PartitionKey: "k", Data: []byte("refuse")})
	require.ErrorIs(t, err, errInjected)
	require.Zero(t, r.Stats().IncomingRecords)

	var entries []stream.Entry
	for i := range 10 {
		entries = append(entries, stream.Entry{PartitionKey: "k", Data: []byte(fmt.Sprint(i))})
	}
	result, err := r.PutBatch(t.Context(), entries)
	require.NoError(t, err)
	require.Equal(t, 3, result.Failed)
	for i, res := range result.Results {
		if i%4 == 1 {
			require.ErrorIs(t, res.Err, errInjected)
			require.Zero(t, res.Receipt)
		} else {
			require.NoError(t, res.Err)
		}
	}
	require.Equal(t, []string{"0", "2", "3", "4", "6", "7", "8"}, r.all(t, stream.TrimHorizon()))
	stats := r.Stats()
	require.Equal(t, uint64(3), stats.PutRecords.FailedRecords)
	require.Zero(t, stats.PutRecords.ThrottledRecords)
}

// A fault that is a throttling counts as one, as the service's would.
func TestInjectedThrottling(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Hooks: &stream.Hooks{
		BeforePut: func(context.Context, stream.PutEvent) error {
			return &shard.ThrottledError{ShardID: long(0), Limit: "records written a second", PerSecond: 1000, RetryAfter: time.Second}
		},
	}})
	result, err := r.PutBatch(t.Context(), []stream.Entry{{PartitionKey: "k"}, {PartitionKey: "k"}})
	require.NoError(t, err)
	require.ErrorIs(t, result.Err(), stream.ErrThrottled)
	require.Equal(t, uint64(2), r.Stats().PutRecords.ThrottledRecords)
}

func TestReadHooksSeeEveryRead(t *testing.T) {
	t.Parallel()
	type seen struct {
		read    stream.ReadEvent
		records int
		err     error
	}
	var before []stream.ReadEvent
	var after []seen
	r := newRig(t, stream.Config{Hooks: &stream.Hooks{
		BeforeRead: func(_ context.Context, read stream.ReadEvent) error {
			before = append(before, read)
			return nil
		},
		AfterRead: func(_ context.Context, read stream.ReadEvent, records int, err error) {
			after = append(after, seen{read, records, err})
		},
	}})
	r.put(t, "k", "0")
	r.put(t, "k", "1")
	event := func(limit int) stream.ReadEvent {
		return stream.ReadEvent{Stream: "orders", ShardID: long(0), Limit: limit}
	}
	check := func(how string, limit, records int, err error) {
		t.Helper()
		require.Equal(t, []stream.ReadEvent{event(limit)}, before, how)
		require.Equal(t, []seen{{event(limit), records, err}}, after, how)
		before, after = nil, nil
	}
	buf := make([]stream.Record, 7)
	c, err := r.Cursor(long(0), stream.TrimHorizon())
	require.NoError(t, err)
	_, err = c.Read(t.Context(), buf[:1])
	require.NoError(t, err)
	check("Cursor.Read", 1, 1, nil)
	_, err = c.Next(t.Context(), buf)
	require.NoError(t, err)
	check("Cursor.Next", 7, 1, nil)
	_, err = r.Get(t.Context(), r.iterator(t, long(0), stream.TrimHorizon()), 1)
	require.NoError(t, err)
	check("Get", 1, 1, nil)
	_, err = r.reader(t, stream.TrimHorizon()).Read(t.Context(), buf[:2])
	require.NoError(t, err)
	check("Reader.Read", 2, 2, nil)
	r.halve(t, long(0))
	_, err = c.Read(t.Context(), buf)
	require.ErrorIs(t, err, stream.ErrEndOfShard)
	check("Cursor.Read at the end", 7, 0, err)
}

// A fault is returned in place of records, and loses none: the reader goes on
// from where it was.
func TestFaultsOfReads(t *testing.T) {
	t.Parallel()
	fail := map[string]bool{}
	r := newRig(t, stream.Config{Shards: 2, Hooks: &stream.Hooks{
		BeforeRead: func(_ context.Context, read stream.ReadEvent) error {
			if fail[read.ShardID] {
				return errInjected
			}
			return nil
		},
	}})
	r.putAt(t, quietKey(0), "lower")
	r.putAt(t, quietKey(1), "upper")
	buf := make([]stream.Record, 5)

	c, err := r.Cursor(long(0), stream.TrimHorizon())
	require.NoError(t, err)
	it := r.iterator(t, long(0), stream.TrimHorizon())
	reader := r.reader(t, stream.TrimHorizon())
	fail[long(0)] = true
	_, err = c.Read(t.Context(), buf)
	require.ErrorIs(t, err, errInjected)
	_, err = c.Next(t.Context(), buf)
	require.ErrorIs(t, err, errInjected)
	_, err = r.Get(t.Context(), it, 5)
	require.ErrorIs(t, err, errInjected)
	n, err := reader.Read(t.Context(), buf)
	require.NoError(t, err, "the other shard has something")
	require.Equal(t, []string{"upper"}, payloads(buf[:n]))
	_, err = reader.Read(t.Context(), buf)
	require.ErrorIs(t, err, errInjected)
	var errs []error
	for _, err := range r.ShardRecords(t.Context(), long(0), stream.TrimHorizon()) {
		errs = append(errs, err)
	}
	require.Equal(t, []error{errInjected}, errs)

	fail[long(0)] = false
	n, err = c.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Equal(t, []string{"lower"}, payloads(buf[:n]))
	page, err := r.Get(t.Context(), it, 5)
	require.NoError(t, err)
	require.Equal(t, []string{"lower"}, payloads(page.Records))
	require.Equal(t, []string{"lower"}, drainReader(t, reader))
}

func TestReshardedHookSeesEveryChange(t *testing.T) {
	t.Parallel()
	var events []stream.ReshardEvent
	r := newRig(t, stream.Config{Hooks: &stream.Hooks{
		Resharded: func(e stream.ReshardEvent) { events = append(events, e) },
	}})
	lower, upper := r.halve(t, long(0))
	parent, err := r.Shard(long(0))
	require.NoError(t, err)
	require.Equal(t, []stream.ReshardEvent{{
		Stream: "orders", Parents: []stream.ShardInfo{parent}, Children: []stream.ShardInfo{lower, upper},
	}}, events)

	events = nil
	child := r.merge(t, lower.ID, upper.ID)
	lower, err = r.Shard(lower.ID)
	require.NoError(t, err)
	upper, err = r.Shard(upper.ID)
	require.NoError(t, err)
	require.Equal(t, []stream.ReshardEvent{{
		Stream: "orders", Parents: []stream.ShardInfo{lower, upper}, Children: []stream.ShardInfo{child},
	}}, events)

	events = nil
	_, _, err = r.Split(t.Context(), child.ID, hashkey.Key{})
	require.Error(t, err)
	require.NoError(t, r.Resize(t.Context(), 1))
	require.Empty(t, events, "nothing has changed")
	require.NoError(t, r.Resize(t.Context(), 3))
	require.Len(t, events, 2)
	for _, e := range events {
		require.Len(t, e.Parents, 1)
		require.Len(t, e.Children, 2)
	}
}

// A hook is called with no lock held: it may use the stream in every way. This
// hangs where that is not so.
func TestHooksMayUseTheStream(t *testing.T) {
	t.Parallel()
	var r rig
	within := false
	calls := map[string]int{}
	use := func(ctx context.Context, hook string) {
		if within || calls[hook] == 3 {
			return // called for what it does itself, or for ever
		}
		within = true
		defer func() { within = false }()
		calls[hook]++
		r.put(t, "from a hook", "")
		_, err := r.PutBatch(ctx, []stream.Entry{{PartitionKey: "from a hook"}})
		require.NoError(t, err)
		lower, upper := r.halve(t, r.openShards(t)[0].ID)
		r.merge(t, lower.ID, upper.ID)
		r.Stats()
		r.Trim()
		require.NoError(t, r.SetRetention(time.Hour))
		require.NoError(t, r.Check())
		require.NotEmpty(t, r.all(t, stream.TrimHorizon()))
		_, err = r.Get(ctx, r.iterator(t, r.openShards(t)[0].ID, stream.TrimHorizon()), 1)
		require.NoError(t, err)
	}
	r = newRig(t, stream.Config{Shards: 2, Hooks: &stream.Hooks{
		BeforePut: func(ctx context.Context, _ stream.PutEvent) error { use(ctx, "BeforePut"); return nil },
		AfterPut:  func(ctx context.Context, _ stream.PutEvent, _ stream.PutResult) { use(ctx, "AfterPut") },
		BeforeRead: func(ctx context.Context, _ stream.ReadEvent) error {
			use(ctx, "BeforeRead")
			return nil
		},
		AfterRead: func(ctx context.Context, _ stream.ReadEvent, _ int, _ error) { use(ctx, "AfterRead") },
		Resharded: func(stream.ReshardEvent) { use(t.Context(), "Resharded") },
	}})
	r.put(t, "k", "")
	_, err := r.PutBatch(t.Context(), []stream.Entry{{PartitionKey: "k"}, {PartitionKey: "l"}})
	require.NoError(t, err)
	require.NotEmpty(t, r.all(t, stream.TrimHorizon()))
	require.NoError(t, r.Resize(t.Context(), 5))
	for _, hook := range []string{"BeforePut", "AfterPut", "BeforeRead", "AfterRead", "Resharded"} {
		require.Positive(t, calls[hook], hook)
	}
}

// A record whose hook is held up holds up nobody else.
func TestHookThatWaitsHoldsUpOnlyItsOwnCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := stream.New("orders", stream.Config{Hooks: &stream.Hooks{
			BeforePut: func(ctx context.Context, put stream.PutEvent) error {
				if string(put.Entry.Data) != "slow" {
					return nil
				}
				select {
				case <-time.After(time.Hour):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			},
		}})
		require.NoError(t, err)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.Put(t.Context(), stream.Entry{PartitionKey: "k", Data: []byte("slow")}); err != nil {
				t.Errorf("put: %v", err)
			}
		})
		synctest.Wait()
		began := time.Now()
		_, err = s.Put(t.Context(), stream.Entry{PartitionKey: "k", Data: []byte("fast")})
		require.NoError(t, err)
		require.Zero(t, time.Since(began))
		wg.Wait()
		require.Equal(t, time.Hour, time.Since(began))
		require.Equal(t, []string{"fast", "slow"}, collect(t, s.RecordsToLatest(t.Context(), stream.TrimHorizon())))

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = s.Put(ctx, stream.Entry{PartitionKey: "k", Data: []byte("slow")})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// A reader with hooks waits at the tip as one without does.
func TestReadersWithHooksWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reads int
		s, err := stream.New("orders", stream.Config{Hooks: &stream.Hooks{
			AfterRead: func(context.Context, stream.ReadEvent, int, error) { reads++ },
		}})
		require.NoError(t, err)
		c, err := s.Cursor(long(0), stream.Latest())
		require.NoError(t, err)
		go func() {
			time.Sleep(time.Hour)
			if _, err := s.Put(t.Context(), stream.Entry{PartitionKey: "k"}); err != nil {
				t.Errorf("put: %v", err)
			}
		}()
		began := time.Now()
		n, err := c.Next(t.Context(), make([]stream.Record, 1))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, time.Hour, time.Since(began))
		require.Equal(t, 1, reads, "waiting is no read")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.Next(ctx, make([]stream.Record, 1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestLatenciesAreMeasuredWhenAskedFor(t *testing.T) {
	t.Parallel()
	var r rig
	took := time.Millisecond
	r = newRig(t, stream.Config{MeasureLatency: true, Hooks: &stream.Hooks{
		BeforePut:  func(context.Context, stream.PutEvent) error { r.clock.Advance(took); return nil },
		BeforeRead: func(context.Context, stream.ReadEvent) error { r.clock.Advance(took); return nil },
	}})
	for _, took = range []time.Duration{5 * time.Millisecond, 2 * time.Millisecond, 8 * time.Millisecond} {
		r.put(t, "k", "")
		_, err := r.PutBatch(t.Context(), []stream.Entry{{PartitionKey: "k"}, {PartitionKey: "k"}})
		require.NoError(t, err)
	}
	took = 0
	r.all(t, stream.TrimHorizon())
	s := r.Stats()
	require.Equal(t, stream.Latency{Count: 3, Sum: 15 * time.Millisecond, Min: 2 * time.Millisecond, Max: 8 * time.Millisecond}, s.PutRecord.Latency)
	require.Equal(t, 5*time.Millisecond, s.PutRecord.Latency.Average())
	require.Equal(t, stream.Latency{Count: 3, Sum: 30 * time.Millisecond, Min: 4 * time.Millisecond, Max: 16 * time.Millisecond}, s.PutRecords.Latency)
	require.Positive(t, s.GetRecords.Latency.Count)
	require.Zero(t, s.GetRecords.Latency.Max)
	require.Zero(t, stream.Latency{}.Average())

	silent := newRig(t, stream.Config{})
	silent.put(t, "k", "")
	require.Zero(t, silent.Stats().PutRecord.Latency)
}
