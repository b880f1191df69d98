package model

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Config has the bounds of a stream. Times are in milliseconds.
type Config struct {
	Shards          int
	Retention       int64
	MinRetention    int64
	MaxRetention    int64
	MaxRecordBytes  int
	MaxBatchRecords int
	MaxBatchBytes   int
	MaxShards       int
	MaxBytes        int64 // 0 is no bound
	Overhead        int64 // bytes that a record takes beside its key and data
}

// Stream is the oracle. Make one with [New].
type Stream struct {
	Config

	Now     int64 // Unix milliseconds
	Created int64
	Shards  []*Shard // all that ever were, by index
	Closed  bool
}

// Shard is a shard, from its making to the end of the test.
type Shard struct {
	Index      int
	Start, End *big.Int
	Parents    []*Shard
	Children   []*Shard

	Open     bool
	Expired  bool // no longer listed
	Created  int64
	ClosedAt int64
	Creation int64 // the second in its sequence numbers

	Records []*Record // all that were ever put, the record with index 1 first
	Horizon uint64    // index of the oldest record that is not trimmed
}

// Record is a stored record.
type Record struct {
	Shard   *Shard
	Index   uint64 // in its shard, from 1
	Key     string
	Data    []byte
	Arrival int64
	Number  *big.Int
}

// New returns a stream made at the time now, with its shards as the service
// divides the hash keys: all of floor(2^128/n) keys, but the last, which ends at
// 2^128-1.
func New(cfg Config, now int64) *Stream {
	s := &Stream{Config: cfg, Now: now, Created: now}
	for i := range cfg.Shards {
		start, end := Even(cfg.Shards, i)
		s.Shards = append(s.Shards, &Shard{
			Index:    i,
			Start:    start,
			End:      end,
			Open:     true,
			Created:  now,
			Creation: now / 1000,
			Horizon:  1,
		})
	}
	return s
}

// Even is the range of shard i of a fresh stream of n.
func Even(n, i int) (start, end *big.Int) {
	size := new(big.Int).Div(keys(), big.NewInt(int64(n)))
	start = new(big.Int).Mul(size, big.NewInt(int64(i)))
	if i == n-1 {
		return start, MaxKey()
	}
	return start, minus1(new(big.Int).Add(start, size))
}

// MaxKey is 2^128-1.
func MaxKey() *big.Int { return minus1(keys()) }

func keys() *big.Int { return new(big.Int).Lsh(big.NewInt(1), 128) }

func plus1(n *big.Int) *big.Int { return new(big.Int).Add(n, big.NewInt(1)) }

func minus1(n *big.Int) *big.Int { return new(big.Int).Sub(n, big.NewInt(1)) }

// OpenShards are the shards that take records, in the order of their ranges.
func (s *Stream) OpenShards() []*Shard {
	var open []*Shard
	for _, sh := range s.Shards {
		if sh.Open {
			open = append(open, sh)
		}
	}
	slices.SortFunc(open, func(a, b *Shard) int { return a.Start.Cmp(b.Start) })
	return open
}

// Find is the listed shard that an ID names: the text between the first and the
// second hyphen, or all of it where that is empty, must be digits.
func (s *Stream) Find(id string) (*Shard, Kind) {
	index, ok := ParseID(id)
	if !ok || index >= len(s.Shards) || s.Shards[index].Expired {
		return nil, ShardNotFound
	}
	return s.Shards[index], OK
}

// ParseID is the index in the ID of a shard.
func ParseID(id string) (int, bool) {
	text := id
	if parts := strings.Split(id, "-"); len(parts) > 1 && parts[1] != "" {
		text = parts[1]
	}
	if strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	index, err := strconv.ParseInt(text, 10, 32)
	return int(index), err == nil
}

// Tail is the index that the next record would have.
func (sh *Shard) Tail() uint64 { return uint64(len(sh.Records)) + 1 }

// Live are the records that can be read.
func (sh *Shard) Live() []*Record { return sh.Records[sh.Horizon-1:] }

// Bytes are what the records that can be read take.
func (s *Stream) Bytes() int64 {
	total := int64(0)
	for _, sh := range s.Shards {
		for _, r := range sh.Live() {
			total += s.size(r.Key, r.Data)
		}
	}
	return total
}

func (s *Stream) size(key string, data []byte) int64 {
	return int64(len(key)+len(data)) + s.Overhead
}
