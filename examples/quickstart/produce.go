package main

import (
	"context"
	"fmt"
	"hash/crc32"

	"github.com/seed-187400e4/millrace/stream"
)

// assign deals the records of a source out to producers, as indexes in the
// order of the source.
//
// All records of a client go to the same producer. A stream keeps the records
// of a partition key in the order of their puts, but two goroutines that put
// have no order between them: if a client's lines went to both, the later line
// could be put first.
func assign(src source, producers int) [][]int {
	of := make([]int, len(src.clients()))
	for c, addr := range src.clients() {
		of[c] = int(crc32.ChecksumIEEE([]byte(addr)) % uint32(producers))
	}
	parts := make([][]int, producers)
	for i := range src.len() {
		p := of[src.client(i)]
		parts[p] = append(parts[p], i)
	}
	return parts
}

// batchSize is the greatest that a stream takes by default, but so small that
// even a short log is put in many batches: with one for each producer there
// would be no middle to reshard in.
func batchSize(records, producers int) int {
	const atLeast = 16 // batches a producer
	return min(max(records/(atLeast*producers), 1), stream.DefaultMaxBatchRecords)
}

// producer puts records in batches.
type producer struct {
	putter stream.Putter
	src    source
	pace   *pace

	entries []stream.Entry // the batch; Data is memory to use again
	filled  int
	bytes   int
}

func newProducer(putter stream.Putter, src source, p *pace, size int) *producer {
	return &producer{putter: putter, src: src, pace: p, entries: make([]stream.Entry, size)}
}

// produce puts the records with the given indexes in this order.
func (p *producer) produce(ctx context.Context, part []int) error {
	for _, i := range part {
		e := &p.entries[p.filled]
		e.PartitionKey = p.src.clients()[p.src.client(i)]
		// The stream copies what it is given, so a batch can be built in the
		// memory of the last one.
		e.Data = p.src.data(e.Data, i)
		p.filled++
		p.bytes += len(e.PartitionKey) + len(e.Data)
		full := p.filled == len(p.entries) ||
			p.bytes > stream.DefaultMaxBatchBytes-stream.DefaultMaxRecordBytes
		if full {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
	}
	return p.flush(ctx)
}

// flush puts what is in the batch.
func (p *producer) flush(ctx context.Context) error {
	if p.filled == 0 {
		return nil
	}
	if err := p.pace.begin(ctx, p.filled); err != nil {
		return err
	}
	out, err := p.putter.PutBatch(ctx, p.entries[:p.filled])
	if err != nil {
		return fmt.Errorf("put a batch: %w", err)
	}
	// With limits (stream.KinesisLimits) some records of a batch may be refused
	// for the moment, and one would put those again. This stream has none.
	if out.Failed > 0 {
		for i, r := range out.Results {
			if r.Err != nil {
				return fmt.Errorf("put a record of %s: %w", p.entries[i].PartitionKey, r.Err)
			}
		}
	}
	p.pace.done(p.filled)
	p.filled, p.bytes = 0, 0
	return nil
}
