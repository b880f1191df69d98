package stream

import (
	"math/bits"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// topology is an immutable routing table from hash keys to open shards, which
// tile the space of hash keys (I1). It is replaced as a whole by a reshard.
//
// buckets is indexed by the leading bits of a hash key and holds the place of
// the shard that owns the first key of the bucket. Where the next bucket has
// the same place, which is so for most buckets of an even stream, that shard
// owns all of it and routing is one look-up.
type topology struct {
	starts  []hashkey.Key // where each shard begins, ascending
	shards  []*shard.Shard
	buckets []int32 // one more than there are values of the leading bits
	shift   uint
}

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
	t.buckets = make([]int32, 1<<lead+1)
	place := 0
	for b := range 1 << lead {
		first := hashkey.Key{Hi: uint64(b) << t.shift}
		for place+1 < len(shards) && !first.Less(t.starts[place+1]) {
			place++
		}
		t.buckets[b] = int32(place)
	}
	t.buckets[1<<lead] = int32(len(shards) - 1)
	return t
}

// route is the place of the shard that owns key.
func (t *topology) route(key hashkey.Key) int {
	low, high := t.bucket(key)
	if low == high {
		return low
	}
	return t.search(key, low, high)
}

// bucket is the places of the first and of the last shard that own a key with
// the leading bits of key. It is apart from route to be compiled into a put.
func (t *topology) bucket(key hashkey.Key) (low, high int) {
	b := key.Hi >> t.shift
	return int(t.buckets[b]), int(t.buckets[b+1])
}

// search is the place of the shard that owns key, among some. There may be many
// in one bucket: nothing keeps a user from splitting one corner of the space
// over and over.
func (t *topology) search(key hashkey.Key, low, high int) int {
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
