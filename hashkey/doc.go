// Package hashkey is the 128-bit space in which a stream routes its records:
// the hash keys, the ranges of them that shards own, and the ways in which the
// space is divided. It is arithmetic only; it holds no state and knows neither
// shards nor streams.
//
// The types are [Key], one point of the space, and [Range], the points from one
// key to another with both ends included. [FromPartitionKey] gives the key of a
// record, [ParseKey] that of an explicit hash key, [Even] the ranges of a new
// stream.
//
//	ranges, err := hashkey.Even(3)
//	if err != nil {
//		return err
//	}
//	key := hashkey.FromPartitionKey("customer-17")
//	for i, r := range ranges {
//		if r.Contains(key) {
//			fmt.Println("shard", i, "takes key", key)
//		}
//	}
//
// # Semantics
//
// The rules are those of Amazon Kinesis Data Streams:
//
//   - A partition key's hash is the MD5 sum of its bytes, read as a big-endian
//     unsigned integer (API reference, PutRecord).
//   - Text is decimal and strict, `0|([1-9]\d{0,38})` and no more than 2^128-1
//     (API reference, ExplicitHashKey, StartingHashKey and NewStartingHashKey).
//   - A range includes both of its ends (API reference, HashKeyRange), so the
//     range after one that ends at k starts at k+1, and no range is empty.
//   - A new stream of n shards gives each floor(2^128/n) keys and the last one
//     also what remains (seen on the service, as recorded by kinesalite's tests,
//     and, for n = 2, by the test data of the Kinesis Producer Library).
//   - The middle of a range is floor((Start+End)/2), and belongs to the upper
//     half (the key that AWS's own tools pass to SplitShard).
//
// Two things are left to the caller. SplitShard refuses a split that would leave
// a part of fewer than two keys, where [Range.Split] only asks that neither part
// be empty. And the bound of 1 to 256 characters of a partition key is not
// checked by [FromPartitionKey], for which every string has a hash.
//
// # Errors
//
// Every error is a pointer to a struct that names the value and its bound:
// [SyntaxError], [RangeError], [SplitError], [MergeError], [CountError]. No
// function panics, whatever it is given.
//
// # Concurrency
//
// Keys and ranges are plain values. All functions are safe for concurrent use,
// as are all methods save [Key.UnmarshalText], which writes to its receiver.
package hashkey
