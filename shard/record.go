package shard

import (
	"time"
	"unicode/utf8"
)

// Record is one record as a reader sees it. Data and PartitionKey are views of
// the shard's own memory: shared by all readers, not to be written to, and
// valid for as long as they are held, even after the record has been trimmed
// (invariant I8). Copy a small part of a record that is kept for long: the view
// holds the block of records that it lies in.
type Record struct {
	// SequenceNumber is the record's place in its shard.
	SequenceNumber SequenceNumber

	// PartitionKey is the key that the record was put with.
	PartitionKey string

	// Data is the payload. It is never nil, and may be empty.
	Data []byte

	// ArrivalTime is when the record was stored, in UTC and to the millisecond.
	// It never decreases within a shard.
	ArrivalTime time.Time
}

const (
	// MaxPartitionKeyChars is the bound of a partition key in Unicode characters.
	MaxPartitionKeyChars = 256

	// MaxKeyBytes bounds a partition key in a shard, whatever its characters.
	MaxKeyBytes = keyLenMask

	// MaxDataBytes bounds the data of a record in a shard.
	MaxDataBytes = 1 << 30

	// RecordOverhead is what a record costs in memory beyond its partition key
	// and data, in bytes. It counts towards a bound on memory.
	RecordOverhead = entrySize
)

// CheckPartitionKey returns a [*PartitionKeyError] unless key has 1 to 256
// Unicode characters. A byte that is not valid UTF-8 counts as one character.
func CheckPartitionKey(key string) error {
	n := len(key)
	if n > MaxPartitionKeyChars {
		n = utf8.RuneCountInString(key)
	}
	if n == 0 || n > MaxPartitionKeyChars {
		return &PartitionKeyError{Chars: n}
	}
	return nil
}
