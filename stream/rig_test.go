package stream_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/stream"
)

// begun is when the streams of a rig are made, 1700000000 in Unix seconds.
var begun = time.Unix(1_700_000_000, 0).UTC()

// rig is a stream on a clock of its own.
type rig struct {
	*stream.Stream
	clock *clock.Manual
}

// newRig makes a stream at begun, and checks its invariants at the end of the
// test.
func newRig(t *testing.T, cfg stream.Config) rig {
	t.Helper()
	c := clock.NewManual(begun)
	cfg.Clock = c
	s, err := stream.New("orders", cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Check())
		require.NoError(t, s.Close())
	})
	return rig{s, c}
}

// put stores a record by its partition key.
func (r rig) put(t *testing.T, key, data string) stream.Receipt {
	t.Helper()
	receipt, err := r.Put(t.Context(), stream.Entry{PartitionKey: key, Data: []byte(data)})
	require.NoError(t, err)
	return receipt
}

// putAt stores a record by an explicit hash key.
func (r rig) putAt(t *testing.T, key hashkey.Key, data string) stream.Receipt {
	t.Helper()
	receipt, err := r.Put(t.Context(), stream.Entry{PartitionKey: "explicit", ExplicitHashKey: &key, Data: []byte(data)})
	require.NoError(t, err)
	return receipt
}

// listed are all shards that a filter chooses.
func (r rig) listed(t *testing.T, f stream.ShardFilter) []stream.ShardInfo {
	t.Helper()
	page, err := r.ListShards(t.Context(), stream.ListShardsRequest{Filter: f})
	require.NoError(t, err)
	require.Empty(t, page.Next)
	return page.Shards
}

// openShards are the shards that take records, in the order of their ranges.
func (r rig) openShards(t *testing.T) []stream.ShardInfo {
	t.Helper()
	shards := r.listed(t, stream.ShardFilter{Type: stream.AtLatest})
	slices.SortFunc(shards, func(a, b stream.ShardInfo) int { return a.HashKeyRange.Start.Compare(b.HashKeyRange.Start) })
	return shards
}

// halve splits a shard in the middle.
func (r rig) halve(t *testing.T, id string) (lower, upper stream.ShardInfo) {
	t.Helper()
	s, err := r.Shard(id)
	require.NoError(t, err)
	lower, upper, err = r.Split(t.Context(), id, s.HashKeyRange.Midpoint())
	require.NoError(t, err)
	return lower, upper
}

func (r rig) merge(t *testing.T, id, adjacent string) stream.ShardInfo {
	t.Helper()
	child, err := r.Merge(t.Context(), id, adjacent)
	require.NoError(t, err)
	return child
}

// all is what the stream holds, as texts, in the order of RecordsToLatest.
func (r rig) all(t *testing.T, p stream.Position) []string {
	t.Helper()
	return collect(t, r.RecordsToLatest(t.Context(), p))
}

// collect is the payloads of an iteration that must not fail.
func collect(t *testing.T, records iter.Seq2[stream.Record, error]) []string {
	t.Helper()
	list := []string{}
	for rec, err := range records {
		require.NoError(t, err)
		list = append(list, string(rec.Data))
	}
	return list
}

// payloads is the data of records, as texts.
func payloads(records []stream.Record) []string {
	list := make([]string, len(records))
	for i, r := range records {
		list[i] = string(r.Data)
	}
	return list
}

// shardIDs are the IDs of shards, without the word and the zeros.
func shardIDs(shards []stream.ShardInfo) []string {
	list := make([]string, len(shards))
	for i, s := range shards {
		list[i] = short(s.ID)
	}
	return list
}

func short(id string) string {
	if digits := strings.TrimLeft(strings.TrimPrefix(id, "shardId-"), "0"); digits != "" {
		return digits
	}
	return "0"
}

func long(index int) string { return fmt.Sprintf("shardId-%012d", index) }

func cancelledContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
