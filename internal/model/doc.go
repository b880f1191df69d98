// Package model is the oracle that the stream is tested against: the dumbest
// implementation of a stream that is right. Shards and records lie in slices,
// everything is found by looking at all of it, hash keys and sequence numbers
// are [math/big] integers, and there is no lock and no clock: the test moves the
// time.
//
// It shares no code with the packages that it judges, and takes its rules from
// what is known of the service: ranges, routing, sequence numbers to the bit,
// splits, merges and uniform resizing with the shard IDs that they give,
// positions, retention, and which shards are listed. A failure is a [Kind].
//
// Where the library leaves a choice, the model does not predict but judges: in
// what order a whole-stream reader visits shards ([Reader]), and how much is
// trimmed for a bound on memory ([Stream.Trimmed], [Stream.Room]).
package model
