package model

// Kind says how an operation ended. A test maps the errors of the library to
// kinds; what the errors carry beyond that is not the model's concern.
type Kind string

// The ways for an operation to end.
const (
	OK             Kind = ""
	PartitionKey   Kind = "partition key empty or too long"
	RecordTooLarge Kind = "record too large"
	BatchTooLarge  Kind = "batch too large"
	Full           Kind = "bound on memory reached"
	ShardNotFound  Kind = "shard not found"
	ShardClosed    Kind = "shard closed"
	Split          Kind = "bad hash key for a split"
	NotAdjacent    Kind = "shards not adjacent"
	ShardCount     Kind = "bad number of shards"
	Retention      Kind = "bad retention period"
	Malformed      Kind = "sequence number malformed"
	OtherShard     Kind = "sequence number of another shard"
	OtherStream    Kind = "sequence number of another stream"
	PastEnd        Kind = "sequence number past the end of the shard"
	Future         Kind = "timestamp in the future"
	Position       Kind = "position does not fit"
	EndOfShard     Kind = "end of shard"
	Limit          Kind = "bad limit"
	Filter         Kind = "bad shard filter"
	Closed         Kind = "stream closed"
)
