// Package shard is one shard of a stream: an append-only log of records that
// one writer at a time extends and any number of readers follow without locks.
//
// Most programs use package stream, which routes records to shards and follows
// resharding; this package is what it stands on, and what a program with a
// single log and no routing can use by itself.
//
//   - [Shard] is the log: Append, trimming by age and by bytes, closing.
//   - [SequenceNumber] is the place of a record, in the layout of real ones.
//   - [Position] says where to start reading; [Cursor] reads.
//   - [Record] is what a reader sees: views of the log's own memory.
//   - [Budget] bounds the memory of the shards that share it.
//
// A log and a reader:
//
//	s := shard.New(shard.Config{Range: hashkey.Full()})
//	s.Append("user-7", []byte("hello"), false)
//	c, _ := s.Cursor(shard.TrimHorizon())
//	buf := make([]shard.Record, 100)
//	n, err := c.Read(ctx, buf) // 1, nil
//
// # Semantics
//
// Append copies; reading does not (invariant I8). When Append has returned,
// every reader sees the record, and nothing about it ever changes (I3). A
// reader sees what it has not read yet, in order and once, however much is
// appended and trimmed meanwhile (I6); if trimming overtakes it, it goes on
// from the trim horizon and [Cursor.Missed] says how much it lost (I7).
//
// Records past retention are never returned. Their memory is given back by the
// next append, read or Expire, since an idle shard runs no timer (I9).
//
// # Concurrency
//
// A Shard is safe for concurrent use. Appenders exclude each other by one lock;
// readers take it only to wait and to trim. A Cursor belongs to one goroutine.
package shard
