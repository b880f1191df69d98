package stream

import (
	"context"
	"time"

	"github.com/seed-187400e4/millrace/hashkey"
)

// Putter takes records. Code that only writes should ask for this. Its methods
// may be called concurrently, do not keep what they are given, and return the
// error of a ctx that has ended. Errors are of the kinds of this package: for
// errors.Is, an engine's own types are as good as those here.
type Putter interface {
	// Put stores one record; see [Stream.Put].
	Put(ctx context.Context, e Entry) (Receipt, error)

	// PutBatch stores records, each by itself: a batch that is partly stored is
	// no error, and one of none is stored at once. An engine whose batches have
	// no order within a partition key must say so; see [Stream.PutBatch].
	PutBatch(ctx context.Context, entries []Entry) (BatchResult, error)
}

// Source is read shard by shard. Code that only reads should ask for this. Its
// methods may be called concurrently.
type Source interface {
	// ListShards returns a page of shards; see [Stream.ListShards].
	ListShards(ctx context.Context, req ListShardsRequest) (ListShardsPage, error)

	// Open returns a reader of one shard. A position that has no place in it is
	// refused here and not by the first read; see [Stream.Cursor].
	Open(ctx context.Context, shardID string, pos Position) (ShardReader, error)
}

// ShardReader reads one shard in order. It belongs to one goroutine and needs
// no closing.
type ShardReader interface {
	// Read fills dst with the records that follow, without waiting for any: 0
	// at the tip. At the end of a closed shard it returns an error that
	// errors.Is [ErrEndOfShard] and is an *shard.EndOfShardError.
	Read(ctx context.Context, dst []Record) (int, error)

	// Next is Read, but waits at the tip until there is a record.
	Next(ctx context.Context, dst []Record) (int, error)

	// Lag is how far the reader is behind the newest record, in time; 0 when
	// it has read all.
	Lag() time.Duration
}

// Resharder changes the shards of a stream. Puts and reads go on meanwhile; when
// a call has returned, the shards are as it says. See the methods of [Stream].
type Resharder interface {
	Split(ctx context.Context, shardID string, at hashkey.Key) (lower, upper ShardInfo, err error)
	Merge(ctx context.Context, shardID, adjacentID string) (ShardInfo, error)
	Resize(ctx context.Context, n int) error
}

// Engine is all that a stream does wherever it lives. What passes the suite in
// package streamtest is one; the stream in memory, [Stream], is another.
type Engine interface {
	Putter
	Source
	Resharder
}

var (
	_ Engine      = (*Stream)(nil)
	_ ShardReader = (*Cursor)(nil)
)

// Open is [Stream.Cursor] for the interface [Source].
func (s *Stream) Open(ctx context.Context, shardID string, pos Position) (ShardReader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := s.Cursor(shardID, pos)
	if err != nil {
		return nil, err
	}
	return c, nil
}
