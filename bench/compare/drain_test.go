package compare

import (
	"fmt"
	"testing"
)

// BenchmarkDrain reads a filled log from its oldest record to its newest, up to
// 1,000 at a time, with a new reader every time.
func BenchmarkDrain(b *testing.B) {
	for _, p := range peers() {
		for _, size := range []int{100, 1024} {
			for _, shards := range []int{1, 8} {
				name := fmt.Sprintf("peer=%s/size=%s/shards=%d", p.name, sizeName(size), shards)
				b.Run(name, func(b *testing.B) { benchmarkDrain(b, p, size, shards) })
			}
		}
	}
}

func benchmarkDrain(b *testing.B, p peer, size, shards int) {
	n := p.drainRecords()
	w := newWorkload(size, fewKeys)
	var want tally
	for i := range n {
		want.add(w.at(i).data)
	}

	be := openFor(b, p, shards, n)
	defer func() { closeFor(b, be) }()
	fill(b, be, w, n)
	rd := readerFor(b, be)

	total := 0
	b.SetBytes(int64(size * n))
	m := newMeter(b)
	for b.Loop() {
		var got tally
		if err := rd.drain(b.Context(), n, &got); err != nil {
			b.Fatal(err)
		}
		total += n

		m.pause()
		if got.records != want.records || got.sum != want.sum {
			b.Fatalf("read %d records of sum %d, want %d of sum %d", got.records, got.sum, want.records, want.sum)
		}
		if err := rd.close(); err != nil {
			b.Fatal(err)
		}
		if p.consumes {
			fill(b, be, w, n)
		}
		rd = readerFor(b, be)
		m.resume()
	}
	m.report(total)
	if err := rd.close(); err != nil {
		b.Error(err)
	}
}

func readerFor(tb testing.TB, be backend) reader {
	tb.Helper()
	rd, err := be.reader()
	if err != nil {
		tb.Fatal(err)
	}
	return rd
}
