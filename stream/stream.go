package stream

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/btree"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// Stream is a stream in memory. Make one with [New]; it is safe for concurrent
// use.
//
// What is hot, routing, reads one immutable value. What is rare, resharding,
// listing and finding a shard by its ID, keeps ordered sets of shards under a
// lock that a put takes only to trim the whole stream from time to time, and a
// Cursor or a Reader only to be made.
type Stream struct {
	name     string
	cfg      Config
	hooks    Hooks
	observed bool // hooks or latencies are wanted
	millis   clock.Millis
	created  int64 // Unix milliseconds
	budget   *shard.Budget
	buffers  shard.Buffers
	eviction eviction
	batches  sync.Pool // of *batch

	topology  atomic.Pointer[topology] // open shards
	resizing  atomic.Bool
	closed    atomic.Bool
	done      chan struct{} // closed by Close
	retention atomic.Int64  // milliseconds; stored under mu
	swept     atomic.Int64  // when expired records were last looked for, in Unix milliseconds

	batched   batchCounters
	latencies latencies

	mu          sync.Mutex // resharding, listing and retention; guards the fields below, and storing to topology
	open        *btree.BTreeG[*node]
	listed      *btree.BTreeG[*node] // by ID: open, and closed within retention
	closedNodes []*node              // of those listed, in the order in which they were closed
	next        int32                // index of the next shard
	gone        totals               // of shards that are no longer listed
}

// node is a shard in its lineage.
type node struct {
	index     int32       // the shard's
	start     hashkey.Key // of the shard's range
	shard     *shard.Shard
	children  []*node    // set before the shard's end shows
	candidate *candidate // nil without a budget
}

// btreeDegree keeps a node of a tree within a few lines of memory.
const btreeDegree = 16

// New returns a stream with the shards that cfg asks for, of equal share as the
// service divides the hash-key space. The name is one that the service would
// take. Errors: [*NameError] and [*ConfigError].
func New(name string, cfg Config) (*Stream, error) {
	if !validName(name) {
		return nil, &NameError{Name: name}
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ranges, err := hashkey.Even(cfg.Shards)
	if err != nil {
		return nil, err
	}
	s := &Stream{
		done:   make(chan struct{}),
		name:   name,
		cfg:    cfg,
		open:   btree.NewG(btreeDegree, func(a, b *node) bool { return a.start.Less(b.start) }),
		listed: btree.NewG(btreeDegree, func(a, b *node) bool { return a.index < b.index }),
	}
	if cfg.Hooks != nil {
		s.hooks = *cfg.Hooks
	}
	s.observed = cfg.Hooks != nil || cfg.MeasureLatency
	s.millis.Init(cfg.Clock)
	s.retention.Store(cfg.Retention.Milliseconds())
	s.created = s.millis.Now()
	if s.created < 0 || s.created >= maxClock {
		return nil, &ConfigError{
			Field: "Clock", Value: cfg.Clock.Now(),
			Min: time.Unix(0, 0).UTC(), Max: time.UnixMilli(maxClock).UTC(),
		}
	}
	s.swept.Store(s.created)
	if cfg.MaxBytes > 0 {
		s.budget = shard.NewBudget(cfg.MaxBytes, cfg.AtMaxBytes)
	}
	s.batches.New = func() any { return new(batch) }

	shards := make([]*shard.Shard, len(ranges))
	for i, r := range ranges {
		n := s.newNode(r)
		shards[i] = n.shard
		s.open.ReplaceOrInsert(n)
		s.listed.ReplaceOrInsert(n)
	}
	s.topology.Store(newTopology(shards))
	return s, nil
}

// Name is the stream's name.
func (s *Stream) Name() string { return s.name }

// Close ends the stream: puts, reads and resharding return [ErrClosed], and so
// do the reads that are waiting. Stats and the lists of shards still answer.
// Records that were handed out stay valid; the memory of the others goes with
// the last reference to the stream. Close may be called twice, and always
// returns nil.
func (s *Stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed.Swap(true) {
		close(s.done)
	}
	s.listed.Ascend(func(n *node) bool {
		n.shard.Stop()
		return true
	})
	s.buffers.Drop()
	return nil
}

// newNode makes the next shard. The caller holds s.mu, or is alone.
func (s *Stream) newNode(keys hashkey.Range, parents ...*node) *node {
	ids := make([]string, len(parents))
	for i, p := range parents {
		ids[i] = p.shard.ID()
	}
	n := &node{index: s.next, start: keys.Start, shard: shard.New(shard.Config{
		Index:     s.next,
		Range:     keys,
		Parents:   ids,
		Retention: millisToDuration(s.retention.Load()),
		Limits:    s.cfg.Limits.Shard,
		Budget:    s.budget,
		Buffers:   &s.buffers,
		Relieve:   s.relieve,
		Rolled:    s.sweepSometimes,
		Clock:     &s.millis,
	})}
	s.next++
	if s.budget != nil {
		n.candidate = &candidate{shard: n.shard, since: s.millis.Now()}
		s.eviction.add(n.candidate)
	}
	return n
}

// maxClock is in Unix milliseconds. Sequence numbers hold out longer, until 2477,
// so that reshards, which each take a second of theirs, cannot get there.
const maxClock = 10_000_000_000_000

const maxNameLen = 128

func validName(name string) bool {
	if name == "" || len(name) > maxNameLen {
		return false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return true
}
