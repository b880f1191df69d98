package stream_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

// I10: at the bound, the oldest records of all shards make room.
func TestMaxBytesThatTrims(t *testing.T) {
	t.Parallel()
	const bound = 100_000
	r := newRig(t, stream.Config{Shards: 4, MaxBytes: bound})
	reader := r.reader(t, stream.TrimHorizon())
	for i := range 5000 {
		r.put(t, fmt.Sprint("key ", i), fmt.Sprint(i))
		r.clock.Advance(time.Millisecond)
		require.LessOrEqual(t, r.Stats().MemoryBytes, int64(bound))
	}
	got := drainReader(t, reader)
	require.Greater(t, len(got), bound/(9+4+shard.RecordOverhead)/2, "most of the bound is put to use")
	require.Equal(t, uint64(5000-len(got)), reader.Missed(), "I7: the reader knows what it lost")
	require.Equal(t, uint64(5000-len(got)), r.Stats().TrimmedRecords)
	oldest := 5000
	for _, text := range got {
		var i int
		_, err := fmt.Sscan(text, &i)
		require.NoError(t, err)
		oldest = min(oldest, i)
	}
	require.InDelta(t, 5000-len(got), oldest, float64(len(got))/4, "it is the oldest that are gone")
}

// I10: or the newest are refused, and nothing is lost.
func TestMaxBytesThatRefuses(t *testing.T) {
	t.Parallel()
	const bound = 100_000
	r := newRig(t, stream.Config{Shards: 2, MaxBytes: bound, AtMaxBytes: stream.Refuse, Retention: time.Hour})
	stored := 0
	for ; ; stored++ {
		if _, err := r.Put(t.Context(), stream.Entry{PartitionKey: fmt.Sprint("key ", stored), Data: make([]byte, 1000)}); err != nil {
			require.ErrorIs(t, err, stream.ErrFull)
			break
		}
	}
	require.InDelta(t, bound/(1000+6+shard.RecordOverhead), stored, 3)
	before := r.Stats()
	large := stream.Entry{PartitionKey: "key", Data: make([]byte, 5000)}
	result, err := r.PutBatch(t.Context(), []stream.Entry{large, large})
	require.NoError(t, err)
	require.Equal(t, 2, result.Failed)
	require.ErrorIs(t, result.Err(), stream.ErrFull)
	require.Equal(t, before.Records, r.Stats().Records)
	require.Len(t, r.all(t, stream.TrimHorizon()), stored)

	r.clock.Advance(time.Hour + time.Millisecond)
	r.put(t, "key", "there is room again when records have expired")
}

func TestRecordLargerThanMaxBytes(t *testing.T) {
	t.Parallel()
	for _, at := range []stream.AtBound{stream.TrimOldest, stream.Refuse} {
		r := newRig(t, stream.Config{MaxBytes: 1000, AtMaxBytes: at})
		r.put(t, "k", "stays")
		_, err := r.Put(t.Context(), stream.Entry{PartitionKey: "k", Data: make([]byte, 1000)})
		require.ErrorIs(t, err, stream.ErrFull)
		require.ErrorContains(t, err, "more than the whole bound of 1000")
		require.Equal(t, []string{"stays"}, r.all(t, stream.TrimHorizon()))
	}
}
