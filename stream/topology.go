package stream

import (
	"math"
	"math/bits"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// topology is an immutable routing table from hash keys to open shards, which
// tile the space of hash keys (I1). It is replaced as a whole by a reshard.
//
// buckets is indexed by the leading bits of a hash key. Where the first and the
// last key of a bucket belong to the same shard, as in most buckets of an even
// stream, routing is one look-up.
type topology struct {
	starts  []hashkey.Key // where each shard begins, ascending
	shards  []*shard.Shard
	buckets []bucket
	shift   uint
}

// bucket is the places of the shards that own its first and its last key.
type bucket struct{ first, last int32 }

func newTopology(shards []*shard.Shard) *topology {
	t := &topology{
		starts: make([]hashkey.Key, len(shards)),
		shards: shards,
	}
	for i, s := range shards {
		t.starts[i] = s.Range().Start
	}
	lead := uint(0)
	if len(shards) > 1 {
		lead = uint(bits.Len(uint(len(shards)-1))) + 1
	}
	t.shift = 64 - lead
	t.buckets = make([]bucket, 1<<lead)
	place := 0
	ownerOf := func(key hashkey.Key) int32 {
		for place+1 < len(shards) && !key.Less(t.starts[place+1]) {
			place++
		}
		return int32(place)
	}
	for b := range t.buckets {
		first := uint64(b) << t.shift
		t.buckets[b].first = ownerOf(hashkey.Key{Hi: first})
		t.buckets[b].last = ownerOf(hashkey.Key{Hi: first | (1<<t.shift - 1), Lo: math.MaxUint64})
	}
	return t
}

// route is the place of the shard that owns key.
func (t *topology) route(key hashkey.Key) int {
	b := t.bucket(key)
	if b.first == b.last {
		return int(b.first)
	}
	return t.search(key, b)
}

// bucket is apart from route to be compiled into a put.
func (t *topology) bucket(key hashkey.Key) bucket { return t.buckets[key.Hi>>t.shift] }

// search is route among the shards of one bucket. There may be many: nothing
// keeps a user from splitting one corner of the space over and over.
func (t *topology) search(key hashkey.Key, b bucket) int {
	low, high := int(b.first), int(b.last)
	for low < high {
		mid := int(uint(low+high+1) >> 1)
		if key.Less(t.starts[mid]) {
			high = mid - 1
		} else {
			low = mid
		}
	}
	return low
}

// replace returns the topology in which the n shards from place on have given
// way to others.
func (t *topology) replace(place, n int, others ...*shard.Shard) *topology {
	shards := make([]*shard.Shard, 0, len(t.shards)-n+len(others))
	shards = append(shards, t.shards[:place]...)
	shards = append(shards, others...)
	shards = append(shards, t.shards[place+n:]...)
	return newTopology(shards)
}
