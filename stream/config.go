package stream

import (
	"time"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/shard"
)

// Bounds of a [Config].
const (
	DefaultRetention = shard.DefaultRetention
	MaxRetention     = 8760 * time.Hour

	DefaultMaxRecordBytes  = 1 << 20
	MaxMaxRecordBytes      = 10 << 20
	DefaultMaxBatchRecords = 500
	DefaultMaxBatchBytes   = 10 << 20
	DefaultMaxShards       = 1 << 16
	MaxMaxShards           = 1 << 20
)

// AtBound is what happens to a new record when MaxBytes is reached.
type AtBound = shard.AtBound

// The two choices; [TrimOldest] is the zero value.
const (
	TrimOldest = shard.TrimOldest
	Refuse     = shard.Refuse
)

// Config describes a stream. The zero value is a stream of one shard that keeps
// records for 24 hours and throttles nothing. New copies it.
type Config struct {
	// Shards is how many shards the stream starts with, of equal share; 0 is 1.
	Shards int

	// Retention is how long records are kept, in whole milliseconds up to
	// [MaxRetention]; 0 is [DefaultRetention].
	Retention time.Duration

	// MaxBytes bounds the memory of all shards together: partition keys and
	// data, plus [shard.RecordOverhead] a record. Beyond it each shard holds at
	// most two segments that are not full, and readers may hold what has been
	// trimmed since they read it; see [shard.Budget]. 0 is no bound but retention.
	MaxBytes int64

	// AtMaxBytes says what happens at MaxBytes: the oldest records of the
	// stream are trimmed to make room, or new ones are refused with a
	// [*shard.FullError].
	AtMaxBytes AtBound

	// MaxRecordBytes bounds one record, partition key and data, up to
	// [MaxMaxRecordBytes]; 0 is [DefaultMaxRecordBytes].
	MaxRecordBytes int

	// MaxBatchRecords and MaxBatchBytes bound one PutBatch; 0 is
	// [DefaultMaxBatchRecords] and [DefaultMaxBatchBytes].
	MaxBatchRecords int
	MaxBatchBytes   int

	// MaxShards bounds the open shards, up to [MaxMaxShards]; 0 is
	// [DefaultMaxShards]. A Resize may have one more on its way.
	MaxShards int

	// Limits are what the service enforces and an embedded stream does not
	// need; see [KinesisLimits].
	Limits Limits

	// Hooks observe and fault operations; nil costs nothing.
	Hooks *Hooks

	// MeasureLatency fills in the latencies of [Stats], at the price of two clock
	// readings an operation.
	MeasureLatency bool

	// Clock is read for the time; nil is the real clock. It must show a time
	// after 1970, as the zero time.Time is not.
	Clock clock.Clock
}

// Limits are rules of the service that are off unless set.
type Limits struct {
	// Shard bounds the traffic of each shard. What exceeds it gets a
	// [*shard.ThrottledError].
	Shard shard.Limits

	// MinRetention is the least that retention may be; 0 is a millisecond.
	MinRetention time.Duration

	// MaxResizeFactor bounds how much larger or smaller one Resize may make the
	// stream; 0 does not.
	MaxResizeFactor int
}

// KinesisLimits are the limits of a provisioned stream of Amazon Kinesis: for
// each shard 1 MiB and 1,000 records a second in, 2 MiB and 5 reads a second
// out, 10 MiB a read; at least 24 hours of retention; resizing by at most a
// factor of 2.
func KinesisLimits() Limits {
	return Limits{
		Shard: shard.Limits{
			WriteBytes:       1 << 20,
			WriteRecords:     1000,
			ReadBytes:        2 << 20,
			ReadCalls:        5,
			ReadBytesPerCall: 10 << 20,
		},
		MinRetention:    24 * time.Hour,
		MaxResizeFactor: 2,
	}
}

// withDefaults returns c with zero fields filled in, or a [*ConfigError].
func (c Config) withDefaults() (Config, error) {
	if m := c.Limits.MinRetention; m < 0 || m > MaxRetention {
		return c, &ConfigError{Field: "Limits.MinRetention", Value: m, Min: time.Duration(0), Max: MaxRetention}
	}
	c.Limits.MinRetention = max(c.Limits.MinRetention, time.Millisecond)
	for _, f := range []struct {
		name          string
		value         *int
		def, min, max int
	}{
		{"MaxShards", &c.MaxShards, DefaultMaxShards, 1, MaxMaxShards},
		{"MaxRecordBytes", &c.MaxRecordBytes, DefaultMaxRecordBytes, 1, MaxMaxRecordBytes},
		{"MaxBatchRecords", &c.MaxBatchRecords, DefaultMaxBatchRecords, 1, 1 << 20},
		{"MaxBatchBytes", &c.MaxBatchBytes, DefaultMaxBatchBytes, 1, 1 << 30},
		{"Limits.MaxResizeFactor", &c.Limits.MaxResizeFactor, 0, 0, 1 << 20},
	} {
		if *f.value == 0 {
			*f.value = f.def
		}
		if *f.value < f.min || *f.value > f.max {
			return c, &ConfigError{Field: f.name, Value: *f.value, Min: f.min, Max: f.max}
		}
	}
	if c.Shards == 0 {
		c.Shards = 1
	}
	if c.Shards < 1 || c.Shards > c.MaxShards {
		return c, &ConfigError{Field: "Shards", Value: c.Shards, Min: 1, Max: c.MaxShards}
	}
	if c.Retention == 0 {
		c.Retention = max(DefaultRetention, c.Limits.MinRetention)
	}
	if c.Retention < c.Limits.MinRetention || c.Retention > MaxRetention {
		return c, &ConfigError{Field: "Retention", Value: c.Retention, Min: c.Limits.MinRetention, Max: MaxRetention}
	}
	if c.MaxBytes < 0 {
		return c, &ConfigError{Field: "MaxBytes", Value: c.MaxBytes, Min: 0, Max: "any"}
	}
	if c.AtMaxBytes != TrimOldest && c.AtMaxBytes != Refuse {
		return c, &ConfigError{Field: "AtMaxBytes", Value: int(c.AtMaxBytes), Min: "TrimOldest", Max: "Refuse"}
	}
	l := c.Limits.Shard
	for name, value := range map[string]int64{
		"WriteBytes": l.WriteBytes, "WriteRecords": l.WriteRecords, "ReadBytes": l.ReadBytes,
		"ReadCalls": l.ReadCalls, "ReadBytesPerCall": l.ReadBytesPerCall,
	} {
		// The upper bound keeps a bucket's arithmetic from overflowing.
		if value < 0 || value > 1<<40 {
			return c, &ConfigError{Field: "Limits.Shard." + name, Value: value, Min: 0, Max: int64(1 << 40)}
		}
	}
	if c.Clock == nil {
		c.Clock = clock.Real()
	}
	return c, nil
}
