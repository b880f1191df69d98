package stream

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
)

// Routing agrees with a look through all ranges, also where many shards share
// their leading bits (I2).
func TestRouteFindsTheOwner(t *testing.T) {
	t.Parallel()
	for _, shards := range []int{1, 2, 3, 7, 64, 1000} {
		s, err := New("route", Config{Shards: shards})
		require.NoError(t, err)
		// One corner of the space is split over and over.
		for range 60 {
			first := s.topology.Load().shards[0]
			if _, _, err := s.Split(t.Context(), first.ID(), first.Range().Midpoint()); err != nil {
				require.ErrorIs(t, err, ErrSplit)
				break
			}
		}
		top := s.topology.Load()
		for i, sh := range top.shards {
			keys := sh.Range()
			for _, k := range []hashkey.Key{keys.Start, keys.End, keys.Midpoint()} {
				require.Equal(t, i, top.route(k), "%d shards, key %s", shards, k)
			}
		}
		for range 2000 {
			k := hashkey.Key{Hi: rand.Uint64() >> rand.IntN(64), Lo: rand.Uint64()}
			require.True(t, top.shards[top.route(k)].Range().Contains(k))
		}
	}
}

// BenchmarkRoute looks up the shard of a random hash key, as a put does.
func BenchmarkRoute(b *testing.B) {
	keys := make([]hashkey.Key, 1<<12)
	for i := range keys {
		keys[i] = hashkey.Key{Hi: rand.Uint64(), Lo: rand.Uint64()}
	}
	for _, shards := range []int{1, 8, 512, 10_000} {
		b.Run(fmt.Sprintf("shards=%d", shards), func(b *testing.B) {
			s, err := New("bench", Config{Shards: shards})
			require.NoError(b, err)
			t, i, sum := s.topology.Load(), 0, 0
			for b.Loop() {
				sum += t.route(keys[i&(len(keys)-1)])
				i++
			}
		})
	}
}
