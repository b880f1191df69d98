package shard

import (
	"sync"
	"time"
)

// Limits bound what one shard takes in and gives out. A zero field is no limit.
// A bucket of one second's worth stands behind each, full at first: a record or
// a read larger than the bucket passes when the bucket is full and is paid for
// afterwards.
type Limits struct {
	// WriteBytes is partition keys and data written a second. A put counts as
	// whole KiB, a batch by the sum of its records in the shard, as the service
	// counts.
	WriteBytes int64
	// WriteRecords is records written a second.
	WriteRecords int64
	// ReadBytes is partition keys and data read a second.
	ReadBytes int64
	// ReadCalls is reads a second that were asked for; waiting is free.
	ReadCalls int64
	// ReadBytesPerCall bounds one read, which returns at least one record.
	ReadBytesPerCall int64
}

// limiter is the buckets of a shard that has limits.
type limiter struct {
	// Guarded by the shard's lock.
	writeBytes, writeRecords bucket

	readMu               sync.Mutex // guards the buckets below
	readBytes, readCalls bucket

	stopped chan struct{} // closed by Stop, for who waits out a limit
}

// newLimiter returns nil where nothing is limited.
func newLimiter(l Limits, now int64) *limiter {
	if l.WriteBytes <= 0 && l.WriteRecords <= 0 && l.ReadBytes <= 0 && l.ReadCalls <= 0 {
		return nil
	}
	return &limiter{
		writeBytes:   newBucket("bytes written a second", l.WriteBytes, now),
		writeRecords: newBucket("records written a second", l.WriteRecords, now),
		readBytes:    newBucket("bytes read a second", l.ReadBytes, now),
		readCalls:    newBucket("reads a second", l.ReadCalls, now),
		stopped:      make(chan struct{}),
	}
}

const roundTo = 1 << 10

func roundUp(n int64) int64 { return (n + roundTo - 1) / roundTo * roundTo }

// bucket counts in thousandths, so that a millisecond's refill is exact.
type bucket struct {
	what   string // names the limit in errors
	rate   int64  // a second; 0 for no limit
	tokens int64  // thousandths; negative is debt
	at     int64  // Unix milliseconds of the last refill
}

func newBucket(what string, rate, now int64) bucket {
	return bucket{what: what, rate: rate, tokens: rate * 1000, at: now}
}

func (b *bucket) refill(now int64) {
	capacity := b.rate * 1000
	if elapsed := now - b.at; elapsed > 0 {
		// A gap long enough to overflow the product fills any bucket.
		if elapsed > time.Hour.Milliseconds() {
			b.tokens = capacity
		} else {
			b.tokens = min(capacity, b.tokens+elapsed*b.rate)
		}
		b.at = now
	}
}

// wait is how many milliseconds must pass until n may be taken; 0 is now.
func (b *bucket) wait(n, now int64) int64 {
	if b.rate == 0 {
		return 0
	}
	b.refill(now)
	short := min(n, b.rate)*1000 - b.tokens
	if short <= 0 {
		return 0
	}
	return (short + b.rate - 1) / b.rate
}

func (b *bucket) take(n int64) {
	if b.rate > 0 {
		b.tokens -= n * 1000
	}
}

// throttled builds the error of a bucket that is short.
func (s *Shard) throttled(b *bucket, wait int64) error {
	return &ThrottledError{
		ShardID:    s.id,
		Limit:      b.what,
		PerSecond:  b.rate,
		RetryAfter: time.Duration(wait) * time.Millisecond,
	}
}

// limitWriteLocked admits one record of size bytes; payWriteLocked takes it off
// the limits once it is stored. inBatch is what the batch has put into the shard
// before it.
func (s *Shard) limitWriteLocked(size, inBatch, now int64) error {
	l := s.limiter
	if l == nil {
		return nil
	}
	cost := writeCost(size, inBatch)
	for _, want := range [...]struct {
		b *bucket
		n int64
	}{{&l.writeRecords, 1}, {&l.writeBytes, cost}} {
		if wait := want.b.wait(want.n, now); wait > 0 {
			s.refused++
			return s.throttled(want.b, wait)
		}
	}
	return nil
}

func (s *Shard) payWriteLocked(size, inBatch int64) {
	s.limiter.writeRecords.take(1)
	s.limiter.writeBytes.take(writeCost(size, inBatch))
}

func writeCost(size, inBatch int64) int64 { return roundUp(inBatch+size) - roundUp(inBatch) }

// limitRead admits a read; payRead takes what it returned.
func (s *Shard) limitRead(now int64) error {
	l := s.limiter
	l.readMu.Lock()
	defer l.readMu.Unlock()
	if wait := l.readCalls.wait(1, now); wait > 0 {
		s.out.throttled.Add(1)
		return s.throttled(&l.readCalls, wait)
	}
	if l.readBytes.rate > 0 {
		l.readBytes.refill(now)
		if l.readBytes.tokens <= 0 {
			s.out.throttled.Add(1)
			return s.throttled(&l.readBytes, (l.readBytes.rate-l.readBytes.tokens)/l.readBytes.rate)
		}
	}
	l.readCalls.take(1)
	return nil
}

func (s *Shard) payRead(bytes int64) {
	s.limiter.readMu.Lock()
	defer s.limiter.readMu.Unlock()
	b := &s.limiter.readBytes
	if b.rate > 0 && bytes > b.rate {
		// The service makes a read of 10 MiB wait out 5 s at 2 MiB/s, whatever
		// had been saved up before it.
		b.tokens = min(b.tokens, 1)
	}
	b.take(bytes)
}
