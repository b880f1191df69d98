package shard

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
)

// firstIndex is the index of a shard's first record; 0 is the number that
// starts the shard.
const firstIndex = 1

// never is the arrival of the oldest record of an empty log.
const never = math.MaxInt64

// errStarved tells Append to have something trimmed first.
var errStarved = errors.New("shard: budget used up")

// DefaultRetention is how long records are kept where nothing else is said, as
// by the service.
const DefaultRetention = 24 * time.Hour

// Config describes a shard. The zero value is an unbounded log that holds all
// hash keys from 0 to 0; set at least Range for anything that is routed to.
type Config struct {
	// Index is the shard's number in its stream, from 0.
	Index int32
	// Range is the hash keys that the shard owns.
	Range hashkey.Range
	// Parents are the IDs of the shards that this one succeeds: none, one after
	// a split, or two after a merge, the lower range first.
	Parents []string
	// Retention is how long records are kept; 0 is [DefaultRetention].
	Retention time.Duration
	// Limits bound the traffic; the zero value does not.
	Limits Limits
	// Budget bounds the memory, together with the other shards that have it;
	// nil does not.
	Budget *Budget
	// Buffers are shared with other shards, to use memory again; nil is none
	// but the shard's own.
	Buffers *Buffers
	// Relieve is called, with no lock held, when the budget has no need bytes
	// left for the shard. It reports whether it has given some back to the
	// budget, by Evict or Expire of this shard or of others. Nil trims the
	// shard's own oldest records, if the budget says to trim.
	Relieve func(s *Shard, need int64) bool
	// Rolled is called, with no lock held, each time a segment has been added.
	Rolled func()
	// Clock is read for arrival times; nil is the real one.
	Clock *clock.Millis
}

// Shard is one append-only log of records. Make one with [New]. It is safe for
// concurrent use.
//
// The fields lie by who touches them: an append to a shard whose memory is cold
// waits for three lines of it and those of the record. A test checks that.
type Shard struct {
	// What an append writes, under the lock.
	mu          sync.Mutex // guards the fields down to the next line of comment, and all storing to the atomics
	gated       bool       // closed, stopped or limited: look before appending
	grown       bool       // a segment has been added: tell the owner after unlocking
	early       bool       // the tail has been published, and nobody woken yet
	to          writer     // empty before the first record
	next        uint64     // index of the next record
	lastArrival int64      // Unix milliseconds; arrivals never decrease

	bytes    int64 // occupied by live records, with their overhead
	granted  int64 // what bytes may rise to
	oldest   int64 // arrival of the oldest live record, never if there is none
	waiting  *registration
	incoming uint64 // bytes of keys and data that were ever put
	prefix   sequencePrefix

	// What readers poll, and what an append only reads.
	tail      atomic.Uint64 // index after the last published record
	head      atomic.Uint64 // index of the oldest live record
	dir       atomic.Pointer[directory]
	end       atomic.Pointer[EndOfShardError] // set when the shard is closed
	retention atomic.Int64                    // milliseconds
	budget    *Budget
	id        string

	// What readers write.
	out     outgoing
	stopped atomic.Bool // the stream has been closed

	// The rest, under the lock.
	discarded    bool     // no longer counts in the budget
	seg          *segment // the tail, nil before the first record
	headUsed     int      // bytes of keys and data trimmed off the first segment
	batched      uint64   // records that came in batches
	batchedBytes uint64
	refused      uint64 // records, for a limit

	// Immutable once the shard is visible to others.
	index    int32
	keys     hashkey.Range
	parents  []string
	created  int64 // Unix milliseconds
	clock    *clock.Millis
	buffers  *Buffers
	limiter  *limiter // nil without limits
	readMost int64    // bytes of one read
	relieve  func(*Shard, int64) bool
	rolled   func()

	_ [112]byte // makes the size one that the allocator aligns to lines
}

// New returns an open, empty shard.
func New(cfg Config) *Shard {
	if cfg.Clock == nil {
		cfg.Clock = clock.NewMillis(nil)
	}
	if cfg.Retention == 0 {
		cfg.Retention = DefaultRetention
	}
	if cfg.Relieve == nil {
		cfg.Relieve = relieveSelf
	}
	if cfg.Buffers == nil {
		cfg.Buffers = new(Buffers)
	}
	now := cfg.Clock.Now()
	s := &Shard{
		id:          ID(cfg.Index),
		index:       cfg.Index,
		keys:        cfg.Range,
		parents:     cfg.Parents,
		created:     now,
		prefix:      newSequencePrefix(now/1000, cfg.Index),
		clock:       cfg.Clock,
		budget:      cfg.Budget,
		buffers:     cfg.Buffers,
		limiter:     newLimiter(cfg.Limits, now),
		readMost:    never,
		relieve:     cfg.Relieve,
		rolled:      cfg.Rolled,
		next:        firstIndex,
		lastArrival: now,
		oldest:      never,
	}
	s.gated = s.limiter != nil
	if cfg.Limits.ReadBytesPerCall > 0 {
		s.readMost = cfg.Limits.ReadBytesPerCall
	}
	if s.budget == nil {
		s.granted = math.MaxInt64
	} else {
		s.budget.shards.Add(1)
	}
	s.retention.Store(cfg.Retention.Milliseconds())
	s.tail.Store(firstIndex)
	s.head.Store(firstIndex)
	s.dir.Store(&directory{})
	return s
}

// ID is the shard's name, shardId- and twelve digits.
func (s *Shard) ID() string { return s.id }

// Index is the shard's number in its stream.
func (s *Shard) Index() int32 { return s.index }

// Range is the hash keys that the shard owns, or owned while it was open.
func (s *Shard) Range() hashkey.Range { return s.keys }

// Parents are the IDs of the shards that this one succeeded.
func (s *Shard) Parents() []string { return s.parents }

// Created is when the shard was made.
func (s *Shard) Created() time.Time { return time.UnixMilli(s.created).UTC() }

// End says when the shard was closed and what took over, or is nil while the
// shard is open.
func (s *Shard) End() *EndOfShardError { return s.end.Load() }

// Tail is the index after the newest record. An index counts the records ever
// appended, from 1.
func (s *Shard) Tail() uint64 { return s.tail.Load() }

// StartingSequenceNumber is below the number of every record of the shard.
func (s *Shard) StartingSequenceNumber() SequenceNumber {
	return s.prefix.at(startIndex, s.prefix.creation)
}

// EndingSequenceNumber is above the number of every record of the shard. It is
// the zero value while the shard is open.
func (s *Shard) EndingSequenceNumber() SequenceNumber {
	end := s.end.Load()
	if end == nil {
		return SequenceNumber{}
	}
	return s.prefix.at(endIndex, end.ClosedAt.Unix())
}

// Replace closes parents and lets children take over from them: at one instant
// for everybody who puts (I1), with the children's numbers above those of each
// parent (I4). It calls publish, which must make the children known to whoever
// routes records, after the last record went into a parent and before anybody
// can learn that a parent is closed (I5).
//
// Parents come in ascending order of their index and are open; children are
// new, have all parents as Parents, and are not known to anybody. The caller
// makes sure that no two calls run at once.
func Replace(parents, children []*Shard, publish func()) {
	for _, p := range parents {
		p.mu.Lock()
	}
	closed := parents[0].clock.Now()
	creation := int64(0)
	for _, p := range parents {
		closed = max(closed, p.lastArrival)
		creation = max(creation, p.prefix.creation)
	}
	creation = max(creation, closed/1000) + 1

	successors := make([]ChildShard, len(children))
	for i, c := range children {
		c.created, c.lastArrival = closed, closed
		c.prefix = newSequencePrefix(creation, c.index)
		successors[i] = ChildShard{ShardID: c.id, ParentShards: c.parents, HashKeyRange: c.keys}
	}
	publish()
	waiting := make([]*registration, len(parents))
	for i, p := range parents {
		p.gated = true
		p.returnSurplusLocked(0)
		p.end.Store(&EndOfShardError{
			ShardID:  p.id,
			Children: successors,
			ClosedAt: time.UnixMilli(closed).UTC(),
		})
		waiting[i], p.waiting = p.waiting, nil
	}
	for _, p := range parents {
		p.mu.Unlock()
	}
	for _, w := range waiting {
		w.fireAll()
	}
}

// Stop ends all use of the shard: appends and reads return [ErrStreamClosed],
// and so do the reads that are waiting. What was handed out stays valid.
func (s *Shard) Stop() {
	s.mu.Lock()
	s.gated = true
	if !s.stopped.Swap(true) && s.limiter != nil {
		close(s.limiter.stopped)
	}
	waiting := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	waiting.fireAll()
}

// SetRetention changes how long records are kept. A shorter time takes effect
// at once; a longer one never brings back what has been trimmed.
func (s *Shard) SetRetention(d time.Duration) {
	s.Expire()
	s.retention.Store(d.Milliseconds())
	s.Expire()
}
