package stream

import (
	"time"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// Record is one record as a reader sees it: a shared, read-only view.
type Record = shard.Record

// SequenceNumber is the place of a record in its shard.
type SequenceNumber = shard.SequenceNumber

// Position says where to start reading.
type Position = shard.Position

// TrimHorizon is the oldest record that retention still holds.
func TrimHorizon() Position { return shard.TrimHorizon() }

// Latest is just after the newest record; see [shard.Latest].
func Latest() Position { return shard.Latest() }

// AtSequenceNumber is the record with the number n; see [shard.AtSequenceNumber].
func AtSequenceNumber(n SequenceNumber) Position { return shard.AtSequenceNumber(n) }

// AfterSequenceNumber is the first record after the one with the number n; see
// [shard.AfterSequenceNumber].
func AfterSequenceNumber(n SequenceNumber) Position { return shard.AfterSequenceNumber(n) }

// AtTimestamp is the first record that arrived at t or later; see
// [shard.AtTimestamp].
func AtTimestamp(t time.Time) Position { return shard.AtTimestamp(t) }

// Entry is a record to be put.
type Entry struct {
	// PartitionKey is 1 to 256 Unicode characters. Its MD5 is the hash key that
	// decides the shard.
	PartitionKey string

	// ExplicitHashKey, if given, is used in place of the partition key's MD5.
	ExplicitHashKey *hashkey.Key

	// Data is the payload, empty or not. It is copied.
	Data []byte
}

// hashKey is the hash key that decides the shard of a record.
func hashKey(partitionKey string, explicit *hashkey.Key) hashkey.Key {
	if explicit != nil {
		return *explicit
	}
	return hashkey.FromPartitionKey(partitionKey)
}

// isPlain reports whether a record of such lengths can be put whatever its key
// is, since no text has more characters than bytes. It spares most keys the
// counting of checkRecord.
func isPlain(keyBytes, dataBytes, maxBytes int) bool {
	return uint(keyBytes-1) < shard.MaxPartitionKeyChars && keyBytes+dataBytes <= maxBytes
}

// checkRecord returns a [*shard.PartitionKeyError] or [*RecordTooLargeError] for
// a record that cannot be put.
func checkRecord(partitionKey string, data []byte, maxBytes int) error {
	if isPlain(len(partitionKey), len(data), maxBytes) {
		return nil
	}
	if err := shard.CheckPartitionKey(partitionKey); err != nil {
		return err
	}
	if size := len(partitionKey) + len(data); size > maxBytes {
		return &RecordTooLargeError{Bytes: size, Bound: maxBytes}
	}
	return nil
}

// Receipt says where a record was stored.
type Receipt struct {
	ShardID        string
	SequenceNumber SequenceNumber
}
