package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/seed-187400e4/millrace/stream"
)

// verifier checks records against their source, in the order in which a reader
// gets them: each client's first record must come first, then its second, each
// with the data that was put and a higher sequence number than the one before.
// What is lost, doubled, swapped or altered shows as a record that is not the
// one that is due.
type verifier struct {
	src    source
	client map[string]int
	seen   []int                   // by client
	last   []stream.SequenceNumber // by client
	read   int
	buf    []byte
}

func newVerifier(src source) *verifier {
	v := &verifier{
		src:    src,
		client: make(map[string]int, len(src.clients())),
		seen:   make([]int, len(src.clients())),
		last:   make([]stream.SequenceNumber, len(src.clients())),
	}
	for i, addr := range src.clients() {
		v.client[addr] = i
	}
	return v
}

// record checks the next record that was read.
func (v *verifier) record(rec stream.Record) error {
	c, known := v.client[rec.PartitionKey]
	if !known {
		return fmt.Errorf("read a record of %q, who put none", rec.PartitionKey)
	}
	due, ok := v.src.nth(c, v.seen[c])
	if !ok {
		return fmt.Errorf("read more records of %s than the %d that were put", rec.PartitionKey, v.seen[c])
	}
	v.buf = v.src.data(v.buf, due)
	if !bytes.Equal(rec.Data, v.buf) {
		return fmt.Errorf("read record %d of %s out of order or altered: got %.60q, want %.60q",
			v.seen[c]+1, rec.PartitionKey, rec.Data, v.buf)
	}
	if rec.SequenceNumber.Compare(v.last[c]) <= 0 {
		return fmt.Errorf("read record %d of %s with the sequence number %s, which is not above %s",
			v.seen[c]+1, rec.PartitionKey, rec.SequenceNumber, v.last[c])
	}
	v.seen[c]++
	v.last[c] = rec.SequenceNumber
	v.read++
	return nil
}

// complete checks that nothing is missing.
func (v *verifier) complete() error {
	if v.read == v.src.len() {
		return nil
	}
	for c, addr := range v.src.clients() {
		if due, ok := v.src.nth(c, v.seen[c]); ok {
			return fmt.Errorf("read %d of %d records: of %s no more than %d came, %.60q is missing",
				v.read, v.src.len(), addr, v.seen[c], v.src.data(nil, due))
		}
	}
	return nil
}

// follow reads the stream while it is written to, from the beginning until all
// records of the source have come. Records waits at the tip, and goes from
// shards that were closed to their children by itself.
func (v *verifier) follow(ctx context.Context, s *stream.Stream, p *pace) error {
	for rec, err := range s.Records(ctx, stream.TrimHorizon()) {
		if err != nil {
			return fmt.Errorf("follow the stream, %d of %d records read: %w", v.read, v.src.len(), err)
		}
		if err := v.record(rec); err != nil {
			return err
		}
		if p.read.Add(1) == p.total {
			break
		}
	}
	return nil
}

// readBack reads all that the stream holds, and no longer waits for more.
func (v *verifier) readBack(ctx context.Context, s *stream.Stream) error {
	for rec, err := range s.RecordsToLatest(ctx, stream.TrimHorizon()) {
		if err != nil {
			return fmt.Errorf("read back, %d of %d records read: %w", v.read, v.src.len(), err)
		}
		if err := v.record(rec); err != nil {
			return err
		}
	}
	return v.complete()
}
