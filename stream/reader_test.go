package stream_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/stream"
)

// quietKey is a hash key of the lower or the upper half.
func quietKey(half int) hashkey.Key { return hashkey.EvenAt(2, half).Start }

func (r rig) reader(t *testing.T, p stream.Position) *stream.Reader {
	t.Helper()
	reader, err := r.Reader(p)
	require.NoError(t, err)
	t.Cleanup(reader.Close)
	return reader
}

// drainReader reads what is stored, a few records at a time.
func drainReader(t *testing.T, reader *stream.Reader) []string {
	t.Helper()
	list := []string{}
	buf := make([]stream.Record, 3)
	for {
		n, err := reader.Read(t.Context(), buf)
		require.NoError(t, err)
		if n == 0 {
			return list
		}
		list = append(list, payloads(buf[:n])...)
	}
}

// I6: a stream is read as a whole, parents before their children, so that each
// partition key comes in the order of its puts.
func TestRecordsFollowResharding(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2})
	want := map[string][]string{}
	early := r.reader(t, stream.TrimHorizon())
	got := map[string][]string{}
	take := func(reader *stream.Reader, got map[string][]string) {
		buf := make([]stream.Record, 5)
		for {
			n, err := reader.Read(t.Context(), buf)
			require.NoError(t, err)
			if n == 0 {
				return
			}
			for _, rec := range buf[:n] {
				got[rec.PartitionKey] = append(got[rec.PartitionKey], string(rec.Data))
			}
		}
	}
	for round := range 30 {
		for k := range 12 {
			key := fmt.Sprint("key ", k)
			r.put(t, key, fmt.Sprint(round))
			want[key] = append(want[key], fmt.Sprint(round))
		}
		s := r.openShards(t)
		switch round % 5 {
		case 0, 1, 3:
			r.halve(t, s[round%len(s)].ID)
		default:
			at := round % (len(s) - 1)
			r.merge(t, s[at].ID, s[at+1].ID)
		}
		if round%7 == 0 {
			take(early, got)
		}
	}
	take(early, got)
	require.Equal(t, want, got, "a reader that was there from the beginning")
	late := map[string][]string{}
	take(r.reader(t, stream.TrimHorizon()), late)
	require.Equal(t, want, late, "a reader that came when all was over")
	require.Zero(t, early.Missed())
}

// A merged shard begins when both of its parents have been read, not before.
func TestChildOfAMergeWaitsForBothParents(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2})
	for i := range 4 {
		r.putAt(t, quietKey(0), fmt.Sprint("lower ", i))
		r.putAt(t, quietKey(1), fmt.Sprint("upper ", i))
	}
	r.merge(t, long(0), long(1))
	r.putAt(t, quietKey(0), "child")
	reader := r.reader(t, stream.TrimHorizon())
	var got []string
	buf := make([]stream.Record, 1)
	for range 9 {
		n, err := reader.Read(t.Context(), buf)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		got = append(got, string(buf[0].Data))
	}
	require.Equal(t, "child", got[8])
	require.Empty(t, drainReader(t, reader))
}

func TestReaderPositions(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	r.put(t, "key", "0 s in shard 0")
	r.clock.Advance(time.Second)
	r.put(t, "key", "1 s in shard 0")
	r.clock.Advance(time.Second)
	r.halve(t, long(0))
	r.put(t, "key", "2 s in a child")
	r.clock.Advance(time.Second)
	child := r.Route(hashkey.FromPartitionKey("key")).ID
	r.halve(t, child)
	r.put(t, "key", "3 s in a grandchild")
	r.clock.Advance(time.Second)

	at := func(d time.Duration) stream.Position { return stream.AtTimestamp(begun.Add(d)) }
	for _, tt := range []struct {
		name  string
		p     stream.Position
		first int
	}{
		{"the trim horizon", stream.TrimHorizon(), 0},
		{"long ago", stream.AtTimestamp(time.Unix(0, 0)), 0},
		{"the beginning", at(0), 0},
		{"just after the beginning", at(time.Millisecond), 1},
		{"a second", at(time.Second), 1},
		{"when the first shard was closed", at(2 * time.Second), 2},
		{"when the child was closed", at(3 * time.Second), 3},
		{"after all records", at(3*time.Second + time.Millisecond), 4},
		{"now", at(4 * time.Second), 4},
		{"the latest record", stream.Latest(), 4},
	} {
		all := []string{"0 s in shard 0", "1 s in shard 0", "2 s in a child", "3 s in a grandchild"}
		require.Equal(t, all[tt.first:], r.all(t, tt.p), "from %s", tt.name)
	}
	latest := r.reader(t, stream.Latest())
	require.Empty(t, drainReader(t, latest))
	r.halve(t, r.Route(hashkey.FromPartitionKey("key")).ID)
	r.put(t, "key", "new")
	require.Equal(t, []string{"new"}, drainReader(t, latest), "and follows what is put later")

	for _, p := range []stream.Position{stream.AtSequenceNumber(stream.SequenceNumber{}), stream.AfterSequenceNumber(stream.SequenceNumber{}), {Type: 9}} {
		_, err := r.Reader(p)
		require.ErrorIs(t, err, stream.ErrPosition)
		require.Equal(t, &stream.PositionError{Position: p}, err)
		for _, err := range r.RecordsToLatest(t.Context(), p) {
			require.ErrorIs(t, err, stream.ErrPosition)
		}
	}
	_, err := r.Reader(at(time.Hour))
	require.ErrorIs(t, err, stream.ErrTimestamp)
}

func TestRecordsToLatestEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 3})
	require.Empty(t, r.all(t, stream.TrimHorizon()))
	for i := range 1000 {
		r.put(t, fmt.Sprint(i), fmt.Sprint(i))
	}
	records := r.RecordsToLatest(t.Context(), stream.TrimHorizon())
	require.Len(t, collect(t, records), 1000)
	require.Len(t, collect(t, records), 1000, "every range over it starts anew")
}

func TestRecordsWaitForMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := stream.New("orders", stream.Config{Shards: 3})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for i := range 12 {
				time.Sleep(time.Minute)
				if _, err := s.Put(ctx, stream.Entry{PartitionKey: fmt.Sprint(i), Data: []byte(fmt.Sprint(i))}); err != nil {
					t.Errorf("put: %v", err)
				}
				if err := s.Resize(ctx, 1+i%5); err != nil {
					t.Errorf("resize: %v", err)
				}
			}
			time.Sleep(time.Minute)
			cancel()
		}()
		began := time.Now()
		var got []string
		for rec, err := range s.Records(ctx, stream.Latest()) {
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
				require.Zero(t, rec)
				require.Equal(t, 13*time.Minute, time.Since(began))
				break
			}
			got = append(got, string(rec.Data))
			require.Equal(t, time.Duration(len(got))*time.Minute, time.Since(began), "read late")
		}
		require.Len(t, got, 12)
	})
}

func TestReaderNextEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := stream.New("orders", stream.Config{Shards: 3})
		require.NoError(t, err)
		reader, err := s.Reader(stream.TrimHorizon())
		require.NoError(t, err)
		buf := make([]stream.Record, 5)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			began := time.Now()
			n, err := reader.Next(ctx, buf)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Zero(t, n)
			require.Equal(t, time.Hour, time.Since(began))
		}
		_, err = s.Put(t.Context(), stream.Entry{PartitionKey: "key", Data: []byte("data")})
		require.NoError(t, err)
		n, err := reader.Next(t.Context(), buf)
		require.NoError(t, err)
		require.Equal(t, []string{"data"}, payloads(buf[:n]), "nothing was lost")
		n, err = reader.Next(t.Context(), nil)
		require.NoError(t, err, "an empty dst does not wait")
		require.Zero(t, n)
	})
}

// No shard keeps the others waiting, however much it holds.
func TestReaderTurnsToEveryShard(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2})
	for range 1000 {
		r.putAt(t, quietKey(0), "much")
	}
	r.putAt(t, quietKey(1), "little")
	reader := r.reader(t, stream.TrimHorizon())
	buf := make([]stream.Record, 10)
	var got []string
	for range 3 {
		n, err := reader.Read(t.Context(), buf)
		require.NoError(t, err)
		got = append(got, payloads(buf[:n])...)
	}
	require.Contains(t, got, "little")
}

func TestReaderCountsWhatItMissed(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2, Retention: 10 * time.Second})
	reader := r.reader(t, stream.TrimHorizon())
	timed := r.reader(t, stream.AtTimestamp(begun))
	for i := range 10 {
		r.putAt(t, quietKey(i%2), fmt.Sprint(i))
		r.clock.Advance(time.Second)
	}
	r.clock.Advance(3 * time.Second) // "0" to "2" have expired
	require.ElementsMatch(t, []string{"3", "4", "5", "6", "7", "8", "9"}, drainReader(t, reader))
	require.Equal(t, uint64(3), reader.Missed())

	// In a child that was trimmed before its parent was read, too.
	r.merge(t, long(0), long(1))
	for i := range 4 {
		r.putAt(t, quietKey(0), fmt.Sprint("child ", i))
		r.clock.Advance(time.Second)
	}
	r.clock.Advance(8 * time.Second) // "child 0" and "child 1" have expired
	require.Equal(t, []string{"child 2", "child 3"}, drainReader(t, reader))
	require.Equal(t, uint64(3+2), reader.Missed())
	require.Equal(t, []string{"child 2", "child 3"}, drainReader(t, timed))
	require.Equal(t, uint64(10+2), timed.Missed())
	timed.Close()
	require.Equal(t, uint64(10+2), timed.Missed(), "and Close does not forget")
}

func TestReaderThatHasBeenClosed(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2})
	reader, err := r.Reader(stream.TrimHorizon())
	require.NoError(t, err)
	require.Empty(t, drainReader(t, reader))
	r.put(t, "key", "wakes it")
	reader.Close()
	reader.Close()
	_, err = reader.Read(t.Context(), make([]stream.Record, 1))
	require.ErrorIs(t, err, stream.ErrReaderClosed)
	_, err = reader.Next(t.Context(), make([]stream.Record, 1))
	require.ErrorIs(t, err, stream.ErrReaderClosed)
}

// I9: whoever breaks out of an iteration has left the shards that it waited on;
// a stream that outlives its readers does not collect them. This test measures
// the heap, so it runs alone.
func TestBrokenOffIterationsLeaveNothingBehind(t *testing.T) {
	s, err := stream.New("orders", stream.Config{Shards: 8})
	require.NoError(t, err)
	_, err = s.Put(t.Context(), stream.Entry{PartitionKey: "key"})
	require.NoError(t, err)
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	iterate := func() {
		for range 2000 {
			for _, err := range s.Records(t.Context(), stream.TrimHorizon()) {
				require.NoError(t, err)
				break
			}
		}
	}
	iterate()
	before, goroutines := inUse(), runtime.NumGoroutine()
	iterate()
	// A reader that stayed on eight shards would hold half a kilobyte at least.
	require.Less(t, inUse(), before+256<<10)
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	runtime.KeepAlive(s)
}
