// Package compare measures Millrace beside what a Go program would otherwise
// use for the same job: a buffered channel, a log written by hand, Watermill's
// persistent gochannel, NATS JetStream inside the process, and franz-go
// against kfake. It holds benchmarks and the tests that keep them honest, and
// nothing to import. It is a module of its own so that nobody who imports
// Millrace downloads the peers.
//
// To reproduce the published tables:
//
//	cd bench/compare && go test -run '^$' -bench . -count 6 -timeout 1h | benchstat -col /peer -
//
// That takes half an hour. benchstat wants six samples for an interval.
//
// # Cases
//
//   - BenchmarkPut: one record a call, by one producer and by GOMAXPROCS of them
//   - BenchmarkPutBatch: 500 records a call, by each peer's own way to batch
//   - BenchmarkDrain: read a filled log from its oldest record, 1,000 at a time
//   - BenchmarkWakeup: from the call of put until a waiting reader has the record
//   - BenchmarkHeap: heap held per record beyond its payload and key, and the
//     time of a forced collection while the records are live
//   - BenchmarkIdle: a log that nobody uses
//
// An op is one record in the first three cases, whatever the number of
// iterations in the second column says: see meter.
//
// # What the peers do less, and more
//
// All run in one process with memory only, and none opens a port. A put has
// ended when the record can be read. Keys are 16 bytes, 4,096 different ones
// unless the name says otherwise; payloads are random bytes, which no codec makes
// smaller. No peer but Millrace
// keeps the Kinesis contract (128-bit hash key ranges, sequence numbers across
// splits and merges, iterators, retention, limits); the rest differ as follows.
//
//   - chan hands the payload over by reference, routes by maphash with more
//     than one shard, gives no position, and a record is gone once it is read.
//     Its memory is warm, as in use; that of all others is new, as it is for
//     whatever keeps records.
//   - handlog copies the payload but not the key, routes by MD5 as Kinesis does,
//     numbers and stamps records and can be read again. It has no bound, no
//     context and no reshard. It is what an ordinary program would hold.
//   - watermill keeps the payload by reference and gives every message a UUID,
//     a metadata map and two acknowledgement channels, and delivers each through
//     goroutines of its own. Order is not kept; a late subscriber gets
//     everything, but nothing else can name a position.
//   - jetstream speaks the NATS protocol over a net.Pipe and copies on both
//     sides of it; a put is acknowledged. The key is a token of the subject, of
//     which the server keeps an index, and a shard is a stream. It has
//     consumers, replication and disks to offer that no case here uses.
//   - kafka is the franz-go client against kfake over kfake's own in-memory
//     network. kfake is a fake for tests: the numbers say what such a test pays,
//     and nothing about Kafka. Compression and linger are off, which is the
//     quicker setting in one process.
//   - millrace copies payload and key, does not stop at any bound here, and
//     hands readers views of its log where the clients above hand out memory of
//     their own.
//
// # Size
//
// Logs that only grow are replaced outside of the timed part so that no case
// holds much over 1 GiB. MILLRACE_COMPARE_RECORDS sets the number of records of
// BenchmarkHeap, 2,000,000 by default; watermill stops at 500,000 and jetstream
// at 1,000,000, where a record costs about what it does at any larger number.
// With -short, or CI set in the environment, it is 20,000.
package compare
