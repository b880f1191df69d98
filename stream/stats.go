package stream

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/seed-187400e4/millrace/shard"
)

// Stats is a snapshot of what a stream has done since it was made. Fields have
// the names of the service's CloudWatch metrics, and bytes are partition keys
// and data. Counters of shards that have expired are included.
type Stats struct {
	Stream string

	IncomingBytes                      uint64
	IncomingRecords                    uint64
	ReadProvisionedThroughputExceeded  uint64 // reads refused
	WriteProvisionedThroughputExceeded uint64 // records refused

	PutRecord  PutRecordStats
	PutRecords PutRecordsStats
	GetRecords GetRecordsStats

	OpenShards     int
	Records        uint64 // live
	Bytes          int64  // live
	MemoryBytes    int64  // live, with the overhead of each record; MaxBytes bounds it
	TrimmedRecords uint64

	Shards []ShardStats // of the shards that are listed, in the order of their IDs
}

// ShardStats are a shard and what it has done.
type ShardStats struct {
	ShardInfo
	shard.Stats
}

// PutRecordStats are about single puts.
type PutRecordStats struct {
	Bytes   uint64
	Success uint64
	Latency Latency
}

// PutRecordsStats are about batches.
type PutRecordsStats struct {
	Bytes             uint64
	Success           uint64 // batches of which at least one record was stored
	TotalRecords      uint64 // records that were offered
	SuccessfulRecords uint64
	ThrottledRecords  uint64 // refused by limits of throughput
	FailedRecords     uint64 // refused for other reasons
	Latency           Latency
}

// GetRecordsStats are about reads, by whatever way.
type GetRecordsStats struct {
	Bytes       uint64
	Records     uint64
	Success     uint64        // reads
	IteratorAge time.Duration // the greatest of the shards, at the last read of each
	Latency     Latency
}

// Latency sums up how long operations took. It is zero unless
// Config.MeasureLatency is set.
type Latency struct {
	Count         uint64
	Sum, Min, Max time.Duration
}

// Average is Sum / Count, or 0.
func (l Latency) Average() time.Duration {
	if l.Count == 0 {
		return 0
	}
	return l.Sum / time.Duration(l.Count)
}

// Stats returns a snapshot of the counters.
func (s *Stream) Stats() Stats {
	s.mu.Lock()
	sum := s.gone
	shards := make([]ShardStats, 0, s.listed.Len())
	s.listed.Ascend(func(n *node) bool {
		st := n.shard.Stats()
		shards = append(shards, ShardStats{info(n.shard), st})
		sum.add(st)
		sum.GetRecords.IteratorAge = max(sum.GetRecords.IteratorAge, st.IteratorAge)
		return true
	})
	s.mu.Unlock()
	out := sum.Stats
	out.Stream, out.Shards, out.OpenShards = s.name, shards, s.OpenShards()
	out.PutRecords.Success = s.batched.success.Load()
	out.PutRecords.TotalRecords = s.batched.total.Load()
	out.PutRecords.ThrottledRecords = s.batched.throttled.Load()
	out.PutRecords.FailedRecords = s.batched.failed.Load()
	out.PutRecord.Latency = s.latencies.put.snapshot()
	out.PutRecords.Latency = s.latencies.batch.snapshot()
	out.GetRecords.Latency = s.latencies.read.snapshot()
	return out
}

// totals sums up the counters of shards.
type totals struct{ Stats }

func (t *totals) add(s shard.Stats) {
	t.IncomingBytes += s.IncomingBytes
	t.IncomingRecords += s.IncomingRecords
	t.ReadProvisionedThroughputExceeded += s.ReadProvisionedThroughputExceeded
	t.WriteProvisionedThroughputExceeded += s.WriteProvisionedThroughputExceeded
	t.PutRecord.Bytes += s.IncomingBytes - s.BatchedBytes
	t.PutRecord.Success += s.IncomingRecords - s.BatchedRecords
	t.PutRecords.Bytes += s.BatchedBytes
	t.PutRecords.SuccessfulRecords += s.BatchedRecords
	t.GetRecords.Bytes += s.OutgoingBytes
	t.GetRecords.Records += s.OutgoingRecords
	t.GetRecords.Success += s.Reads
	t.Records += s.Records
	t.Bytes += s.Bytes
	t.MemoryBytes += s.MemoryBytes
	t.TrimmedRecords += s.TrimmedRecords
}

// Metric is one figure of [Stats] under its CloudWatch name.
type Metric struct {
	Name    string // such as "GetRecords.IteratorAgeMilliseconds"
	Unit    string // Bytes, Count or Milliseconds
	ShardID string // empty for the whole stream
	Value   float64
}

// Metrics lists the figures under their CloudWatch names, stream level first,
// for an exporter. Counters are totals, not rates. Latencies are averages, and
// left out where none were measured.
func (s Stats) Metrics() []Metric {
	count := func(name string, v uint64) Metric { return Metric{Name: name, Unit: "Count", Value: float64(v)} }
	bytes := func(name string, v uint64) Metric { return Metric{Name: name, Unit: "Bytes", Value: float64(v)} }
	millis := func(name string, d time.Duration) Metric {
		return Metric{Name: name, Unit: "Milliseconds", Value: float64(d) / float64(time.Millisecond)}
	}
	list := []Metric{
		bytes("IncomingBytes", s.IncomingBytes),
		count("IncomingRecords", s.IncomingRecords),
		bytes("PutRecord.Bytes", s.PutRecord.Bytes),
		count("PutRecord.Success", s.PutRecord.Success),
		bytes("PutRecords.Bytes", s.PutRecords.Bytes),
		count("PutRecords.Success", s.PutRecords.Success),
		count("PutRecords.TotalRecords", s.PutRecords.TotalRecords),
		count("PutRecords.SuccessfulRecords", s.PutRecords.SuccessfulRecords),
		count("PutRecords.ThrottledRecords", s.PutRecords.ThrottledRecords),
		count("PutRecords.FailedRecords", s.PutRecords.FailedRecords),
		bytes("GetRecords.Bytes", s.GetRecords.Bytes),
		count("GetRecords.Records", s.GetRecords.Records),
		count("GetRecords.Success", s.GetRecords.Success),
		millis("GetRecords.IteratorAgeMilliseconds", s.GetRecords.IteratorAge),
		count("ReadProvisionedThroughputExceeded", s.ReadProvisionedThroughputExceeded),
		count("WriteProvisionedThroughputExceeded", s.WriteProvisionedThroughputExceeded),
	}
	for _, l := range []struct {
		name    string
		latency Latency
	}{
		{"PutRecord.Latency", s.PutRecord.Latency},
		{"PutRecords.Latency", s.PutRecords.Latency},
		{"GetRecords.Latency", s.GetRecords.Latency},
	} {
		if l.latency.Count > 0 {
			list = append(list, millis(l.name, l.latency.Average()))
		}
	}
	for _, sh := range s.Shards {
		for _, m := range []Metric{
			bytes("IncomingBytes", sh.IncomingBytes),
			count("IncomingRecords", sh.IncomingRecords),
			bytes("OutgoingBytes", sh.OutgoingBytes),
			count("OutgoingRecords", sh.OutgoingRecords),
			millis("IteratorAgeMilliseconds", sh.IteratorAge),
			count("ReadProvisionedThroughputExceeded", sh.ReadProvisionedThroughputExceeded),
			count("WriteProvisionedThroughputExceeded", sh.WriteProvisionedThroughputExceeded),
		} {
			m.ShardID = sh.ShardID
			list = append(list, m)
		}
	}
	return list
}

// batchCounters are what shards cannot know about batches.
type batchCounters struct{ success, total, throttled, failed atomic.Uint64 }

func (c *batchCounters) count(r BatchResult) {
	total := uint64(len(r.Results))
	c.total.Add(total)
	if uint64(r.Failed) < total {
		c.success.Add(1)
	}
	if r.Failed == 0 {
		return
	}
	for i := range r.Results {
		switch err := r.Results[i].Err; {
		case errors.Is(err, ErrThrottled):
			c.throttled.Add(1)
		case err != nil:
			c.failed.Add(1)
		}
	}
}

// latencies are of the operations that are measured.
type latencies struct{ put, batch, read latency }

// latency collects durations in nanoseconds.
type latency struct {
	count, sum atomic.Int64
	min, max   atomic.Int64 // min is stored plus one, so that 0 is none yet
}

func (l *latency) observe(s *Stream, start time.Time) {
	if start.IsZero() {
		return
	}
	d := max(0, int64(s.cfg.Clock.Now().Sub(start)))
	l.count.Add(1)
	l.sum.Add(d)
	for least := l.min.Load(); (least == 0 || d+1 < least) && !l.min.CompareAndSwap(least, d+1); {
		least = l.min.Load()
	}
	for most := l.max.Load(); d > most && !l.max.CompareAndSwap(most, d); {
		most = l.max.Load()
	}
}

func (l *latency) snapshot() Latency {
	return Latency{
		Count: uint64(l.count.Load()),
		Sum:   time.Duration(l.sum.Load()),
		Min:   time.Duration(max(0, l.min.Load()-1)),
		Max:   time.Duration(l.max.Load()),
	}
}
