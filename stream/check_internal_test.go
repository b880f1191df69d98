package stream

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// Check finds what is wrong with the shards as a whole, and names the invariant.
// What it reads is corrupted by hand, as no caller can.
func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		violates, name string
		damage         func(s *Stream)
	}{
		{"", "none", func(*Stream) {}},
		{"orders violates I1", "an open shard that nothing is routed to", func(s *Stream) {
			s.topology.Store(newTopology(s.topology.Load().shards[1:]))
		}},
		{"orders violates I1", "shards routed to in the wrong order", func(s *Stream) {
			shards := append([]*shard.Shard(nil), s.topology.Load().shards...)
			shards[0], shards[1] = shards[1], shards[0]
			s.topology.Store(newTopology(shards))
		}},
		{"orders violates I1", "a gap between two shards", func(s *Stream) {
			narrow := shard.New(shard.Config{Index: 1, Range: hashkey.Range{End: hashkey.Key{Lo: 7}}})
			s.openAt(hashkey.Key{}).shard = narrow
		}},
		{"orders violates I5", "a closed shard that is routed to", func(s *Stream) {
			old := s.openAt(hashkey.Max()).shard
			shard.Replace([]*shard.Shard{old}, []*shard.Shard{shard.New(shard.Config{Index: 9, Range: old.Range()})}, func() {})
		}},
		{"shardId-000000000000 violates I5", "a closed shard that has lost a child", func(s *Stream) {
			parent, _ := s.listed.Get(&node{index: 0})
			parent.children = parent.children[:1]
		}},
		{"shardId-000000000000 violates I5", "a closed shard followed by others than it names", func(s *Stream) {
			parent, _ := s.listed.Get(&node{index: 0})
			parent.children = []*node{parent.children[1], parent.children[0]}
		}},
		{"shardId-000000000001 violates I5", "an open shard with children", func(s *Stream) {
			open, _ := s.listed.Get(&node{index: 1})
			open.children = []*node{open}
		}},
		{"shardId-000000000000 violates I4", "a child that begins below its parent's end", func(s *Stream) {
			parent, _ := s.listed.Get(&node{index: 0})
			parent.children[1].shard = shard.New(shard.Config{
				Index: 2,
				Range: parent.children[1].shard.Range(),
				Clock: clock.NewMillis(clock.NewManual(time.Unix(0, 0))),
			})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := New("orders", Config{})
			require.NoError(t, err)
			_, err = s.Put(t.Context(), Entry{PartitionKey: "key"})
			require.NoError(t, err)
			require.NoError(t, s.Resize(t.Context(), 3))
			tt.damage(s)
			err = s.Check()
			if tt.violates == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.violates+": ")
		})
	}
}
