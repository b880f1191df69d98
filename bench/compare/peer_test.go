package compare

import (
	"context"
	"hash/maphash"
)

// drainBatch is how many records a reader asks for at once.
const drainBatch = 1000

// putBatchRecords is the most records PutRecords takes in one call.
const putBatchRecords = 500

// record is what every peer is given.
type record struct {
	key  string
	data []byte
}

// peer is one thing to compare, with what the cases need to know to stay within
// their time and memory. None of the numbers changes what is measured.
type peer struct {
	name string

	// open makes an empty log. capacity is the number of records it will hold
	// at most, for the peers that must know.
	open func(shards, capacity int) (backend, error)

	// round is the number of puts in one iteration of a put case: enough that
	// starting the producers costs nothing, few enough for -benchtime 1x.
	round int

	// overhead is roughly what a record costs beyond payload and key, to choose
	// when to replace a log.
	overhead int

	// maxLog, maxDrain and maxHeap bound the records of a log in the put cases,
	// in BenchmarkDrain and in BenchmarkHeap. Zero is no bound of its own.
	maxLog   int
	maxDrain int
	maxHeap  int

	// consumes says that what was read is gone.
	consumes bool

	// unordered says that the peer promises no order within a key.
	unordered bool
}

// backend is an empty log with a way in and a way out. put is safe for
// concurrent use; putBatch, reader and close are for one goroutine.
type backend interface {
	// put returns once r can be read. A backend may keep r.data.
	put(ctx context.Context, r record) error

	// putBatch does the same for many, by the peer's own batching where it has
	// one, and keeps no reference to the slice rs.
	putBatch(ctx context.Context, rs []record) error

	// reader returns a reader at the oldest record. Nothing is fetched before
	// its first drain or next, so that fetching ahead is on the clock.
	reader() (reader, error)

	close() error
}

// reader reads a backend. It is used for drain or for next, not for both.
type reader interface {
	// drain reads n records of all shards, which exist already, up to drainBatch
	// at a time, and adds each to t.
	drain(ctx context.Context, n int, t *tally) error

	// next waits for one record of a backend with one shard.
	next(ctx context.Context) ([]byte, error)

	close() error
}

// tally is the work done on each record read: look at both ends of the payload,
// so that it was really delivered and its memory was touched.
type tally struct {
	records int
	sum     uint64

	// visit, when set, is given every record. Only tests set it.
	visit func(key string, data []byte)
}

func (t *tally) add(data []byte) {
	t.records++
	t.sum += uint64(data[0]) + uint64(data[len(data)-1])
}

// addAll is what a drain of rs must come to.
func (t *tally) addAll(rs []record) {
	for _, r := range rs {
		t.add(r.data)
	}
}

// peers lists what is compared, Millrace first.
func peers() []peer {
	return []peer{
		millracePeer(),
		chanPeer(),
		handlogPeer(),
		watermillPeer(),
		jetstreamPeer(),
		kafkaPeer(),
	}
}

// router spreads keys over n shards for the peers without a rule of their own.
type router struct {
	seed maphash.Seed
	n    int
}

func newRouter(n int) router { return router{seed: maphash.MakeSeed(), n: n} }

// shard does not look at the key when there is nothing to choose.
func (r router) shard(key string) int {
	if r.n == 1 {
		return 0
	}
	return int(maphash.String(r.seed, key) % uint64(r.n))
}
