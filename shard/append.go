package shard

// Append stores a record, copying key and data, and returns its number. The
// caller has routed key to the shard and checked it and data against the
// limits of a record; explicit says that an explicit hash key decided the
// routing, which [Shard.Check] then cannot verify.
//
// Errors: [*ClosedError], [*ThrottledError], [*FullError], [ErrStreamClosed],
// and [*RecordSizeError] beyond [MaxKeyBytes] and [MaxDataBytes], which a stream
// bounds much lower; with each, nothing was stored.
func (s *Shard) Append(key string, data []byte, explicit bool) (SequenceNumber, error) {
	return s.AppendAt(s.clock.Now(), key, data, explicit)
}

// AppendAt is [Shard.Append] for a caller that has read the clock: now is in
// Unix milliseconds.
func (s *Shard) AppendAt(now int64, key string, data []byte, explicit bool) (SequenceNumber, error) {
	s.mu.Lock()
	number, err := s.appendLocked(key, data, explicit, now, 0)
	if err == errStarved { //nolint:errorlint // never wrapped, and on the hot path
		number, err = s.appendRelieved(key, data, explicit, now, 0)
	}
	s.publishAndUnlock()
	return number, err
}

// appendRelieved is appendLocked for a budget that is used up: it lets go of the
// lock, after publishing what a batch has put so far, while room is made.
func (s *Shard) appendRelieved(key string, data []byte, explicit bool, now, inBatch int64) (number SequenceNumber, err error) {
	need := int64(len(key)+len(data)) + entrySize
	for err = errStarved; err == errStarved; { //nolint:errorlint // never wrapped
		s.publishAndUnlock()
		relieved := s.relieve(s, need)
		s.mu.Lock()
		if !relieved {
			return SequenceNumber{}, s.full(need)
		}
		number, err = s.appendLocked(key, data, explicit, now, inBatch)
	}
	return number, err
}

// Batch appends several records under one lock and one clock reading. Make one
// with [Shard.Begin], and End it soon and always: everybody else who puts into
// the shard waits, and readers see nothing of the batch before End, unless the
// budget is used up, when the batch lets go of the lock to make room.
type Batch struct {
	s       *Shard
	now     int64
	inBatch int64 // bytes of keys and data so far
}

// Begin locks the shard for a batch of appends at the time now, in Unix
// milliseconds.
func (s *Shard) Begin(now int64) Batch {
	s.mu.Lock()
	return Batch{s: s, now: now}
}

// Append is [Shard.Append] within the batch. A record that is refused does not
// keep the next one out.
func (b *Batch) Append(key string, data []byte, explicit bool) (SequenceNumber, error) {
	s := b.s
	number, err := s.appendLocked(key, data, explicit, b.now, b.inBatch)
	if err == errStarved { //nolint:errorlint // never wrapped
		number, err = s.appendRelieved(key, data, explicit, b.now, b.inBatch)
	}
	if err == nil {
		b.inBatch += int64(len(key) + len(data))
		s.batched++
		s.batchedBytes += uint64(len(key) + len(data))
	}
	return number, err
}

// End publishes the batch and unlocks the shard.
func (b *Batch) End() { b.s.publishAndUnlock() }

func (s *Shard) full(need int64) error {
	return &FullError{ShardID: s.id, Need: need, Used: s.budget.drawn.Load(), Bound: s.budget.bound}
}

func (s *Shard) appendLocked(key string, data []byte, explicit bool, now, inBatch int64) (SequenceNumber, error) {
	if s.gated {
		if err := s.gateLocked(int64(len(key)+len(data)), inBatch, now); err != nil {
			return SequenceNumber{}, err
		}
	}
	now = max(now, s.lastArrival)
	if s.oldest < now-s.retention.Load() {
		s.expireLocked(now)
	}
	if len(key) > MaxKeyBytes || len(data) > MaxDataBytes {
		return SequenceNumber{}, &RecordSizeError{KeyBytes: len(key), DataBytes: len(data)}
	}
	need := len(key) + len(data) + entrySize
	if s.bytes+int64(need) > s.granted {
		if err := s.makeRoomLocked(int64(need)); err != nil {
			return SequenceNumber{}, err
		}
	}
	if s.to.room() < need {
		s.rollLocked(need, now)
	}
	arrival := uint64(now)<<16 | uint64(len(key))
	if explicit {
		arrival |= 1 << keyLenBits
	}
	s.to.append(key, data, arrival)
	if s.limiter != nil {
		s.payWriteLocked(int64(len(key)+len(data)), inBatch)
	}

	index := s.next
	s.next = index + 1
	s.bytes += int64(need)
	s.lastArrival = now
	if s.oldest == never {
		s.oldest = now
	}
	s.incoming += uint64(len(key) + len(data))
	return s.prefix.at(index, now/1000), nil
}

// publishAndUnlock makes what was appended visible and wakes who waits for it.
func (s *Shard) publishAndUnlock() {
	if s.waiting == nil && !s.grown {
		s.tail.Store(s.next)
		s.mu.Unlock()
		return
	}
	s.publishSlowly()
}

func (s *Shard) publishSlowly() {
	var waiting *registration
	if s.tail.Load() != s.next || s.early {
		waiting, s.waiting = s.waiting, nil // but not for a record that was refused
	}
	s.tail.Store(s.next)
	grown := s.grown
	s.grown, s.early = false, false
	s.mu.Unlock()
	waiting.fireAll()
	if grown && s.rolled != nil {
		s.rolled()
	}
}

// gateLocked is the part of an append that most shards have no need of.
func (s *Shard) gateLocked(size, inBatch, now int64) error {
	if s.stopped.Load() {
		return ErrStreamClosed
	}
	if end := s.end.Load(); end != nil {
		return &ClosedError{ShardID: s.id, Children: end.Children}
	}
	return s.limitWriteLocked(size, inBatch, max(now, s.lastArrival))
}

// rollLocked adds a segment with room for need bytes.
func (s *Shard) rollLocked(need int, now int64) {
	// Half as much again at a time wastes little while the log is small.
	size := max(need, min(max(minSegment, int(min(s.bytes, 2*maxSegment)/2)), maxSegment))
	buf := s.buffers.get(need, size)
	if buf == nil {
		buf = make([]byte, (size+entrySize-1)&^(entrySize-1))
	}
	g := &segment{buf: buf, base: s.next, firstArrival: now}
	if s.seg != nil {
		s.seg.sealed.Store(s.next)
	}
	s.seg = g
	s.dir.Store(s.dir.Load().with(g))
	s.to = writer{buf: buf, low: uint32(len(buf))}
	s.grown = true
}
