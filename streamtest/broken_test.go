package streamtest_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
	"github.com/seed-187400e4/millrace/streamtest"
)

// faulty is an engine with a fault in one place or other. What is nil works.
type faulty struct {
	stream.Engine
	put      func(ctx context.Context, e stream.Entry) (stream.Receipt, error)
	putBatch func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error)
	list     func(ctx context.Context, req stream.ListShardsRequest) (stream.ListShardsPage, error)
	open     func(ctx context.Context, shardID string, p stream.Position) (stream.ShardReader, error)
	split    func(ctx context.Context, shardID string, at hashkey.Key) (lower, upper stream.ShardInfo, err error)
	merge    func(ctx context.Context, shardID, adjacentID string) (stream.ShardInfo, error)
	resize   func(ctx context.Context, n int) error
}

func (f *faulty) Put(ctx context.Context, e stream.Entry) (stream.Receipt, error) {
	if f.put != nil {
		return f.put(ctx, e)
	}
	return f.Engine.Put(ctx, e)
}

func (f *faulty) PutBatch(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
	if f.putBatch != nil {
		return f.putBatch(ctx, entries)
	}
	return f.Engine.PutBatch(ctx, entries)
}

func (f *faulty) ListShards(ctx context.Context, req stream.ListShardsRequest) (stream.ListShardsPage, error) {
	if f.list != nil {
		return f.list(ctx, req)
	}
	return f.Engine.ListShards(ctx, req)
}

func (f *faulty) Open(ctx context.Context, shardID string, p stream.Position) (stream.ShardReader, error) {
	if f.open != nil {
		return f.open(ctx, shardID, p)
	}
	return f.Engine.Open(ctx, shardID, p)
}

func (f *faulty) Split(ctx context.Context, shardID string, at hashkey.Key) (lower, upper stream.ShardInfo, err error) {
	if f.split != nil {
		return f.split(ctx, shardID, at)
	}
	return f.Engine.Split(ctx, shardID, at)
}

func (f *faulty) Merge(ctx context.Context, shardID, adjacentID string) (stream.ShardInfo, error) {
	if f.merge != nil {
		return f.merge(ctx, shardID, adjacentID)
	}
	return f.Engine.Merge(ctx, shardID, adjacentID)
}

func (f *faulty) Resize(ctx context.Context, n int) error {
	if f.resize != nil {
		return f.resize(ctx, n)
	}
	return f.Engine.Resize(ctx, n)
}

// faultyReader is a reader with a fault. What is nil works.
type faultyReader struct {
	stream.ShardReader
	read func(ctx context.Context, dst []stream.Record) (int, error)
	next func(ctx context.Context, dst []stream.Record) (int, error)
	lag  func() time.Duration
}

func (r *faultyReader) Read(ctx context.Context, dst []stream.Record) (int, error) {
	if r.read != nil {
		return r.read(ctx, dst)
	}
	return r.ShardReader.Read(ctx, dst)
}

func (r *faultyReader) Next(ctx context.Context, dst []stream.Record) (int, error) {
	if r.next != nil {
		return r.next(ctx, dst)
	}
	return r.ShardReader.Next(ctx, dst)
}

func (r *faultyReader) Lag() time.Duration {
	if r.lag != nil {
		return r.lag()
	}
	return r.ShardReader.Lag()
}

// readers returns an engine whose readers are what f makes of good ones.
func readers(e stream.Engine, f func(r stream.ShardReader, p stream.Position) *faultyReader) *faulty {
	return &faulty{Engine: e, open: func(ctx context.Context, shardID string, p stream.Position) (stream.ShardReader, error) {
		r, err := e.Open(ctx, shardID, p)
		if err != nil {
			return nil, err
		}
		return f(r, p), nil
	}}
}

// edited returns an engine whose readers change the records that they read.
func edited(e stream.Engine, edit func(r *stream.Record)) *faulty {
	return readers(e, func(r stream.ShardReader, _ stream.Position) *faultyReader {
		through := func(read func(context.Context, []stream.Record) (int, error)) func(context.Context, []stream.Record) (int, error) {
			return func(ctx context.Context, dst []stream.Record) (int, error) {
				n, err := read(ctx, dst)
				for i := range dst[:n] {
					edit(&dst[i])
				}
				return n, err
			}
		}
		return &faultyReader{ShardReader: r, read: through(r.Read), next: through(r.Next)}
	})
}

// positioned returns an engine that opens at other positions than it is asked.
func positioned(e stream.Engine, edit func(p stream.Position) stream.Position) *faulty {
	return &faulty{Engine: e, open: func(ctx context.Context, shardID string, p stream.Position) (stream.ShardReader, error) {
		return e.Open(ctx, shardID, edit(p))
	}}
}

// untyped hides the kind of an error.
func untyped(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.New("something went wrong")
}

// noResharding refuses to reshard.
type noResharding struct{ stream.Engine }

func (noResharding) Split(context.Context, string, hashkey.Key) (lower, upper stream.ShardInfo, err error) {
	return stream.ShardInfo{}, stream.ShardInfo{}, errLame
}

func (noResharding) Merge(context.Context, string, string) (stream.ShardInfo, error) {
	return stream.ShardInfo{}, errLame
}

func (noResharding) Resize(context.Context, int) error { return errLame }

// forgetful never shows every seventh record of a shard.
type forgetful struct{ stream.Engine }

func (f forgetful) Open(ctx context.Context, shardID string, p stream.Position) (stream.ShardReader, error) {
	return readers(f.Engine, func(r stream.ShardReader, _ stream.Position) *faultyReader {
		kept := func(read func(context.Context, []stream.Record) (int, error)) func(context.Context, []stream.Record) (int, error) {
			return func(ctx context.Context, dst []stream.Record) (int, error) {
				n, err := read(ctx, dst)
				left := slices.DeleteFunc(dst[:n:n], func(r stream.Record) bool {
					f, err := r.SequenceNumber.Fields()
					return err == nil && f.RecordIndex%7 == 0
				})
				return len(left), err
			}
		}
		return &faultyReader{ShardReader: r, read: kept(r.Read), next: kept(r.Next)}
	}).Open(ctx, shardID, p)
}

// Each fault is found by the checks that are about it, or the suite would let
// such an engine pass.
func TestBrokenEnginesFail(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault   string
		engine  func(e stream.Engine) stream.Engine
		foundBy []string // at least
	}{
		{
			"drops records", func(e stream.Engine) stream.Engine { return forgetful{e} },
			[]string{
				"a record is read as it was put", "a batch keeps the order of each partition key", "readers see every record once, with whatever room they give",
				"no record is lost or out of order beside resharding", "a reader beside writers sees every record once and in order",
			},
		},
		{
			"stores records twice", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, put: func(ctx context.Context, entry stream.Entry) (stream.Receipt, error) {
					if _, err := e.Put(ctx, entry); err != nil {
						return stream.Receipt{}, err
					}
					return e.Put(ctx, entry)
				}}
			},
			[]string{"a record is read as it was put", "a refused record leaves no trace", "a record lands in the shard that owns its hash key"},
		},
		{
			"stores a batch backwards", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, putBatch: func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
					turned := slices.Clone(entries)
					slices.Reverse(turned)
					result, err := e.PutBatch(ctx, turned)
					slices.Reverse(result.Results)
					return result, err
				}}
			},
			[]string{"a batch keeps the order of each partition key", "a batch stores what it can and says what it refused"},
		},
		{
			"mixes up the results of a batch", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, putBatch: func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
					result, err := e.PutBatch(ctx, entries)
					if len(result.Results) > 1 {
						result.Results[0], result.Results[1] = result.Results[1], result.Results[0]
					}
					return result, err
				}}
			},
			[]string{"a batch stores what it can and says what it refused", "a record lands in the shard that owns its hash key"},
		},
		{
			"reads records out of order", func(e stream.Engine) stream.Engine {
				return readers(e, func(r stream.ShardReader, _ stream.Position) *faultyReader {
					return &faultyReader{ShardReader: r, read: func(ctx context.Context, dst []stream.Record) (int, error) {
						n, err := r.Read(ctx, dst)
						slices.Reverse(dst[:n])
						return n, err
					}}
				})
			},
			[]string{"a record is read as it was put", "sequence numbers rise in the order of puts", "readers see every record once, with whatever room they give"},
		},
		{
			"routes by a hash of its own", func(e stream.Engine) stream.Engine {
				wrong := func(entry *stream.Entry) {
					if entry.ExplicitHashKey == nil && entry.PartitionKey != "" {
						key := hashkey.FromPartitionKey("salt" + entry.PartitionKey)
						entry.ExplicitHashKey = &key
					}
				}
				return &faulty{
					Engine: e,
					put: func(ctx context.Context, entry stream.Entry) (stream.Receipt, error) {
						wrong(&entry)
						return e.Put(ctx, entry)
					},
					putBatch: func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
						entries = slices.Clone(entries)
						for i := range entries {
							wrong(&entries[i])
						}
						return e.PutBatch(ctx, entries)
					},
				}
			},
			[]string{"a record lands in the shard that owns its hash key", "an explicit hash key decides, up to the borders of a range"},
		},
		{
			"ignores explicit hash keys", func(e stream.Engine) stream.Engine {
				return &faulty{
					Engine: e,
					put: func(ctx context.Context, entry stream.Entry) (stream.Receipt, error) {
						entry.ExplicitHashKey = nil
						return e.Put(ctx, entry)
					},
				}
			},
			[]string{"an explicit hash key decides, up to the borders of a range"},
		},
		{
			"is off by one at the end of a range", func(e stream.Engine) stream.Engine {
				return &faulty{
					Engine: e,
					putBatch: func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
						entries = slices.Clone(entries)
						for i := range entries {
							if key := entries[i].ExplicitHashKey; key != nil {
								if next, ok := key.Next(); ok {
									entries[i].ExplicitHashKey = &next
								}
							}
						}
						return e.PutBatch(ctx, entries)
					},
				}
			},
			[]string{"an explicit hash key decides, up to the borders of a range"},
		},
		{
			"keeps the caller's buffer", func(e stream.Engine) stream.Engine {
				var mu sync.Mutex
				kept := map[stream.SequenceNumber][]byte{}
				f := edited(e, func(r *stream.Record) {
					mu.Lock()
					defer mu.Unlock()
					if data, found := kept[r.SequenceNumber]; found {
						r.Data = data
					}
				})
				f.put = func(ctx context.Context, entry stream.Entry) (stream.Receipt, error) {
					receipt, err := e.Put(ctx, entry)
					if err == nil && len(entry.Data) > 0 {
						mu.Lock()
						defer mu.Unlock()
						kept[receipt.SequenceNumber] = entry.Data
					}
					return receipt, err
				}
				return f
			},
			[]string{"what the caller does with its buffer after a put has no effect"},
		},
		{
			"uses memory again that it has handed out", func(e stream.Engine) stream.Engine {
				return readers(e, func(r stream.ShardReader, _ stream.Position) *faultyReader {
					buf := make([]byte, 0, 1<<21)
					return &faultyReader{ShardReader: r, read: func(ctx context.Context, dst []stream.Record) (int, error) {
						n, err := r.Read(ctx, dst)
						if cap(buf)-len(buf) < 1<<20 {
							buf = buf[:0]
						}
						if n > 0 && len(dst[0].Data) < 1000 {
							buf = buf[:0]
						}
						for i := range dst[:n] {
							at := len(buf)
							buf = append(buf, dst[i].Data...)
							dst[i].Data = buf[at:len(buf):len(buf)]
						}
						if n > 0 && len(dst[0].Data) >= 1000 {
							clear(buf[:100])
						}
						return n, err
					}}
				})
			},
			[]string{"what was read never changes"},
		},
		{
			"returns nil for empty data", func(e stream.Engine) stream.Engine {
				return edited(e, func(r *stream.Record) {
					if len(r.Data) == 0 {
						r.Data = nil
					}
				})
			},
			[]string{"a record is read as it was put"},
		},
		{
			"stores text rather than bytes", func(e stream.Engine) stream.Engine {
				return edited(e, func(r *stream.Record) { r.Data = bytes.ToValidUTF8(r.Data, []byte("\uFFFD")) })
			},
			[]string{"a record is read as it was put"},
		},
		{
			"cuts long partition keys", func(e stream.Engine) stream.Engine {
				return edited(e, func(r *stream.Record) { r.PartitionKey = r.PartitionKey[:min(len(r.PartitionKey), 256)] })
			},
			[]string{"a record is read as it was put"},
		},
		{
			"has no arrival times", func(e stream.Engine) stream.Engine {
				return edited(e, func(r *stream.Record) { r.ArrivalTime = time.Time{} })
			},
			[]string{"a record is read as it was put"},
		},
		{
			"fails a batch as a whole", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, putBatch: func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
					for _, entry := range entries {
						if err := shard.CheckPartitionKey(entry.PartitionKey); err != nil {
							return stream.BatchResult{}, err
						}
					}
					return e.PutBatch(ctx, entries)
				}}
			},
			[]string{"a batch stores what it can and says what it refused"},
		},
		{
			"does not count what failed", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, putBatch: func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
					result, err := e.PutBatch(ctx, entries)
					result.Failed = 0
					return result, err
				}}
			},
			[]string{"a batch stores what it can and says what it refused"},
		},
		{
			"stores a part of what it refuses", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, put: func(ctx context.Context, entry stream.Entry) (stream.Receipt, error) {
					receipt, err := e.Put(ctx, entry)
					if errors.Is(err, stream.ErrPartitionKey) || errors.Is(err, stream.ErrRecordTooLarge) {
						_, _ = e.Put(ctx, stream.Entry{PartitionKey: "a part", Data: entry.Data[:1]})
					}
					return receipt, err
				}}
			},
			[]string{"a refused record leaves no trace", "the largest record is taken and a byte more is refused"},
		},
		{
			"takes batches of any size", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, putBatch: func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
					var all stream.BatchResult
					for part := range slices.Chunk(entries, 500) {
						result, err := e.PutBatch(ctx, part)
						if err != nil {
							return all, err
						}
						all.Results = append(all.Results, result.Results...)
						all.Failed += result.Failed
					}
					return all, ctx.Err()
				}}
			},
			[]string{"a batch beyond its bound is refused as a whole"},
		},
		{
			"counts partition keys in bytes", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, put: func(ctx context.Context, entry stream.Entry) (stream.Receipt, error) {
					if len(entry.PartitionKey) > 256 {
						return stream.Receipt{}, &shard.PartitionKeyError{Chars: len(entry.PartitionKey)}
					}
					return e.Put(ctx, entry)
				}}
			},
			[]string{"a record is read as it was put"},
		},
		{
			"does not count the partition key of a record", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, put: func(ctx context.Context, entry stream.Entry) (stream.Receipt, error) {
					if len(entry.Data) > stream.DefaultMaxRecordBytes-100 {
						entry.Data = entry.Data[:len(entry.Data)-10]
					}
					return e.Put(ctx, entry)
				}}
			},
			[]string{"the largest record is taken and a byte more is refused"},
		},
		{
			"gives numbers that do not rise", func(e stream.Engine) stream.Engine {
				// Every tenth pair of records swaps its numbers.
				swap := func(n stream.SequenceNumber) stream.SequenceNumber {
					f, err := n.Fields()
					if err != nil || f.RecordIndex%10 > 1 || f.RecordIndex < 10 {
						return n
					}
					return number(f.Creation.Unix(), f.ShardIndex, f.RecordIndex^1, f.Arrival.Unix())
				}
				f := edited(e, func(r *stream.Record) { r.SequenceNumber = swap(r.SequenceNumber) })
				f.put = func(ctx context.Context, entry stream.Entry) (stream.Receipt, error) {
					receipt, err := e.Put(ctx, entry)
					receipt.SequenceNumber = swap(receipt.SequenceNumber)
					return receipt, err
				}
				f.putBatch = func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
					result, err := e.PutBatch(ctx, entries)
					for i := range result.Results {
						if result.Results[i].Err == nil {
							result.Results[i].SequenceNumber = swap(result.Results[i].SequenceNumber)
						}
					}
					return result, err
				}
				return f
			},
			[]string{
				"sequence numbers rise in the order of puts", "a batch keeps the order of each partition key",
				"a reader beside writers sees every record once and in order",
			},
		},
		{
			"numbers children below their parents", func(e stream.Engine) stream.Engine {
				below := func(n stream.SequenceNumber) stream.SequenceNumber {
					f, err := n.Fields()
					if err != nil || n.IsZero() {
						return n
					}
					return number(f.Creation.Unix()-int64(10*f.ShardIndex), f.ShardIndex, f.RecordIndex, f.Arrival.Unix())
				}
				f := edited(e, func(r *stream.Record) { r.SequenceNumber = below(r.SequenceNumber) })
				f.put = func(ctx context.Context, entry stream.Entry) (stream.Receipt, error) {
					receipt, err := e.Put(ctx, entry)
					receipt.SequenceNumber = below(receipt.SequenceNumber)
					return receipt, err
				}
				return f
			},
			[]string{"the numbers of a key rise across splits and merges", "no record is lost or out of order beside resharding"},
		},
		{
			"consumes what it reads", func(e stream.Engine) stream.Engine {
				var mu sync.Mutex
				opened := map[string]stream.ShardReader{}
				return &faulty{Engine: e, open: func(ctx context.Context, shardID string, p stream.Position) (stream.ShardReader, error) {
					r, err := e.Open(ctx, shardID, p)
					if err != nil {
						return nil, err
					}
					mu.Lock()
					defer mu.Unlock()
					if first, found := opened[shardID]; found {
						return first, nil
					}
					opened[shardID] = r
					return r, nil
				}}
			},
			[]string{"readers see every record once, with whatever room they give"},
		},
		{
			"reads the last record of a page again", func(e stream.Engine) stream.Engine {
				return readers(e, func(r stream.ShardReader, _ stream.Position) *faultyReader {
					var last []stream.Record
					return &faultyReader{ShardReader: r, read: func(ctx context.Context, dst []stream.Record) (int, error) {
						n, err := r.Read(ctx, dst)
						if n == len(dst) && n > 1 && len(last) == 1 {
							n = copy(dst, append(last, dst[:n-1]...))
							last = nil
						} else if n > 0 {
							last = []stream.Record{dst[n-1]}
						}
						return n, err
					}}
				})
			},
			[]string{"readers see every record once, with whatever room they give"},
		},
		{
			"takes LATEST for TRIM_HORIZON", func(e stream.Engine) stream.Engine {
				return positioned(e, func(p stream.Position) stream.Position {
					if p.Type == shard.PositionTrimHorizon {
						return stream.Latest()
					}
					return p
				})
			},
			[]string{"a record is read as it was put", "positions in a shard with one record"},
		},
		{
			"takes TRIM_HORIZON for LATEST", func(e stream.Engine) stream.Engine {
				return positioned(e, func(p stream.Position) stream.Position {
					if p.Type == shard.PositionLatest {
						return stream.TrimHorizon()
					}
					return p
				})
			},
			[]string{"positions in a shard with one record", "positions in a shard with many records", "positions in a closed shard with many records"},
		},
		{
			"resolves LATEST at the first read", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, open: func(ctx context.Context, shardID string, p stream.Position) (stream.ShardReader, error) {
					r, err := e.Open(ctx, shardID, p)
					if err != nil || p.Type != shard.PositionLatest {
						return r, err
					}
					resolved := false
					return &faultyReader{ShardReader: r, read: func(ctx context.Context, dst []stream.Record) (int, error) {
						if !resolved {
							resolved = true
							if r, err = e.Open(ctx, shardID, p); err != nil {
								return 0, err
							}
						}
						return r.Read(ctx, dst)
					}}, nil
				}}
			},
			[]string{"positions in an empty shard", "positions in a shard with many records"},
		},
		{
			"takes AT for AFTER", func(e stream.Engine) stream.Engine {
				return positioned(e, func(p stream.Position) stream.Position {
					if p.Type == shard.PositionAfterSequenceNumber {
						return stream.AtSequenceNumber(p.SequenceNumber)
					}
					return p
				})
			},
			[]string{"positions in a shard with one record", "positions in a closed shard without records"},
		},
		{
			"takes AFTER for AT", func(e stream.Engine) stream.Engine {
				return positioned(e, func(p stream.Position) stream.Position {
					if p.Type == shard.PositionAtSequenceNumber {
						return stream.AfterSequenceNumber(p.SequenceNumber)
					}
					return p
				})
			},
			[]string{"positions in a shard with one record"},
		},
		{
			"is a millisecond late", func(e stream.Engine) stream.Engine {
				return positioned(e, func(p stream.Position) stream.Position {
					if p.Type == shard.PositionAtTimestamp && p.Timestamp.Before(time.Now().Add(-time.Millisecond)) {
						return stream.AtTimestamp(p.Timestamp.Add(time.Millisecond))
					}
					return p
				})
			},
			[]string{"positions in a shard with many records"},
		},
		{
			"takes the future for now", func(e stream.Engine) stream.Engine {
				return positioned(e, func(p stream.Position) stream.Position {
					if p.Timestamp.After(time.Now()) {
						return stream.Latest()
					}
					return p
				})
			},
			[]string{"positions that have no place in a shard are refused"},
		},
		{
			"takes numbers of other shards", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, open: func(ctx context.Context, shardID string, p stream.Position) (stream.ShardReader, error) {
					r, err := e.Open(ctx, shardID, p)
					if errors.Is(err, stream.ErrSequenceNumber) {
						return e.Open(ctx, shardID, stream.TrimHorizon())
					}
					return r, err
				}}
			},
			[]string{
				"positions that have no place in a shard are refused",
				"positions in a closed shard without records", "positions in a closed shard with many records",
			},
		},
		{
			"does not wait in Next", func(e stream.Engine) stream.Engine {
				return readers(e, func(r stream.ShardReader, _ stream.Position) *faultyReader {
					return &faultyReader{ShardReader: r, next: r.Read}
				})
			},
			[]string{"Next waits for a put", "Next ends with the error of its context", "Next ends when its shard is closed"},
		},
		{
			"does not wake a waiting reader", func(e stream.Engine) stream.Engine {
				return readers(e, func(r stream.ShardReader, _ stream.Position) *faultyReader {
					return &faultyReader{ShardReader: r, next: func(ctx context.Context, dst []stream.Record) (int, error) {
						if n, err := r.Read(ctx, dst); n > 0 || err != nil {
							return n, err
						}
						<-ctx.Done()
						return 0, ctx.Err()
					}}
				})
			},
			[]string{"Next waits for a put", "Next ends when its shard is closed"},
		},
		{
			"ends Next with an error of its own", func(e stream.Engine) stream.Engine {
				return readers(e, func(r stream.ShardReader, _ stream.Position) *faultyReader {
					return &faultyReader{ShardReader: r, next: func(ctx context.Context, dst []stream.Record) (int, error) {
						n, err := r.Next(ctx, dst)
						if ctx.Err() != nil {
							return 0, errLame
						}
						return n, err
					}}
				})
			},
			[]string{"Next ends with the error of its context"},
		},
		{
			"is always behind", func(e stream.Engine) stream.Engine {
				return readers(e, func(r stream.ShardReader, _ stream.Position) *faultyReader {
					return &faultyReader{ShardReader: r, lag: func() time.Duration { return time.Second }}
				})
			},
			[]string{"a reader that has read all is not behind"},
		},
		{
			"does not end a closed shard", func(e stream.Engine) stream.Engine {
				return readers(e, func(r stream.ShardReader, _ stream.Position) *faultyReader {
					return &faultyReader{ShardReader: r, read: func(ctx context.Context, dst []stream.Record) (int, error) {
						n, err := r.Read(ctx, dst)
						if errors.Is(err, stream.ErrEndOfShard) {
							err = nil
						}
						return n, err
					}}
				})
			},
			[]string{
				"positions in a closed shard without records", "a split gives two children the parent's hash keys", "a closed shard takes no record",
				"no record is lost or out of order beside resharding",
			},
		},
		{
			"does not name the children", func(e stream.Engine) stream.Engine {
				return readers(e, func(r stream.ShardReader, _ stream.Position) *faultyReader {
					return &faultyReader{ShardReader: r, read: func(ctx context.Context, dst []stream.Record) (int, error) {
						n, err := r.Read(ctx, dst)
						if end, ok := errors.AsType[*shard.EndOfShardError](err); ok {
							err = &shard.EndOfShardError{ShardID: end.ShardID, ClosedAt: end.ClosedAt}
						}
						return n, err
					}}
				})
			},
			[]string{"a split gives two children the parent's hash keys", "a merge gives one child the hash keys of both parents"},
		},
		{
			"hides the kinds of its errors", func(e stream.Engine) stream.Engine {
				return &faulty{
					Engine: e,
					put: func(ctx context.Context, entry stream.Entry) (stream.Receipt, error) {
						receipt, err := e.Put(ctx, entry)
						return receipt, untyped(err)
					},
					putBatch: func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
						result, err := e.PutBatch(ctx, entries)
						for i := range result.Results {
							result.Results[i].Err = untyped(result.Results[i].Err)
						}
						return result, untyped(err)
					},
					list: func(ctx context.Context, req stream.ListShardsRequest) (stream.ListShardsPage, error) {
						page, err := e.ListShards(ctx, req)
						return page, untyped(err)
					},
					open: func(ctx context.Context, shardID string, p stream.Position) (stream.ShardReader, error) {
						r, err := e.Open(ctx, shardID, p)
						return r, untyped(err)
					},
					split: func(ctx context.Context, shardID string, at hashkey.Key) (lower, upper stream.ShardInfo, err error) {
						lower, upper, err = e.Split(ctx, shardID, at)
						return lower, upper, untyped(err)
					},
					merge: func(ctx context.Context, shardID, adjacentID string) (stream.ShardInfo, error) {
						child, err := e.Merge(ctx, shardID, adjacentID)
						return child, untyped(err)
					},
					resize: func(ctx context.Context, n int) error { return untyped(e.Resize(ctx, n)) },
				}
			},
			[]string{
				"shards are listed in pages", "the largest record is taken and a byte more is refused", "a refused record leaves no trace",
				"a batch stores what it can and says what it refused", "a batch beyond its bound is refused as a whole",
				"positions that have no place in a shard are refused", "a split that cannot be changes nothing", "a merge that cannot be changes nothing",
				"Resize gives shards of equal share",
			},
		},
		{
			"ignores the context of puts", func(e stream.Engine) stream.Engine {
				return &faulty{
					Engine: e,
					put: func(ctx context.Context, entry stream.Entry) (stream.Receipt, error) {
						return e.Put(context.WithoutCancel(ctx), entry)
					},
				}
			},
			[]string{"a cancelled context stops every call before it does anything"},
		},
		{
			"works first and looks at the context afterwards", func(e stream.Engine) stream.Engine {
				return &faulty{
					Engine: e,
					putBatch: func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
						result, err := e.PutBatch(context.WithoutCancel(ctx), entries)
						return result, cmp.Or(ctx.Err(), err)
					},
				}
			},
			[]string{"a cancelled context stops every call before it does anything"},
		},
		{
			"ignores the context of resharding", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, resize: func(ctx context.Context, n int) error {
					return e.Resize(context.WithoutCancel(ctx), n)
				}}
			},
			[]string{"a cancelled context stops every call before it does anything"},
		},
		{
			"lists everything on one page", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, list: func(ctx context.Context, req stream.ListShardsRequest) (stream.ListShardsPage, error) {
					if req.MaxResults > 0 && req.MaxResults < 100 {
						req.MaxResults = 100
					}
					return e.ListShards(ctx, req)
				}}
			},
			[]string{"shards are listed in pages"},
		},
		{
			"says that there is a page after the last", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, list: func(ctx context.Context, req stream.ListShardsRequest) (stream.ListShardsPage, error) {
					page, err := e.ListShards(ctx, req)
					if page.Next == "" && len(page.Shards) > 0 {
						page.Next = page.Shards[len(page.Shards)-1].ID
					}
					return page, err
				}}
			},
			[]string{"shards are listed in pages"},
		},
		{
			"ignores filters", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, list: func(ctx context.Context, req stream.ListShardsRequest) (stream.ListShardsPage, error) {
					if req.Filter.Type > stream.AtLatest {
						req.Filter = stream.ShardFilter{}
					}
					return e.ListShards(ctx, req)
				}}
			},
			[]string{"filters choose shards by when they were open"},
		},
		{
			"lists in any order", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, list: func(ctx context.Context, req stream.ListShardsRequest) (stream.ListShardsPage, error) {
					page, err := e.ListShards(ctx, req)
					slices.Reverse(page.Shards)
					return page, err
				}}
			},
			[]string{"shards are listed in pages"},
		},
		{
			"splits into keys that overlap", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, split: func(ctx context.Context, shardID string, at hashkey.Key) (lower, upper stream.ShardInfo, err error) {
					lower, upper, err = e.Split(ctx, shardID, at)
					lower.HashKeyRange.End = upper.HashKeyRange.Start
					return lower, upper, err
				}}
			},
			[]string{"a split gives two children the parent's hash keys"},
		},
		{
			"splits off single keys", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, split: func(ctx context.Context, shardID string, at hashkey.Key) (lower, upper stream.ShardInfo, err error) {
					lower, upper, err = e.Split(ctx, shardID, at)
					if errors.Is(err, stream.ErrSplit) {
						err = nil
					}
					return lower, upper, err
				}}
			},
			[]string{"a split that cannot be changes nothing"},
		},
		{
			"splits before it refuses", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, split: func(ctx context.Context, shardID string, at hashkey.Key) (lower, upper stream.ShardInfo, err error) {
					lower, upper, err = e.Split(ctx, shardID, at)
					if errors.Is(err, stream.ErrSplit) {
						page, _ := e.ListShards(ctx, stream.ListShardsRequest{Filter: stream.ShardFilter{Type: stream.AtLatest}})
						s := page.Shards[0]
						_, _, _ = e.Split(ctx, s.ID, s.HashKeyRange.Midpoint())
					}
					return lower, upper, err
				}}
			},
			[]string{"a split that cannot be changes nothing"},
		},
		{
			"merges in either order", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, merge: func(ctx context.Context, shardID, adjacentID string) (stream.ShardInfo, error) {
					child, err := e.Merge(ctx, shardID, adjacentID)
					if errors.Is(err, stream.ErrNotAdjacent) {
						return e.Merge(ctx, adjacentID, shardID)
					}
					return child, err
				}}
			},
			[]string{"a merge that cannot be changes nothing"},
		},
		{
			"forgets the second parent", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, merge: func(ctx context.Context, shardID, adjacentID string) (stream.ShardInfo, error) {
					child, err := e.Merge(ctx, shardID, adjacentID)
					child.AdjacentParentID = ""
					return child, err
				}}
			},
			[]string{"a merge gives one child the hash keys of both parents"},
		},
		{
			"resizes by halves", func(e stream.Engine) stream.Engine {
				return &faulty{Engine: e, resize: func(ctx context.Context, n int) error {
					if n < 1 {
						return e.Resize(ctx, n)
					}
					for {
						page, err := e.ListShards(ctx, stream.ListShardsRequest{Filter: stream.ShardFilter{Type: stream.AtLatest}})
						if err != nil {
							return err
						}
						shards := page.Shards
						slices.SortFunc(shards, func(a, b stream.ShardInfo) int { return a.HashKeyRange.Start.Compare(b.HashKeyRange.Start) })
						switch {
						case len(shards) == n:
							return nil
						case len(shards) < n:
							_, _, err = e.Split(ctx, shards[0].ID, shards[0].HashKeyRange.Midpoint())
						default:
							_, err = e.Merge(ctx, shards[0].ID, shards[1].ID)
						}
						if err != nil {
							return err
						}
					}
				}}
			},
			[]string{"Resize gives shards of equal share"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			failed := runAll(t, streamtest.Features{}, tt.engine)
			for _, name := range tt.foundBy {
				require.Contains(t, failed, name, "found only by %v", failed)
			}
			for _, err := range failed {
				require.Less(t, len(err.Error()), 2000, "the message is of no help")
			}
		})
	}
}

// An engine that heeds no context at all would hang a bubble, and does not hang
// the check.
func TestEngineThatIgnoresTheContextOfNextFails(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	for _, c := range streamtest.Checks() {
		if c.Name != "Next ends with the error of its context" {
			continue
		}
		e := readers(newEngine(t, 1), func(r stream.ShardReader, _ stream.Position) *faultyReader {
			return &faultyReader{ShardReader: r, next: func(context.Context, []stream.Record) (int, error) {
				<-release
				return 0, errLame
			}}
		})
		err := c.Run(t.Context(), e, streamtest.Features{Timeout: 50 * time.Millisecond})
		require.EqualError(t, err, "I9 Next ends with the error of its context: after its context was cancelled: "+
			"Next does not return, not even when its context ends")
		return
	}
	t.Fatal("no such check")
}

// number is a sequence number in the layout of package shard.
func number(creation int64, index int32, record uint64, arrival int64) stream.SequenceNumber {
	digits := fmt.Sprintf("2%09x%x%016x00%09x%08x2", creation, index&0xf, record, arrival, uint32(index))
	value, _ := new(big.Int).SetString(digits, 16)
	n, err := shard.ParseSequenceNumber(value.String())
	if err != nil {
		panic(err)
	}
	return n
}
