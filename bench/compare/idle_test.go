package compare

import (
	"runtime"
	"strconv"
	"testing"
	"time"
)

// idleCapacity is the size of a channel that stands for an idle stream.
const idleCapacity = 1024

// BenchmarkIdle is the cost of a log that nobody uses: the time to make and close
// it, and the memory and goroutines it holds in between. of=first makes
// everything a program needs for its first log, which for jetstream and kafka is
// a server and a client; of=next is one more log on those.
func BenchmarkIdle(b *testing.B) {
	for _, p := range peers() {
		b.Run("peer="+p.name+"/of=first", func(b *testing.B) {
			benchmarkIdle(b, func(int) (func() error, error) {
				be, err := p.open(1, idleCapacity)
				if err != nil {
					return nil, err
				}
				return be.close, nil
			})
		})
	}
	b.Run("peer=jetstream/of=next", func(b *testing.B) {
		s, err := startJetstream()
		if err != nil {
			b.Fatal(err)
		}
		benchmarkIdle(b, func(i int) (func() error, error) {
			name := "idle-" + strconv.Itoa(i)
			_, err := s.createStream(b.Context(), name)
			return func() error { return s.js.DeleteStream(b.Context(), name) }, err
		})
		if err := s.close(); err != nil {
			b.Error(err)
		}
	})
	b.Run("peer=kafka/of=next", func(b *testing.B) {
		be, err := newKafka(1)
		if err != nil {
			b.Fatal(err)
		}
		benchmarkIdle(b, func(i int) (func() error, error) {
			name := "idle-" + strconv.Itoa(i)
			return func() error { return be.cluster.DeleteTopic(name) }, be.cluster.CreateTopic(name, 1, nil)
		})
		closeFor(b, be)
	})
}

// benchmarkIdle measures what makeOne makes until the function it returns is
// called. No two calls have the same number.
func benchmarkIdle(b *testing.B, makeOne func(i int) (func() error, error)) {
	start := time.Now()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		closeOne, err := makeOne(i)
		if err != nil {
			b.Fatal(err)
		}
		if err := closeOne(); err != nil {
			b.Fatal(err)
		}
		i++
	}
	each := time.Since(start) / time.Duration(i)

	// Enough of them to see one above what the process does by itself, but not
	// a hundred servers.
	count := 100
	if each > time.Millisecond {
		count = 4
	}
	closers := make([]func() error, 0, count)
	heap, goroutines := held()
	for range count {
		closeOne, err := makeOne(i)
		if err != nil {
			b.Fatal(err)
		}
		closers = append(closers, closeOne)
		i++
	}
	heapWith, goroutinesWith := held()
	for _, closeOne := range closers {
		if err := closeOne(); err != nil {
			b.Fatal(err)
		}
	}

	b.ReportMetric(max(0, float64(heapWith-heap)/float64(count)), "B/idle")
	b.ReportMetric(max(0, float64(goroutinesWith-goroutines)/float64(count)), "goroutines/idle")
}

// held is the live heap with stacks, and the number of goroutines, once those
// that were about to start or end have done so.
func held() (bytes int64, goroutines int) {
	time.Sleep(20 * time.Millisecond)
	heap := liveHeap()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return heap + int64(m.StackInuse), runtime.NumGoroutine()
}
