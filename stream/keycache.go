package stream

import (
	"hash/maphash"

	"github.com/seed-187400e4/millrace/hashkey"
)

// keyCache remembers the hash keys of recent partition keys, for batches: a
// look-up costs a small part of an MD5. It is two-way set-associative, never
// grows, and gives up for a while when keys do not repeat, so that a stream of
// ever-new keys pays next to nothing for it.
//
// It belongs to one goroutine at a time.
type keyCache struct {
	seed maphash.Seed
	sets []cacheSet // nil until enough has been put to be worth it

	seen    int // look-ups in the present window, or keys while there is no cache
	hits    int
	resting int // look-ups that are still to go past the cache
}

const (
	cacheSets    = 1 << 13
	cacheKeyMax  = 47 // longer keys are not remembered
	cacheWindow  = 1 << 14
	cacheRest    = 1 << 19 // after a window with too few hits
	cacheMinHits = cacheWindow / 4
	cacheWorthIt = 1 << 12 // keys before memory is spent on a cache
)

// cacheSet is two lines of memory, the more recently used entry first.
type cacheSet [2]cacheEntry

type cacheEntry struct {
	hash hashkey.Key
	len  uint8 // of key; 0 for an empty entry
	key  [cacheKeyMax]byte
}

func (e *cacheEntry) is(key string) bool {
	return int(e.len) == len(key) && string(e.key[:len(key)]) == key
}

// hashKey is hashkey.FromPartitionKey(key), remembered.
func (c *keyCache) hashKey(key string) hashkey.Key {
	if c.resting > 0 {
		c.resting--
		return hashkey.FromPartitionKey(key)
	}
	if c.sets == nil {
		if c.seen++; c.seen > cacheWorthIt {
			c.seed, c.sets, c.seen = maphash.MakeSeed(), make([]cacheSet, cacheSets), 0
		}
		return hashkey.FromPartitionKey(key)
	}
	if len(key) > cacheKeyMax {
		return hashkey.FromPartitionKey(key)
	}
	if c.seen++; c.seen == cacheWindow {
		if c.hits < cacheMinHits {
			c.resting = cacheRest
		}
		c.seen, c.hits = 0, 0
	}
	set := &c.sets[maphash.String(c.seed, key)%cacheSets]
	if set[0].is(key) {
		c.hits++
		return set[0].hash
	}
	if set[1].is(key) {
		c.hits++
		set[0], set[1] = set[1], set[0]
		return set[0].hash
	}
	hash := hashkey.FromPartitionKey(key)
	set[1] = set[0]
	set[0].hash, set[0].len = hash, uint8(len(key))
	copy(set[0].key[:], key)
	return hash
}
