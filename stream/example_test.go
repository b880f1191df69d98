package stream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

func Example() {
	ctx := context.Background()
	s, err := stream.New("orders", stream.Config{Shards: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	for _, text := range []string{"created", "paid", "shipped"} {
		if _, err := s.Put(ctx, stream.Entry{PartitionKey: "order-17", Data: []byte(text)}); err != nil {
			fmt.Println(err)
			return
		}
	}
	for rec, err := range s.RecordsToLatest(ctx, stream.TrimHorizon()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(rec.PartitionKey, string(rec.Data))
	}
	// Output:
	// order-17 created
	// order-17 paid
	// order-17 shipped
}

func ExampleNew() {
	_, err := stream.New("orders", stream.Config{Shards: 4, Retention: time.Hour, MaxBytes: 64 << 20})
	fmt.Println(err)
	_, err = stream.New("orders", stream.Config{Shards: -1})
	fmt.Println(err)
	// Output:
	// <nil>
	// stream: Config.Shards is -1: give a value from 1 to 65536, or leave it zero for the default
}

func ExampleStream_Put() {
	ctx := context.Background()
	s, _ := stream.New("orders", stream.Config{Shards: 2})
	receipt, err := s.Put(ctx, stream.Entry{PartitionKey: "a", Data: []byte("hello")})
	fmt.Println(receipt.ShardID, err)

	_, err = s.Put(ctx, stream.Entry{PartitionKey: "", Data: []byte("hello")})
	fmt.Println(err)
	fmt.Println(errors.Is(err, stream.ErrPartitionKey))
	// Output:
	// shardId-000000000000 <nil>
	// the partition key is empty: give 1 to 256 Unicode characters
	// true
}

// A record that is refused does not keep the others of its batch out.
func ExampleStream_PutBatch() {
	ctx := context.Background()
	s, _ := stream.New("orders", stream.Config{MaxRecordBytes: 20})
	result, err := s.PutBatch(ctx, []stream.Entry{
		{PartitionKey: "order-17", Data: []byte("created")},
		{PartitionKey: "order-18", Data: []byte("far too long to be put")},
		{PartitionKey: "order-17", Data: []byte("paid")},
	})
	fmt.Println(result.Failed, "failed", err)
	for i, r := range result.Results {
		if tooLarge, ok := errors.AsType[*stream.RecordTooLargeError](r.Err); ok {
			fmt.Printf("record %d has %d bytes of %d\n", i, tooLarge.Bytes, tooLarge.Bound)
		}
	}
	// Output:
	// 1 failed <nil>
	// record 1 has 30 bytes of 20
}

// Records waits for more when it has read all that there is, and follows splits
// and merges by itself: each partition key is read in the order of its puts.
func ExampleStream_Records() {
	ctx := context.Background()
	s, _ := stream.New("orders", stream.Config{})
	put := func(text string) {
		_, _ = s.Put(ctx, stream.Entry{PartitionKey: "order-17", Data: []byte(text)})
	}
	put("created")
	lower, upper, err := s.Split(ctx, "shardId-000000000000", hashkey.Full().Midpoint())
	fmt.Println("split into", lower.ID, upper.ID, err)
	put("paid")
	child, err := s.Merge(ctx, lower.ID, upper.ID)
	fmt.Println("merged into", child.ID, err)
	put("shipped")

	for rec, err := range s.Records(ctx, stream.TrimHorizon()) {
		fmt.Println(string(rec.Data), err)
		if string(rec.Data) == "shipped" {
			break
		}
	}
	// Output:
	// split into shardId-000000000001 shardId-000000000002 <nil>
	// merged into shardId-000000000003 <nil>
	// created <nil>
	// paid <nil>
	// shipped <nil>
}

func ExampleStream_Resize() {
	ctx := context.Background()
	s, _ := stream.New("orders", stream.Config{Shards: 4})
	fmt.Println(s.Resize(ctx, 3))
	page, _ := s.ListShards(ctx, stream.ListShardsRequest{Filter: stream.ShardFilter{Type: stream.AtLatest}})
	for _, shard := range page.Shards {
		fmt.Printf("%s owns %.0f %%\n", shard.ID, 100*shard.HashKeyRange.Share())
	}
	// Output:
	// <nil>
	// shardId-000000000006 owns 33 %
	// shardId-000000000009 owns 33 %
	// shardId-000000000010 owns 33 %
}

func ExampleStream_ListShards() {
	ctx := context.Background()
	s, _ := stream.New("orders", stream.Config{Shards: 3})
	req := stream.ListShardsRequest{MaxResults: 2}
	for {
		page, err := s.ListShards(ctx, req)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, shard := range page.Shards {
			fmt.Println(shard.ID, "open:", shard.Open())
		}
		if page.Next == "" {
			break
		}
		req.After = page.Next
	}
	// Output:
	// shardId-000000000000 open: true
	// shardId-000000000001 open: true
	// shardId-000000000002 open: true
}

// An Iterator is a value, which can be kept as text and used again.
func ExampleStream_Get() {
	ctx := context.Background()
	s, _ := stream.New("orders", stream.Config{})
	for _, text := range []string{"created", "paid", "shipped"} {
		_, _ = s.Put(ctx, stream.Entry{PartitionKey: "order-17", Data: []byte(text)})
	}
	_, _, _ = s.Split(ctx, "shardId-000000000000", hashkey.Full().Midpoint())

	it, err := s.Iterator(ctx, "shardId-000000000000", stream.TrimHorizon())
	for err == nil {
		fmt.Println("from", it)
		var page stream.GetResult
		if page, err = s.Get(ctx, it, 2); err != nil {
			break
		}
		for _, rec := range page.Records {
			fmt.Println(string(rec.Data))
		}
		if page.AtEnd() {
			for _, child := range page.Children {
				fmt.Println("go on with", child.ShardID)
			}
			break
		}
		it = page.Next
	}
	// Output:
	// from shardId-000000000000:1
	// created
	// paid
	// from shardId-000000000000:3
	// shipped
	// go on with shardId-000000000001
	// go on with shardId-000000000002
}

func ExampleParseIterator() {
	it, err := stream.ParseIterator("shardId-000000000003:42")
	fmt.Println(it.ShardID(), err)
	_, err = stream.ParseIterator("3:42")
	fmt.Println(err)
	// Output:
	// shardId-000000000003 <nil>
	// stream: "3:42" is not a shard iterator: give what Iterator or Get returned
}

// A Reader gives records in batches, where an iteration gives them one by one.
func ExampleReader() {
	ctx := context.Background()
	s, _ := stream.New("orders", stream.Config{Shards: 2, Retention: time.Hour})
	reader, err := s.Reader(stream.Latest())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer reader.Close()
	for i := range 5 {
		_, _ = s.Put(ctx, stream.Entry{PartitionKey: "order-17", Data: fmt.Append(nil, i)})
	}
	buf := make([]stream.Record, 3)
	for {
		n, err := reader.Read(ctx, buf) // Next would wait for more
		if err != nil || n == 0 {
			break
		}
		for _, rec := range buf[:n] {
			fmt.Print(string(rec.Data), " ")
		}
		fmt.Println("in one read")
	}
	fmt.Println("missed:", reader.Missed())
	// Output:
	// 0 1 2 in one read
	// 3 4 in one read
	// missed: 0
}

// A Cursor reads one shard. At its end it names the shards to go on with.
func ExampleCursor() {
	ctx := context.Background()
	s, _ := stream.New("orders", stream.Config{})
	receipt, _ := s.Put(ctx, stream.Entry{PartitionKey: "order-17", Data: []byte("created")})
	_, _ = s.Put(ctx, stream.Entry{PartitionKey: "order-17", Data: []byte("paid")})
	_, _, _ = s.Split(ctx, receipt.ShardID, hashkey.Full().Midpoint())

	c, err := s.Cursor(receipt.ShardID, stream.AfterSequenceNumber(receipt.SequenceNumber))
	if err != nil {
		fmt.Println(err)
		return
	}
	buf := make([]stream.Record, 10)
	n, err := c.Read(ctx, buf)
	fmt.Println(string(buf[0].Data), n, err)
	_, err = c.Read(ctx, buf)
	if end, ok := errors.AsType[*shard.EndOfShardError](err); ok {
		fmt.Println(end.Children[0].ShardID, end.Children[1].ShardID)
	}
	// Output:
	// paid 1 <nil>
	// shardId-000000000001 shardId-000000000002
}

func ExampleRegistry() {
	ctx := context.Background()
	r := stream.NewRegistry()
	defer r.Close()
	for _, name := range []string{"payments", "orders"} {
		if _, err := r.Create(ctx, name, stream.Config{}); err != nil {
			fmt.Println(err)
		}
	}
	_, err := r.Create(ctx, "orders", stream.Config{})
	fmt.Println(err)

	page, _ := r.List(ctx, stream.ListStreamsRequest{})
	for _, s := range page.Streams {
		fmt.Println(s.Name())
	}
	// Output:
	// stream: stream "orders" already exists: delete it first, or choose another name
	// orders
	// payments
}

// A hook that fails every third record, to see what a program makes of it.
func ExampleHooks() {
	ctx := context.Background()
	puts := 0
	s, _ := stream.New("orders", stream.Config{Hooks: &stream.Hooks{
		BeforePut: func(_ context.Context, put stream.PutEvent) error {
			if puts++; puts%3 == 0 {
				return &shard.ThrottledError{ShardID: "shardId-000000000000", Limit: "records written a second", PerSecond: 1000, RetryAfter: time.Second}
			}
			return nil
		},
		Resharded: func(r stream.ReshardEvent) {
			fmt.Println("resharded into", len(r.Children))
		},
	}})
	for i := range 4 {
		_, err := s.Put(ctx, stream.Entry{PartitionKey: "order-17", Data: fmt.Append(nil, i)})
		fmt.Println(i, errors.Is(err, stream.ErrThrottled))
	}
	_, _, _ = s.Split(ctx, "shardId-000000000000", hashkey.Full().Midpoint())
	// Output:
	// 0 false
	// 1 false
	// 2 true
	// 3 false
	// resharded into 2
}

// What the service throttles, tried out without waiting.
func ExampleKinesisLimits() {
	ctx := context.Background()
	c := clock.NewManual(time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC))
	s, _ := stream.New("orders", stream.Config{Limits: stream.KinesisLimits(), Clock: c})
	for range 1000 {
		if _, err := s.Put(ctx, stream.Entry{PartitionKey: "order-17"}); err != nil {
			fmt.Println(err)
		}
	}
	_, err := s.Put(ctx, stream.Entry{PartitionKey: "order-17"})
	fmt.Println(err)

	if throttled, ok := errors.AsType[*shard.ThrottledError](err); ok {
		c.Advance(throttled.RetryAfter)
		_, err = s.Put(ctx, stream.Entry{PartitionKey: "order-17"})
		fmt.Println(err)
	}
	// Output:
	// rate exceeded for shard shardId-000000000000: more than 1000 records written a second: try again in 1ms, or spread the load over more shards
	// <nil>
}

func ExampleStream_Stats() {
	ctx := context.Background()
	s, _ := stream.New("orders", stream.Config{})
	_, _ = s.Put(ctx, stream.Entry{PartitionKey: "order-17", Data: []byte("created")})
	for _, m := range s.Stats().Metrics() {
		if m.ShardID == "" && m.Value > 0 {
			fmt.Println(m.Name, m.Value, m.Unit)
		}
	}
	// Output:
	// IncomingBytes 15 Bytes
	// IncomingRecords 1 Count
	// PutRecord.Bytes 15 Bytes
	// PutRecord.Success 1 Count
}

// Time in a bubble of testing/synctest is faked: an hour passes at once, and a
// stream needs no setting for it.
func Example_synctest() {
	// In a test file, as TestRecordsExpire:
	test := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, err := stream.New("orders", stream.Config{Retention: time.Hour})
			require.NoError(t, err)
			_, err = s.Put(t.Context(), stream.Entry{PartitionKey: "order-17", Data: []byte("created")})
			require.NoError(t, err)

			time.Sleep(time.Hour + time.Millisecond)
			for rec := range s.RecordsToLatest(t.Context(), stream.TrimHorizon()) {
				t.Errorf("%s has not expired", rec.Data)
			}
		})
	}
	_ = test
	// Output:
}
