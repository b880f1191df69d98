// Package millrace is the front page of an embeddable stream of records in
// memory, modelled on Amazon Kinesis Data Streams: shards that own ranges of a
// 128-bit hash-key space, records routed by the MD5 of their partition key,
// sequence numbers, split and merge, retention. There is no server, no network
// and nothing to set up: a stream is a value in your program.
//
// This package has no symbols. Start with package stream; the example below is
// a whole program, and the command
//
//	go run ./examples/quickstart
//
// puts a web server's log through a stream while it is resharded.
//
// # Packages
//
// Each imports only those above it:
//
//   - hashkey: 128-bit hash keys, the MD5 of a partition key, and inclusive
//     ranges with their arithmetic. Standard library only.
//   - clock: where the time is read and timers are set; real by default, with a
//     manual clock for tests outside testing/synctest.
//   - shard: one append-only log of records, with sequence numbers, positions,
//     trimming, limits and readers that wait.
//   - stream: what most programs import. Routing over shards, put, batches,
//     reading across splits and merges, retention, listing, statistics, and a
//     registry of streams by name.
//   - streamtest: the conformance suite that every engine behind the interfaces
//     of package stream has to pass.
//   - bench: benchmarks of the hot paths, each beside a floor; the nested module
//     bench/compare has those against other software.
//   - examples: programs to read and to run.
//
// # What holds
//
// A record is readable when Put has returned, and never changes. For one
// partition key, records are read in the order of their puts, across any number
// of splits and merges. Reading does not consume. An idle stream has no
// goroutine and no timer. Memory is bounded by retention, and by bytes where
// that is asked for. The Check method of a stream verifies what it is built on,
// so tests can.
package millrace
