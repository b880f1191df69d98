package millrace_test

import (
	"context"
	"fmt"
	"log"

	"github.com/seed-187400e4/millrace/stream"
)

// Put a record into a stream of four shards, see where it went, and read it
// back.
func Example() {
	ctx := context.Background()
	s, err := stream.New("orders", stream.Config{Shards: 4})
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := s.Put(ctx, stream.Entry{PartitionKey: "user-7", Data: []byte("hello")})
	fmt.Println("put into", receipt.ShardID, err)
	for rec, err := range s.RecordsToLatest(ctx, stream.TrimHorizon()) {
		fmt.Println("read", string(rec.Data), "of", rec.PartitionKey, err)
	}
	// Output:
	// put into shardId-000000000001 <nil>
	// read hello of user-7 <nil>
}
