// Package streamtest is the conformance suite of the engines of package stream.
// Whatever passes it can take the place of the stream in memory, [stream.Stream],
// behind [stream.Engine]: code that was written and tested against the one runs
// on the other.
//
//   - [Run] holds an engine to the whole suite, each promise as a subtest.
//   - [Harness] makes the engines, and says by [Features] what they promise.
//   - [Check] is one promise, which can also be run by itself.
//
// The test of an adapter to a remote service:
//
//	func TestConformance(t *testing.T) {
//		streamtest.Run(t, streamtest.Harness{
//			New: func(tb testing.TB, shards int) stream.Engine {
//				e := createStream(tb, shards)
//				tb.Cleanup(e.Delete)
//				return e
//			},
//			Features: streamtest.Features{
//				NoResharding: true,
//				Settle:       func(ctx context.Context) error { return sleep(ctx, time.Second) },
//			},
//		})
//	}
//
// # Semantics
//
// Checks are named by the invariants of the design that they hold an engine to:
//
//   - I1 The ranges of the open shards tile all hash keys.
//   - I2 A record lands in the open shard whose range holds its hash key.
//   - I3 In a shard, sequence numbers rise strictly in append order; what was
//     put is read, and never changes.
//   - I4 For one partition key, sequence numbers rise strictly across splits
//     and merges.
//   - I5 A closed shard takes nothing more, and its end names its children.
//   - I6 A reader sees every record from its position on, in order and once,
//     whatever runs beside it.
//   - I8 Put copies what it is given; what is handed out stays as it is.
//   - I9 Every call ends promptly with the error of its context.
//
// I7 and I10, on trimming and memory, are beyond the interfaces; so are limits
// of throughput. An engine is free to throttle if its adapter waits and tries
// again.
//
// # Time
//
// The suite reads no clock: it takes times from what the engine says of its
// records and shards. It sleeps for a few milliseconds where two records should
// differ in their arrival, and passes if they do not. With no Settle it needs
// nothing but the engine's own speed, and runs within testing/synctest.
package streamtest
