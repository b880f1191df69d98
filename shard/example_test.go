package shard_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

func ExampleShard() {
	c := clock.NewManual(time.Unix(1_700_000_000, 0))
	s := shard.New(shard.Config{Range: hashkey.Full(), Retention: time.Hour, Clock: clock.NewMillis(c)})

	number, err := s.Append("user-7", []byte("hello"), false)
	fmt.Println(number, err)

	c.Advance(time.Hour + time.Millisecond)
	s.Expire()
	stats := s.Stats()
	fmt.Println(stats.IncomingRecords, "put,", stats.Records, "left")
	// Output:
	// 49646437577108476416916876405827138351405044305449975810 <nil>
	// 1 put, 0 left
}

func ExampleCursor() {
	ctx := context.Background()
	s := shard.New(shard.Config{Range: hashkey.Full()})
	for _, text := range []string{"one", "two", "three"} {
		if _, err := s.Append("user-7", []byte(text), false); err != nil {
			fmt.Println(err)
			return
		}
	}

	c, err := s.Cursor(shard.TrimHorizon())
	if err != nil {
		fmt.Println(err)
		return
	}
	buf := make([]shard.Record, 2)
	for {
		n, err := c.Read(ctx, buf)
		if err != nil || n == 0 {
			fmt.Println(n, err)
			return
		}
		for _, rec := range buf[:n] {
			fmt.Println(rec.PartitionKey, string(rec.Data))
		}
	}
	// Output:
	// user-7 one
	// user-7 two
	// user-7 three
	// 0 <nil>
}

func ExampleCursor_Next() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	s := shard.New(shard.Config{Range: hashkey.Full()})
	c, err := s.Cursor(shard.Latest())
	if err != nil {
		fmt.Println(err)
		return
	}
	buf := make([]shard.Record, 100)
	go s.Append("user-7", []byte("wakes the reader"), false)
	n, err := c.Next(ctx, buf)
	fmt.Println(string(buf[0].Data), n, err)

	n, err = c.Next(ctx, buf) // nobody puts anything more
	fmt.Println(n, err)
	// Output:
	// wakes the reader 1 <nil>
	// 0 context deadline exceeded
}

func ExampleReplace() {
	parent := shard.New(shard.Config{Index: 0, Range: hashkey.Full()})
	lower, upper, _ := parent.Range().Halve()
	children := []*shard.Shard{
		shard.New(shard.Config{Index: 1, Range: lower, Parents: []string{parent.ID()}}),
		shard.New(shard.Config{Index: 2, Range: upper, Parents: []string{parent.ID()}}),
	}
	shard.Replace([]*shard.Shard{parent}, children, func() { /* route to the children from here on */ })

	_, err := parent.Append("user-7", nil, false)
	fmt.Println(err)

	c, _ := parent.Cursor(shard.TrimHorizon())
	_, err = c.Read(context.Background(), make([]shard.Record, 1))
	if end, ok := errors.AsType[*shard.EndOfShardError](err); ok {
		for _, child := range end.Children {
			fmt.Println("go on with", child.ShardID)
		}
	}
	// Output:
	// shard shardId-000000000000 is closed and takes no more records: put through the stream, which routes to its children (shardId-000000000001, shardId-000000000002)
	// go on with shardId-000000000001
	// go on with shardId-000000000002
}

func ExampleWatch() {
	ctx := context.Background()
	w := shard.NewWatch()
	shards := make([]*shard.Shard, 3)
	cursors := make([]*shard.Cursor, 3)
	for i := range shards {
		shards[i] = shard.New(shard.Config{Index: int32(i), Range: hashkey.Full()})
		cursors[i], _ = shards[i].Cursor(shard.Latest())
		cursors[i].Arm(w, i)
	}
	shards[2].Append("user-7", []byte("hello"), false)

	fired, err := w.Wait(ctx, nil)
	fmt.Println("shards with news:", fired, err)
	// Output: shards with news: [2] <nil>
}

func ExampleBudget() {
	budget := shard.NewBudget(200, shard.Refuse)
	s := shard.New(shard.Config{Range: hashkey.Full(), Budget: budget})
	for range 3 {
		// 100 bytes: the partition key, the data and the overhead of a record.
		_, err := s.Append("user-7", make([]byte, 78), false)
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// <nil>
	// shard shardId-000000000000 has no room for 100 bytes: 200 of 200 bytes are in use: wait for retention to trim, raise MaxBytes, or choose to trim the oldest
}

func ExampleParseSequenceNumber() {
	// A number that Amazon Kinesis gave to a record.
	n, err := shard.ParseSequenceNumber("49600902273357540915989931256901506243878407835297513618")
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := n.Fields()
	fmt.Println(shard.ID(f.ShardIndex), "made", f.Creation.Format(time.DateTime), err)
	fmt.Println("record", f.RecordIndex, "of", f.Arrival.Format(time.DateTime))

	_, err = shard.ParseSequenceNumber("LATEST")
	fmt.Println(err)
	// Output:
	// shardId-000000000009 made 2019-10-29 21:01:37 <nil>
	// record 160 of 2019-10-29 21:06:54
	// "LATEST" is not a sequence number: give a decimal number of up to 129 digits as it came from a record or a shard
}

func ExampleParseID() {
	for _, id := range []string{"shardId-000000000003", "shardId-3", "3", "three"} {
		fmt.Println(shard.ParseID(id))
	}
	// Output:
	// 3 true
	// 3 true
	// 3 true
	// 0 false
}
