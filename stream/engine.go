package stream

import (
	"context"
	"time"

	"github.com/seed-187400e4/millrace/hashkey"
)

// Putter takes records. Code that only writes should ask for this.
type Putter interface {
	Put(ctx context.Context, e Entry) (Receipt, error)
	PutBatch(ctx context.Context, entries []Entry) (BatchResult, error)
}

// Source is read shard by shard. Code that only reads should ask for this.
type Source interface {
	ListShards(ctx context.Context, req ListShardsRequest) (ListShardsPage, error)
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

// Resharder changes the shards of a stream.
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
