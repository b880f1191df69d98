package stream_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

func TestStatsOfAStream(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2, Retention: time.Minute, Limits: stream.Limits{Shard: shard.Limits{WriteRecords: 4, ReadCalls: 2}}})
	// 3 records of 6 bytes in the lower shard.
	for range 3 {
		r.putAt(t, quietKey(0), "123")
		_, err := r.Put(t.Context(), stream.Entry{})
		require.Error(t, err)
	}
	// A batch: 1 fits below, 2 throttled; 2 above; 1 malformed.
	lower, upper := quietKey(0), quietKey(1)
	entries := []stream.Entry{
		{PartitionKey: "k", ExplicitHashKey: &lower, Data: []byte("1")}, {PartitionKey: "k", ExplicitHashKey: &lower}, {PartitionKey: "k", ExplicitHashKey: &lower},
		{PartitionKey: "k", ExplicitHashKey: &upper, Data: []byte("1")}, {PartitionKey: "k", ExplicitHashKey: &upper, Data: []byte("1")},
		{},
	}
	result, err := r.PutBatch(t.Context(), entries)
	require.NoError(t, err)
	require.Equal(t, 3, result.Failed)
	// A batch of which nothing is stored.
	result, err = r.PutBatch(t.Context(), []stream.Entry{{}, {PartitionKey: "k", ExplicitHashKey: &lower}})
	require.NoError(t, err)
	require.Equal(t, 2, result.Failed)

	r.clock.Advance(10 * time.Second)
	c, err := r.Cursor(long(0), stream.TrimHorizon())
	require.NoError(t, err)
	buf := make([]stream.Record, 2)
	_, err = c.Read(t.Context(), buf)
	require.NoError(t, err)
	_, err = c.Read(t.Context(), buf[:1])
	require.NoError(t, err)
	_, err = c.Read(t.Context(), buf)
	require.ErrorIs(t, err, stream.ErrThrottled)

	const word = len("explicit123")
	s := r.Stats()
	shards := s.Shards
	s.Shards = nil
	require.Equal(t, stream.Stats{
		Stream:                             "orders",
		IncomingBytes:                      uint64(3*word + 3*2),
		IncomingRecords:                    6,
		ReadProvisionedThroughputExceeded:  1,
		WriteProvisionedThroughputExceeded: 3,
		PutRecord:                          stream.PutRecordStats{Bytes: uint64(3 * word), Success: 3},
		PutRecords: stream.PutRecordsStats{
			Bytes: 3 * 2, Success: 1, TotalRecords: 8, SuccessfulRecords: 3, ThrottledRecords: 3, FailedRecords: 2,
		},
		GetRecords:  stream.GetRecordsStats{Bytes: uint64(3 * word), Records: 3, Success: 2, IteratorAge: 10 * time.Second},
		OpenShards:  2,
		Records:     6,
		Bytes:       int64(3*word + 3*2),
		MemoryBytes: int64(3*word+3*2) + 6*shard.RecordOverhead,
	}, s)
	require.Len(t, shards, 2)
	for i, sh := range shards {
		info, err := r.Shard(long(i))
		require.NoError(t, err)
		require.Equal(t, info, sh.ShardInfo)
		require.Equal(t, long(i), sh.ShardID)
	}
	require.Equal(t, uint64(4), shards[0].IncomingRecords)
	require.Equal(t, uint64(2), shards[1].IncomingRecords)
	require.Equal(t, uint64(3), shards[0].WriteProvisionedThroughputExceeded)
}

// Counters are those since the stream was made: a shard that expires takes
// nothing of them with it, but what is stored is gone, and so is its age.
func TestStatsOutliveTheShards(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Retention: time.Minute})
	for range 4 {
		r.put(t, "k", "123")
	}
	c, err := r.Cursor(long(0), stream.TrimHorizon())
	require.NoError(t, err)
	r.clock.Advance(10 * time.Second)
	_, err = c.Read(t.Context(), make([]stream.Record, 1))
	require.NoError(t, err)
	r.halve(t, long(0))
	before := r.Stats()
	require.Len(t, before.Shards, 3)
	require.Equal(t, 10*time.Second, before.GetRecords.IteratorAge)

	r.clock.Advance(time.Hour)
	r.Trim()
	after := r.Stats()
	require.Len(t, after.Shards, 2)
	before.Shards, after.Shards = nil, nil
	before.Records, before.Bytes, before.MemoryBytes = 0, 0, 0
	before.TrimmedRecords = 4
	before.GetRecords.IteratorAge = 0
	require.Equal(t, before, after)
}

func TestMetricsHaveTheNamesOfCloudWatch(t *testing.T) {
	t.Parallel()
	s := stream.Stats{
		IncomingBytes:                      1,
		IncomingRecords:                    2,
		ReadProvisionedThroughputExceeded:  3,
		WriteProvisionedThroughputExceeded: 4,
		PutRecord:                          stream.PutRecordStats{Bytes: 5, Success: 6},
		PutRecords: stream.PutRecordsStats{
			Bytes: 7, Success: 8, TotalRecords: 9, SuccessfulRecords: 10, ThrottledRecords: 11, FailedRecords: 12,
		},
		GetRecords: stream.GetRecordsStats{Bytes: 13, Records: 14, Success: 15, IteratorAge: 16 * time.Millisecond},
		Shards: []stream.ShardStats{{Stats: shard.Stats{
			ShardID: long(7), IncomingBytes: 21, IncomingRecords: 22, OutgoingBytes: 23, OutgoingRecords: 24,
			IteratorAge: 25 * time.Millisecond, ReadProvisionedThroughputExceeded: 26, WriteProvisionedThroughputExceeded: 27,
		}}},
	}
	want := []string{
		"IncomingBytes Bytes 1",
		"IncomingRecords Count 2",
		"ReadProvisionedThroughputExceeded Count 3",
		"WriteProvisionedThroughputExceeded Count 4",
		"PutRecord.Bytes Bytes 5",
		"PutRecord.Success Count 6",
		"PutRecords.Bytes Bytes 7",
		"PutRecords.Success Count 8",
		"PutRecords.TotalRecords Count 9",
		"PutRecords.SuccessfulRecords Count 10",
		"PutRecords.ThrottledRecords Count 11",
		"PutRecords.FailedRecords Count 12",
		"GetRecords.Bytes Bytes 13",
		"GetRecords.Records Count 14",
		"GetRecords.Success Count 15",
		"GetRecords.IteratorAgeMilliseconds Milliseconds 16",
		"shardId-000000000007 IncomingBytes Bytes 21",
		"shardId-000000000007 IncomingRecords Count 22",
		"shardId-000000000007 OutgoingBytes Bytes 23",
		"shardId-000000000007 OutgoingRecords Count 24",
		"shardId-000000000007 IteratorAgeMilliseconds Milliseconds 25",
		"shardId-000000000007 ReadProvisionedThroughputExceeded Count 26",
		"shardId-000000000007 WriteProvisionedThroughputExceeded Count 27",
	}
	texts := func(metrics []stream.Metric) []string {
		var list []string
		for _, m := range metrics {
			text := fmt.Sprintf("%s %s %v", m.Name, m.Unit, m.Value)
			if m.ShardID != "" {
				text = m.ShardID + " " + text
			}
			list = append(list, text)
		}
		return list
	}
	require.ElementsMatch(t, want, texts(s.Metrics()))

	s.PutRecord.Latency = stream.Latency{Count: 4, Sum: 6 * time.Millisecond}
	s.PutRecords.Latency = stream.Latency{Count: 1, Sum: 2 * time.Millisecond}
	s.GetRecords.Latency = stream.Latency{Count: 2, Sum: 6 * time.Millisecond}
	want = append(want, "PutRecord.Latency Milliseconds 1.5", "PutRecords.Latency Milliseconds 2", "GetRecords.Latency Milliseconds 3")
	require.ElementsMatch(t, want, texts(s.Metrics()))
	shardsBegan := false
	for _, m := range s.Metrics() {
		require.False(t, shardsBegan && m.ShardID == "", "the stream comes first")
		shardsBegan = m.ShardID != ""
	}
}
