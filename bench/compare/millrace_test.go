package compare

import (
	"context"
	"fmt"

	"github.com/seed-187400e4/millrace/stream"
)

func millracePeer() peer {
	return peer{
		name:     "millrace",
		open:     openMillrace,
		round:    10_000,
		overhead: 64,
	}
}

// millrace is a stream as it comes: retention of 24 hours, and no limits.
type millrace struct {
	stream *stream.Stream

	// entries and results are used again by the next batch, as a producer would:
	// PutBatchInto keeps neither.
	entries []stream.Entry
	results []stream.PutResult
}

func openMillrace(shards, _ int) (backend, error) {
	s, err := stream.New("compare", stream.Config{Shards: shards})
	if err != nil {
		return nil, err
	}
	return &millrace{stream: s}, nil
}

func (be *millrace) put(ctx context.Context, r record) error {
	_, err := be.stream.Put(ctx, stream.Entry{PartitionKey: r.key, Data: r.data})
	return err
}

func (be *millrace) putBatch(ctx context.Context, rs []record) error {
	be.entries = be.entries[:0]
	for _, r := range rs {
		be.entries = append(be.entries, stream.Entry{PartitionKey: r.key, Data: r.data})
	}
	out, err := be.stream.PutBatchInto(ctx, be.entries, be.results)
	if err != nil {
		return err
	}
	be.results = out.Results
	if out.Failed > 0 {
		return fmt.Errorf("%d of %d records were not stored", out.Failed, len(rs))
	}
	return nil
}

func (be *millrace) reader() (reader, error) {
	rd, err := be.stream.Reader(stream.TrimHorizon())
	if err != nil {
		return nil, err
	}
	return &millraceReader{reader: rd, buf: make([]stream.Record, drainBatch)}, nil
}

func (be *millrace) close() error { return be.stream.Close() }

// millraceReader reads the whole stream through one [stream.Reader].
type millraceReader struct {
	reader *stream.Reader
	buf    []stream.Record
}

func (r *millraceReader) drain(ctx context.Context, n int, t *tally) error {
	for t.records < n {
		got, err := r.reader.Read(ctx, r.buf)
		if err != nil || got == 0 {
			return err
		}
		for i := range r.buf[:got] {
			rec := &r.buf[i]
			t.add(rec.Data)
			if t.visit != nil {
				t.visit(rec.PartitionKey, rec.Data)
			}
		}
	}
	return nil
}

func (r *millraceReader) next(ctx context.Context) ([]byte, error) {
	if _, err := r.reader.Next(ctx, r.buf[:1]); err != nil {
		return nil, err
	}
	return r.buf[0].Data, nil
}

func (r *millraceReader) close() error {
	r.reader.Close()
	return nil
}
