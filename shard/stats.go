package shard

import (
	"sync/atomic"
	"time"
)

// outgoing counts what is read.
type outgoing struct {
	records, bytes atomic.Uint64
	reads          atomic.Uint64
	throttled      atomic.Uint64
	iteratorAge    atomic.Int64 // milliseconds, of the last read
}

// Stats is a snapshot of a shard's counters since it was made, under the names
// of the service's shard-level metrics where it has one. Bytes are partition
// keys and data.
type Stats struct {
	ShardID                            string
	IncomingBytes                      uint64
	IncomingRecords                    uint64
	OutgoingBytes                      uint64
	OutgoingRecords                    uint64
	WriteProvisionedThroughputExceeded uint64        // records refused
	ReadProvisionedThroughputExceeded  uint64        // reads refused
	IteratorAge                        time.Duration // at the last read: the age of its last record, 0 if it caught up

	BatchedRecords uint64 // incoming records that came in batches
	BatchedBytes   uint64
	Reads          uint64 // reads that were answered, empty ones included
	TrimmedRecords uint64 // no longer readable
	Records        uint64 // live
	Bytes          int64  // live, keys and data
	MemoryBytes    int64  // live, with the overhead of each record
}

// Stats returns a snapshot of the counters.
func (s *Shard) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	records, trimmed := s.next-firstIndex, s.head.Load()-firstIndex
	return Stats{
		ShardID:                            s.id,
		IncomingBytes:                      s.incoming,
		IncomingRecords:                    records,
		OutgoingBytes:                      s.out.bytes.Load(),
		OutgoingRecords:                    s.out.records.Load(),
		WriteProvisionedThroughputExceeded: s.refused,
		ReadProvisionedThroughputExceeded:  s.out.throttled.Load(),
		IteratorAge:                        time.Duration(s.out.iteratorAge.Load()) * time.Millisecond,
		BatchedRecords:                     s.batched,
		BatchedBytes:                       s.batchedBytes,
		Reads:                              s.out.reads.Load(),
		TrimmedRecords:                     trimmed,
		Records:                            records - trimmed,
		Bytes:                              s.bytes - int64(records-trimmed)*RecordOverhead,
		MemoryBytes:                        s.bytes,
	}
}

// Oldest is the arrival of the oldest live record, and false if there is none.
func (s *Shard) Oldest() (time.Time, bool) {
	s.mu.Lock()
	oldest := s.oldest
	s.mu.Unlock()
	return time.UnixMilli(oldest).UTC(), oldest != never
}
