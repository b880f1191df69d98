package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-187400e4/millrace/stream"
)

// resharder splits one shard and later merges two, while records are put.
type resharder struct {
	stream *stream.Stream
	pace   *pace

	notes map[string]string // why, by the ID of the first shard that was made
}

// openShard is a shard that takes records, and how many it has taken.
type openShard struct {
	stream.ShardInfo
	records uint64
}

// reshard returns when both changes have been made.
func (r *resharder) reshard(ctx context.Context) error {
	if err := wait(ctx, r.pace.toSplit.reached); err != nil {
		return err
	}
	before, err := r.split(ctx)
	if err != nil {
		return fmt.Errorf("split the hottest shard: %w", err)
	}
	close(r.pace.split.open)

	if err := wait(ctx, r.pace.toMerge.reached); err != nil {
		return err
	}
	if err := r.merge(ctx, before); err != nil {
		return fmt.Errorf("merge the two coldest neighbours: %w", err)
	}
	close(r.pace.merged.open)
	return nil
}

// split halves the shard that has taken the most records, and returns how many
// each shard had.
func (r *resharder) split(ctx context.Context) (map[string]uint64, error) {
	shards, err := openShards(ctx, r.stream)
	if err != nil {
		return nil, err
	}
	var all uint64
	counts := make(map[string]uint64)
	hottest := shards[0]
	for _, sh := range shards {
		all += sh.records
		counts[sh.ID] = sh.records
		if sh.records > hottest.records {
			hottest = sh
		}
	}
	start := time.Now()
	// That halves its hash keys. Its records it halves only if no client is heavy.
	child, _, err := r.stream.Split(ctx, hottest.ID, hottest.HashKeyRange.Midpoint())
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	r.notes[child.ID] = fmt.Sprintf("the hottest: %s of %s records so far; took %s",
		grouped(hottest.records), grouped(all), rounded(took))
	return counts, nil
}

// merge joins the neighbours that have taken the fewest records since counts
// were taken.
func (r *resharder) merge(ctx context.Context, counts map[string]uint64) error {
	shards, err := openShards(ctx, r.stream)
	if err != nil {
		return err
	}
	var all uint64
	for i := range shards {
		shards[i].records -= counts[shards[i].ID]
		all += shards[i].records
	}
	lower, upper := coldestNeighbours(shards)
	start := time.Now()
	child, err := r.stream.Merge(ctx, lower.ID, upper.ID)
	if err != nil {
		return err
	}
	took := time.Since(start)
	r.notes[child.ID] = fmt.Sprintf("the coldest neighbours: %s of %s records since; took %s",
		grouped(lower.records+upper.records), grouped(all), rounded(took))
	return nil
}

// coldestNeighbours picks from two or more shards, in the order of their hash
// keys, the two adjacent ones with the fewest records together. It does not
// undo a split unless nothing else is left to merge.
func coldestNeighbours(shards []openShard) (lower, upper openShard) {
	best := -1
	for i := range len(shards) - 1 {
		a, b := shards[i], shards[i+1]
		siblings := a.ParentID != "" && a.ParentID == b.ParentID
		if siblings && len(shards) > 2 {
			continue
		}
		if best < 0 || a.records+b.records < shards[best].records+shards[best+1].records {
			best = i
		}
	}
	return shards[best], shards[best+1]
}

// openShards are the shards that take records, in the order of their hash keys.
// Nobody else reshards, so the list and the counters are of the same shards.
func openShards(ctx context.Context, s *stream.Stream) ([]openShard, error) {
	page, err := s.ListShards(ctx, stream.ListShardsRequest{
		Filter: stream.ShardFilter{Type: stream.AtLatest},
	})
	if err != nil {
		return nil, err
	}
	counts := incoming(s.Stats())
	shards := make([]openShard, len(page.Shards))
	for i, info := range page.Shards {
		shards[i] = openShard{info, counts[info.ID]}
	}
	slices.SortFunc(shards, func(a, b openShard) int {
		return a.HashKeyRange.Start.Compare(b.HashKeyRange.Start)
	})
	return shards, nil
}

// incoming is how many records each shard has taken.
func incoming(stats stream.Stats) map[string]uint64 {
	counts := make(map[string]uint64)
	for _, sh := range stats.Shards {
		counts[sh.ShardID] = sh.IncomingRecords
	}
	return counts
}
