package model

import (
	"crypto/md5"
	"math/big"
	"slices"
	"unicode/utf8"
)

// Entry is a record to be put.
type Entry struct {
	Key     string
	HashKey *big.Int // explicit, or nil
	Data    []byte
}

// HashKey is the MD5 of a partition key.
func HashKey(key string) *big.Int {
	sum := md5.Sum([]byte(key))
	return new(big.Int).SetBytes(sum[:])
}

// Route is the open shard that owns a hash key.
func (s *Stream) Route(key *big.Int) *Shard {
	for _, sh := range s.Shards {
		if sh.Open && sh.Start.Cmp(key) <= 0 && key.Cmp(sh.End) <= 0 {
			return sh
		}
	}
	panic("no open shard owns " + key.String())
}

// Admit says whether an entry may be put, memory apart.
func (s *Stream) Admit(e Entry) Kind {
	switch {
	case e.Key == "" || utf8.RuneCountInString(e.Key) > 256:
		return PartitionKey
	case len(e.Key)+len(e.Data) > s.MaxRecordBytes:
		return RecordTooLarge
	case s.Closed:
		return Closed
	case s.MaxBytes > 0 && s.Need(e) > s.MaxBytes:
		return Full
	}
	return OK
}

// Need is what an entry takes of the bound on memory.
func (s *Stream) Need(e Entry) int64 { return s.size(e.Key, e.Data) }

// Put stores an entry that is admitted.
func (s *Stream) Put(e Entry) (*Record, Kind) {
	if kind := s.Admit(e); kind != OK {
		return nil, kind
	}
	key := e.HashKey
	if key == nil {
		key = HashKey(e.Key)
	}
	sh := s.Route(key)
	r := &Record{
		Shard:   sh,
		Index:   sh.Tail(),
		Key:     e.Key,
		Data:    slices.Clone(e.Data),
		Arrival: s.Now,
		Number:  Number(sh.Creation, sh.Index, sh.Tail(), s.Now/1000),
	}
	sh.Records = append(sh.Records, r)
	return r, OK
}

// AdmitBatch says whether a batch may be put; its entries are then put or
// refused one by one.
func (s *Stream) AdmitBatch(entries []Entry) Kind {
	bytes := 0
	for _, e := range entries {
		bytes += len(e.Key) + len(e.Data)
	}
	switch {
	case len(entries) > s.MaxBatchRecords || bytes > s.MaxBatchBytes:
		return BatchTooLarge
	case s.Closed:
		return Closed
	}
	return OK
}
