package compare

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// BenchmarkPut is one record a call.
func BenchmarkPut(b *testing.B) {
	for _, p := range peers() {
		for _, size := range []int{100, 1024} {
			for _, shards := range []int{1, 8} {
				for _, par := range producerCounts() {
					name := fmt.Sprintf("peer=%s/size=%s/shards=%d/par=%d", p.name, sizeName(size), shards, par)
					b.Run(name, func(b *testing.B) {
						w := newWorkload(size, fewKeys)
						benchmarkPuts(b, p, size, shards, p.round, func(ctx context.Context, be backend, from int) error {
							return putRound(ctx, be, w, from, p.round, par)
						})
					})
				}
			}
		}
	}
}

// BenchmarkPutBatch is 500 records a call, as many as PutRecords takes. Millrace
// remembers the hashes of keys that repeat in batches, so there is a case with
// more keys than it can remember.
func BenchmarkPutBatch(b *testing.B) {
	for _, p := range peers() {
		for _, c := range []struct{ size, keys int }{
			{100, fewKeys},
			{100, manyKeys},
			{1024, fewKeys},
		} {
			for _, shards := range []int{1, 8} {
				name := fmt.Sprintf("peer=%s/size=%s/shards=%d/keys=%d", p.name, sizeName(c.size), shards, c.keys)
				b.Run(name, func(b *testing.B) {
					w := newWorkload(c.size, c.keys)
					batch := make([]record, putBatchRecords)
					benchmarkPuts(b, p, c.size, shards, putBatchRecords, func(ctx context.Context, be backend, from int) error {
						w.batch(batch, from)
						return be.putBatch(ctx, batch)
					})
				})
			}
		}
	}
}

// benchmarkPuts runs rounds of the given number of records, and gives them a new
// log whenever the old one holds as much as a log may.
func benchmarkPuts(
	b *testing.B, p peer, size, shards, round int,
	put func(ctx context.Context, be backend, from int) error,
) {
	limit := max(p.logRecords(size), 2*round)
	be := openFor(b, p, shards, limit)
	defer func() { closeFor(b, be) }()

	// A client that connects or looks its topic up does so here.
	if err := put(b.Context(), be, 0); err != nil {
		b.Fatal(err)
	}
	held := round
	total := 0

	b.SetBytes(int64(size * round))
	m := newMeter(b)
	for b.Loop() {
		if held+round > limit {
			m.pause()
			be = renew(b, p, be, shards, limit, held)
			held = 0
			m.resume()
		}
		if err := put(b.Context(), be, total); err != nil {
			b.Fatal(err)
		}
		held += round
		total += round
	}
	m.report(total)
}

// renew gives an empty log for a full one. What reading empties is emptied: in
// use its memory is warm, where that of a growing log is new.
func renew(b *testing.B, p peer, be backend, shards, limit, held int) backend {
	b.Helper()
	if !p.consumes {
		closeFor(b, be)
		return openFor(b, p, shards, limit)
	}
	var t tally
	rd := readerFor(b, be)
	if err := rd.drain(b.Context(), held, &t); err != nil {
		b.Fatal(err)
	}
	if err := rd.close(); err != nil {
		b.Fatal(err)
	}
	if t.records != held {
		b.Fatalf("read %d records, want the %d put", t.records, held)
	}
	return be
}

// putRound puts n records one by one, from par goroutines if par is more than
// one.
func putRound(ctx context.Context, be backend, w workload, from, n, par int) error {
	if par == 1 {
		return putEach(ctx, be, w, from, n)
	}
	var wg sync.WaitGroup
	errs := make([]error, par)
	for i := range par {
		wg.Go(func() {
			// Far enough apart that two producers do not put the same key at
			// the same time.
			errs[i] = putEach(ctx, be, w, from+i*fewKeys/par, n/par)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func putEach(ctx context.Context, be backend, w workload, from, n int) error {
	for i := range n {
		if err := be.put(ctx, w.at(from+i)); err != nil {
			return err
		}
	}
	return nil
}

func openFor(tb testing.TB, p peer, shards, capacity int) backend {
	tb.Helper()
	be, err := p.open(shards, capacity)
	if err != nil {
		tb.Fatalf("open %s: %v", p.name, err)
	}
	return be
}

func closeFor(tb testing.TB, be backend) {
	tb.Helper()
	if err := be.close(); err != nil {
		tb.Errorf("close: %v", err)
	}
}
