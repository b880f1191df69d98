// Package stream is a stream of records in memory, modelled on Amazon Kinesis
// Data Streams: shards that own ranges of a 128-bit hash-key space, routing by
// the MD5 of a partition key, sequence numbers, positions, split and merge,
// retention. It is meant to be embedded: a stream that nobody uses has no
// goroutine and no timer, and costs a few kilobytes.
//
//   - [Stream] is one stream: Put, PutBatch, Records, Split, Merge, Resize.
//   - [Entry] is what is put, [Record] what is read, [Position] where to start.
//   - [Cursor] reads one shard, [Reader] all of them across resharding,
//     [Iterator] and [Stream.Get] page through one as the API does.
//   - [Config] has the bounds; its zero value is right for embedded use, and
//     [KinesisLimits] switches on what the service enforces.
//   - [Registry] keeps streams by name.
//   - [Engine] and its parts are what code should ask for that is to run on
//     another engine as well.
//
// Put a record and read it back:
//
//	s, err := stream.New("orders", stream.Config{Shards: 4})
//	...
//	defer s.Close()
//	_, err = s.Put(ctx, stream.Entry{PartitionKey: "user-7", Data: []byte("hello")})
//	...
//	for rec, err := range s.RecordsToLatest(ctx, stream.TrimHorizon()) {
//		...
//	}
//
// # Semantics
//
// A record is readable when Put has returned, and never changes (I3). For one
// partition key, records are read in the order of their puts, across any number
// of splits and merges (I4, I6), unless explicit hash keys spread them. Reading does not consume: any number of
// readers see all records that retention still holds. Data is copied in and
// handed out as a shared, read-only view (I8).
//
// Time is read from the clock of [Config] only, by default that of package
// time, so all of this runs under testing/synctest: make the stream inside the
// bubble that uses it.
//
// # Differences from the service
//
// Reading at the tip waits instead of returning nothing, [Stream.Records]
// follows resharding by itself, resharding takes effect at once, retention may
// be shorter than 24 hours, and no limit of throughput applies unless asked for.
//
// # Concurrency
//
// All methods of Stream and Registry may be called concurrently. Cursors,
// Readers and the iterators of Records belong to one goroutine each.
package stream
