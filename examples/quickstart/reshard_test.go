package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
)

func TestColdestNeighbours(t *testing.T) {
	t.Parallel()
	shard := func(id, parent string, records uint64) openShard {
		return openShard{stream.ShardInfo{ID: id, ParentID: parent}, records}
	}
	for _, tt := range []struct {
		name         string
		shards       []openShard
		lower, upper string
	}{
		{"the two with the fewest records", []openShard{
			shard("a", "", 5), shard("b", "", 4), shard("c", "", 1), shard("d", "", 6),
		}, "b", "c"},
		{"the first of equals", []openShard{
			shard("a", "", 1), shard("b", "", 1), shard("c", "", 1),
		}, "a", "b"},
		{"not the halves of a split", []openShard{
			shard("a", "", 9), shard("b", "x", 1), shard("c", "x", 2), shard("d", "", 9),
		}, "a", "b"},
		{"half of a split and its neighbour", []openShard{
			shard("a", "", 9), shard("b", "x", 1), shard("c", "x", 2), shard("d", "", 3),
		}, "c", "d"},
		{"the halves of a split, where there is nothing else", []openShard{
			shard("a", "x", 1), shard("b", "x", 2),
		}, "a", "b"},
	} {
		lower, upper := coldestNeighbours(tt.shards)
		require.Equal(t, tt.lower, lower.ID, tt.name)
		require.Equal(t, tt.upper, upper.ID, tt.name)
	}
}

func TestOpenShardsAreInTheOrderOfTheirKeys(t *testing.T) {
	t.Parallel()
	s, err := stream.New("test", stream.Config{Shards: 3})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Put(t.Context(), stream.Entry{PartitionKey: "user-7"})
	require.NoError(t, err)

	shards, err := openShards(t.Context(), s)
	require.NoError(t, err)
	empty := shards[0]
	if empty.records > 0 {
		empty = shards[1]
	}
	_, _, err = s.Split(t.Context(), empty.ID, empty.HashKeyRange.Midpoint())
	require.NoError(t, err)

	shards, err = openShards(t.Context(), s)
	require.NoError(t, err)
	require.Len(t, shards, 4)
	records := shards[0].records
	for i := 1; i < len(shards); i++ {
		require.True(t, shards[i-1].HashKeyRange.Adjacent(shards[i].HashKeyRange))
		records += shards[i].records
	}
	require.Equal(t, uint64(1), records, "the shard that took it is still open")
}
