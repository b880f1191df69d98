package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

// I2, with the partition keys and shards of the fact sheet.
func TestPutRoutesAsTheServiceDoes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		key  string
		want [4]int // the shard of 2, 3, 4 and 5
	}{
		{"a", [4]int{0, 0, 0, 0}},
		{"b", [4]int{1, 1, 2, 2}},
		{"e", [4]int{1, 2, 3, 4}},
		{"f", [4]int{1, 1, 2, 2}},
		{"ü", [4]int{1, 2, 3, 3}},
		{"日本", [4]int{0, 0, 1, 1}},
		{"😀", [4]int{0, 0, 0, 0}},
	}
	for i := range 4 {
		r := newRig(t, stream.Config{Shards: i + 2})
		for _, tt := range tests {
			require.Equal(t, long(tt.want[i]), r.put(t, tt.key, "").ShardID, "%q among %d", tt.key, i+2)
			result, err := r.PutBatch(t.Context(), []stream.Entry{{PartitionKey: tt.key}})
			require.NoError(t, err)
			require.Equal(t, long(tt.want[i]), result.Results[0].ShardID, "%q among %d, in a batch", tt.key, i+2)
			require.Equal(t, long(tt.want[i]), r.Route(hashkey.FromPartitionKey(tt.key)).ID)
		}
	}
}

// Routing finds the shard of every key, whatever the shape of the shards: many,
// few, and of very different widths.
func TestPutRoutesAmongUnevenShards(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 37})
	// A heap of narrow shards at the low end of one wide shard.
	id := long(17)
	for range 40 {
		lower, _ := r.halve(t, id)
		id = lower.ID
	}
	shards := r.openShards(t)
	require.Len(t, shards, 37+40)
	for _, s := range shards {
		for _, key := range []hashkey.Key{s.HashKeyRange.Start, s.HashKeyRange.End, s.HashKeyRange.Midpoint()} {
			require.Equal(t, s.ID, r.Route(key).ID)
			require.Equal(t, s.ID, r.putAt(t, key, "").ShardID)
		}
	}
}

func TestPutOfAnExplicitHashKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 3})
	for i, s := range r.openShards(t) {
		for _, key := range []hashkey.Key{s.HashKeyRange.Start, s.HashKeyRange.End} {
			require.Equal(t, long(i), r.putAt(t, key, "").ShardID)
		}
	}
	for rec, err := range r.RecordsToLatest(t.Context(), stream.TrimHorizon()) {
		require.NoError(t, err)
		require.Equal(t, "explicit", rec.PartitionKey, "the partition key is kept")
	}
}

// What cannot be put, and how that is said, for a record by itself and in a
// batch.
func TestRecordsThatAreRefused(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	tests := []struct {
		name  string
		cfg   stream.Config
		entry stream.Entry
		want  error
	}{
		{"an empty partition key", stream.Config{}, stream.Entry{Data: []byte("data")}, &shard.PartitionKeyError{}},
		{
			"a partition key of 257 characters", stream.Config{},
			stream.Entry{PartitionKey: strings.Repeat("k", 257)}, &shard.PartitionKeyError{Chars: 257},
		},
		{
			"a partition key of 257 characters of four bytes", stream.Config{},
			stream.Entry{PartitionKey: strings.Repeat("😀", 257)}, &shard.PartitionKeyError{Chars: 257},
		},
		{
			"an empty partition key beside an explicit hash key", stream.Config{},
			stream.Entry{ExplicitHashKey: &hashkey.Key{}}, &shard.PartitionKeyError{},
		},
		{
			"a byte more than 1 MiB, key included", stream.Config{},
			stream.Entry{PartitionKey: "ключ", Data: make([]byte, mib-7)}, &stream.RecordTooLargeError{Bytes: mib + 1, Bound: mib},
		},
		{
			"a byte more than 10 MiB", stream.Config{MaxRecordBytes: 10 * mib, MaxBatchBytes: 20 * mib},
			stream.Entry{PartitionKey: "k", Data: make([]byte, 10*mib)}, &stream.RecordTooLargeError{Bytes: 10*mib + 1, Bound: 10 * mib},
		},
		{
			"a byte more than a bound of 5", stream.Config{MaxRecordBytes: 5},
			stream.Entry{PartitionKey: "k", Data: []byte("12345")}, &stream.RecordTooLargeError{Bytes: 6, Bound: 5},
		},
		{
			"a partition key longer than the bound", stream.Config{MaxRecordBytes: 5},
			stream.Entry{PartitionKey: "kkkkkk"}, &stream.RecordTooLargeError{Bytes: 6, Bound: 5},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, tt.cfg)
			before := r.Stats()
			receipt, err := r.Put(t.Context(), tt.entry)
			require.Equal(t, tt.want, err)
			require.Zero(t, receipt)
			require.Equal(t, before, r.Stats(), "it left a trace")

			good := stream.Entry{PartitionKey: "k", Data: []byte("good")}
			result, err := r.PutBatch(t.Context(), []stream.Entry{good, tt.entry, good})
			require.NoError(t, err)
			require.Equal(t, 1, result.Failed)
			require.NoError(t, result.Results[0].Err)
			require.Equal(t, stream.PutResult{Err: tt.want}, result.Results[1])
			require.NoError(t, result.Results[2].Err)
			require.Equal(t, tt.want, result.Err())
			require.Equal(t, []string{"good", "good"}, r.all(t, stream.TrimHorizon()), "the others land")
		})
	}
}

func TestRecordsAtTheBounds(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, tt := range []struct {
		name  string
		cfg   stream.Config
		entry stream.Entry
	}{
		{"no data", stream.Config{}, stream.Entry{PartitionKey: "k"}},
		{"a key of 256 characters of four bytes", stream.Config{}, stream.Entry{PartitionKey: strings.Repeat("😀", 256)}},
		{"1 MiB, key included", stream.Config{}, stream.Entry{PartitionKey: "ключ", Data: bytes.Repeat([]byte("x"), mib-8)}},
		{"10 MiB", stream.Config{MaxRecordBytes: 10 * mib}, stream.Entry{PartitionKey: "k", Data: bytes.Repeat([]byte("x"), 10*mib-1)}},
		{"as long as a bound of 5", stream.Config{MaxRecordBytes: 5}, stream.Entry{PartitionKey: "k", Data: []byte("1234")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, tt.cfg)
			_, err := r.Put(t.Context(), tt.entry)
			require.NoError(t, err)
			result, err := r.PutBatch(t.Context(), []stream.Entry{tt.entry})
			require.NoError(t, err)
			require.NoError(t, result.Err())
			for rec, err := range r.RecordsToLatest(t.Context(), stream.TrimHorizon()) {
				require.NoError(t, err)
				require.Equal(t, tt.entry.PartitionKey, rec.PartitionKey)
				require.Equal(t, string(tt.entry.Data), string(rec.Data))
				require.NotNil(t, rec.Data)
			}
		})
	}
}

func TestPutsOfACancelledContextStoreNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	entry := stream.Entry{PartitionKey: "k"}
	_, err := r.Put(cancelledContext(t), entry)
	require.ErrorIs(t, err, context.Canceled)
	result, err := r.PutBatch(cancelledContext(t), []stream.Entry{entry, entry})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, result)
	require.Empty(t, r.all(t, stream.TrimHorizon()))
}

// I3: a record is there when Put has returned.
func TestRecordIsReadableWhenPutHasReturned(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 4})
	for i := range 100 {
		receipt := r.put(t, fmt.Sprint("key ", i), fmt.Sprint(i))
		c, err := r.Cursor(receipt.ShardID, stream.AtSequenceNumber(receipt.SequenceNumber))
		require.NoError(t, err)
		buf := make([]stream.Record, 2)
		n, err := c.Read(t.Context(), buf)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, stream.Record{
			SequenceNumber: receipt.SequenceNumber,
			PartitionKey:   fmt.Sprint("key ", i),
			Data:           []byte(fmt.Sprint(i)),
			ArrivalTime:    begun,
		}, buf[0])
	}
}

func TestPutBatchIsBounded(t *testing.T) {
	t.Parallel()
	entries := func(n, size int) []stream.Entry {
		list := make([]stream.Entry, n)
		for i := range list {
			list[i] = stream.Entry{PartitionKey: "k", Data: make([]byte, size-1)}
		}
		return list
	}
	const mib = 1 << 20
	for _, tt := range []struct {
		name    string
		cfg     stream.Config
		entries []stream.Entry
		want    *stream.BatchTooLargeError // nil if it fits
	}{
		{"500 records", stream.Config{}, entries(500, 1), nil},
		{"501 records", stream.Config{}, entries(501, 1), &stream.BatchTooLargeError{Records: 501, MaxRecords: 500, MaxBytes: 10 * mib}},
		{"10 MiB, keys included", stream.Config{}, entries(10, mib), nil},
		{
			"a byte more than 10 MiB", stream.Config{}, append(entries(10, mib), entries(1, 1)...),
			&stream.BatchTooLargeError{Records: 11, MaxRecords: 500, Bytes: 10*mib + 1, MaxBytes: 10 * mib},
		},
		{"3 records of 3", stream.Config{MaxBatchRecords: 3}, entries(3, 1), nil},
		{"4 records of 3", stream.Config{MaxBatchRecords: 3}, entries(4, 1), &stream.BatchTooLargeError{Records: 4, MaxRecords: 3, MaxBytes: 10 * mib}},
		{"7 bytes of 7", stream.Config{MaxBatchBytes: 7}, entries(1, 7), nil},
		{"8 bytes of 7", stream.Config{MaxBatchBytes: 7}, entries(2, 4), &stream.BatchTooLargeError{Records: 2, MaxRecords: 500, Bytes: 8, MaxBytes: 7}},
		{"2,000 records where they are allowed", stream.Config{MaxBatchRecords: 2000}, entries(2000, 1), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, tt.cfg)
			result, err := r.PutBatch(t.Context(), tt.entries)
			if tt.want == nil {
				require.NoError(t, err)
				require.NoError(t, result.Err())
				require.Len(t, result.Results, len(tt.entries))
				require.Equal(t, uint64(len(tt.entries)), r.Stats().Records)
				return
			}
			require.ErrorIs(t, err, stream.ErrBatchTooLarge)
			tooLarge, ok := errors.AsType[*stream.BatchTooLargeError](err)
			require.True(t, ok)
			require.Equal(t, tt.want, tooLarge)
			require.Zero(t, result)
			require.Zero(t, r.Stats().IncomingRecords, "none is stored")
			if tt.want.Bytes > 0 {
				require.ErrorContains(t, err, fmt.Sprintf("at most %d are allowed: put it in parts, or raise MaxBatchBytes", tt.want.MaxBytes))
			}
		})
	}
}

func TestPutBatchOfNoneStoresNone(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	for _, entries := range [][]stream.Entry{nil, {}} {
		result, err := r.PutBatch(t.Context(), entries)
		require.NoError(t, err)
		require.Empty(t, result.Results)
		require.Zero(t, result.Failed)
		require.NoError(t, result.Err())
	}
}

// I3, I4: the order of the entries is kept for each partition key, and all of a
// batch arrive at one time.
func TestPutBatchKeepsTheOrderOfEachKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 5})
	var entries []stream.Entry
	for i := range 500 {
		entries = append(entries, stream.Entry{PartitionKey: fmt.Sprint("key ", i%11), Data: []byte(fmt.Sprint(i))})
	}
	result, err := r.PutBatch(t.Context(), entries)
	require.NoError(t, err)
	require.NoError(t, result.Err())
	numbers := map[stream.SequenceNumber]int{}
	for i, res := range result.Results {
		numbers[res.SequenceNumber] = i
	}
	require.Len(t, numbers, 500)
	last := map[string]int{}
	seen := 0
	for rec, err := range r.RecordsToLatest(t.Context(), stream.TrimHorizon()) {
		require.NoError(t, err)
		i := numbers[rec.SequenceNumber]
		require.Equal(t, fmt.Sprint(i), string(rec.Data), "the receipt is of another record")
		require.Equal(t, entries[i].PartitionKey, rec.PartitionKey)
		if before, found := last[rec.PartitionKey]; found {
			require.Greater(t, i, before)
		}
		last[rec.PartitionKey] = i
		seen++
	}
	require.Equal(t, 500, seen)
}

// meddler is a clock that runs a call the next time that it is read, which is in
// the middle of whatever reads it.
type meddler struct {
	clock.Clock
	meddle func()
}

func (m *meddler) Now() time.Time {
	if f := m.meddle; f != nil {
		m.meddle = nil
		f()
	}
	return m.Clock.Now()
}

// I2, I4: a batch reads the clock when it has been routed and before it is
// stored. What a reshard does in between is not to be noticed.
func TestPutBatchOvertakenByResharding(t *testing.T) {
	t.Parallel()
	for shards := 1; shards <= 3; shards++ {
		t.Run(fmt.Sprint(shards, " shards"), func(t *testing.T) {
			t.Parallel()
			m := &meddler{Clock: clock.NewManual(begun)}
			s, err := stream.New("orders", stream.Config{Shards: shards, Clock: m})
			require.NoError(t, err)
			key := hashkey.EvenAt(shards, shards-1).Midpoint()
			want := map[string][]string{}
			for round, resharded := range []func(){
				func() { require.NoError(t, s.Resize(t.Context(), 5)) },
				func() { require.NoError(t, s.Resize(t.Context(), 2)) },
				func() { require.NoError(t, s.Resize(t.Context(), 1)) },
				func() { require.NoError(t, s.Resize(t.Context(), 4)) },
			} {
				var entries []stream.Entry
				for i := range 60 {
					e := stream.Entry{PartitionKey: fmt.Sprint("key ", i%7), Data: []byte(fmt.Sprint(round, "/", i))}
					if i%7 == 3 {
						e.ExplicitHashKey = &key
					}
					entries = append(entries, e)
					want[e.PartitionKey] = append(want[e.PartitionKey], string(e.Data))
				}
				m.meddle = resharded
				result, err := s.PutBatch(t.Context(), entries)
				require.NoError(t, err)
				require.NoError(t, result.Err())
				require.Nil(t, m.meddle, "the clock was not read")
				for i, res := range result.Results {
					info, err := s.Shard(res.ShardID)
					require.NoError(t, err)
					require.True(t, info.Open(), "record %d went to a closed shard", i)
				}
			}
			require.NoError(t, s.Check())
			got := map[string][]string{}
			for rec, err := range s.RecordsToLatest(t.Context(), stream.TrimHorizon()) {
				require.NoError(t, err)
				got[rec.PartitionKey] = append(got[rec.PartitionKey], string(rec.Data))
			}
			require.Equal(t, want, got)
		})
	}
}

// PutBatchInto writes over what it is given, all of it, and grows it if need be.
func TestPutBatchIntoUsesTheMemoryOfItsCaller(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	good, bad := stream.Entry{PartitionKey: "k"}, stream.Entry{}
	room := make([]stream.PutResult, 0, 3)
	first, err := r.PutBatchInto(t.Context(), []stream.Entry{bad, good, bad}, room)
	require.NoError(t, err)
	require.Same(t, &room[:1][0], &first.Results[0])
	require.Equal(t, 2, first.Failed)

	second, err := r.PutBatchInto(t.Context(), []stream.Entry{good, bad}, first.Results)
	require.NoError(t, err)
	require.Same(t, &room[:1][0], &second.Results[0])
	require.Len(t, second.Results, 2)
	require.NoError(t, second.Results[0].Err, "left over from before")
	require.NotZero(t, second.Results[0].Receipt)
	require.Equal(t, stream.PutResult{Err: &shard.PartitionKeyError{}}, second.Results[1], "left over from before")

	third, err := r.PutBatchInto(t.Context(), []stream.Entry{good, good, good, good}, second.Results)
	require.NoError(t, err)
	require.Len(t, third.Results, 4)
	require.NoError(t, third.Err())
}

// I8, for partition keys, which may share memory with a buffer of the caller.
func TestPutCopiesThePartitionKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	buf := []byte("key in a buffer, data in the same buffer")
	_, err := r.Put(t.Context(), stream.Entry{PartitionKey: string(buf[:3]), Data: buf[17:]})
	require.NoError(t, err)
	clear(buf)
	for rec, err := range r.RecordsToLatest(t.Context(), stream.TrimHorizon()) {
		require.NoError(t, err)
		require.Equal(t, "key", rec.PartitionKey)
		require.Equal(t, "data in the same buffer", string(rec.Data))
	}
}

func TestArrivalTimesAreUTCAndToTheMillisecond(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	r.clock.Advance(1234567891 * time.Nanosecond)
	r.put(t, "k", "")
	for rec, err := range r.RecordsToLatest(t.Context(), stream.TrimHorizon()) {
		require.NoError(t, err)
		require.Equal(t, begun.Add(1234*time.Millisecond), rec.ArrivalTime)
		require.Equal(t, time.UTC, rec.ArrivalTime.Location())
	}
}
