package compare

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// BenchmarkHeap fills a log with records of 100 B and reports what the heap
// holds for each beyond its payload and key, and what one forced collection
// takes while they are live. Every record comes with memory of its own: a peer
// that keeps references keeps that, and a peer that copies lets it go.
func BenchmarkHeap(b *testing.B) {
	for _, p := range peers() {
		b.Run("peer="+p.name, func(b *testing.B) { benchmarkHeap(b, p) })
	}
}

func benchmarkHeap(b *testing.B, p peer) {
	const size = 100
	n := p.heapRecords(b)
	w := newWorkload(size, fewKeys)

	var perRecord, gc []float64
	for b.Loop() {
		time.Sleep(2 * kafkaMaxWait) // nothing of an earlier case is left by then
		before := liveHeap()
		be := openFor(b, p, 1, n)
		fillFresh(b, be, w, n)
		held := liveHeap() - before
		if held < int64(n*size)/2 {
			b.Fatalf("%d records of %d B are held in %d B", n, size, held)
		}
		perRecord = append(perRecord, float64(held)/float64(n)-size-keyBytes)
		for range 5 {
			start := time.Now()
			runtime.GC()
			gc = append(gc, float64(time.Since(start).Nanoseconds())/1e6)
		}
		closeFor(b, be)
	}

	b.ReportMetric(0, "ns/op") // filling, which other cases measure
	b.ReportMetric(median(perRecord), "B/record")
	b.ReportMetric(median(gc), "gc-ms")
	b.ReportMetric(float64(n), "records")
}

func fillFresh(b *testing.B, be backend, w workload, n int) {
	b.Helper()
	batch := make([]record, putBatchRecords)
	for i := 0; i < n; i += putBatchRecords {
		part := batch[:min(putBatchRecords, n-i)]
		w.fresh(part, i)
		if err := be.putBatch(b.Context(), part); err != nil {
			b.Fatal(err)
		}
	}
}

// liveHeap collects twice, because a sync.Pool gives up its content at the
// second collection only.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
