package compare

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// wakeupPause is how long a put waits after the reader has had the record
// before: enough for it to wait again, and for the clients that fetch in the
// background to have asked the broker for more.
const wakeupPause = 200 * time.Microsecond

// wakeupCapacity is more than a channel ever holds here.
const wakeupCapacity = 1024

// BenchmarkWakeup is the time from the call of put until a reader that was
// waiting has the record. There is one record of 100 B at a time, so this is the
// delay of a quiet stream and not of a busy one.
func BenchmarkWakeup(b *testing.B) {
	list := append(peers(), peer{name: "unbuffered", open: func(shards, _ int) (backend, error) {
		return openChan(shards, 0)
	}})
	for _, p := range list {
		b.Run("peer="+p.name, func(b *testing.B) { benchmarkWakeup(b, p) })
	}
}

func benchmarkWakeup(b *testing.B, p peer) {
	w := newWorkload(100, fewKeys)
	be := openFor(b, p, 1, wakeupCapacity)
	defer func() { closeFor(b, be) }()
	rd := readerFor(b, be)
	loop := startReadLoop(b.Context(), rd)

	wake := func(i int) time.Duration {
		time.Sleep(wakeupPause)
		start := time.Now()
		if err := be.put(b.Context(), w.at(i)); err != nil {
			b.Fatal(err)
		}
		got := <-loop.arrivals
		if got.err != nil {
			b.Fatal(got.err)
		}
		return got.at.Sub(start)
	}

	// The first read connects, subscribes and looks up.
	for i := range 20 {
		wake(i)
	}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		took = append(took, wake(i))
	}

	slices.Sort(took)
	b.ReportMetric(0, "ns/op") // mostly the pause
	b.ReportMetric(float64(quantile(took, 0.50).Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(quantile(took, 0.99).Nanoseconds()), "p99-ns")

	loop.stop.Store(true)
	if err := be.put(b.Context(), w.at(0)); err != nil {
		b.Fatal(err)
	}
	<-loop.done
	if err := rd.close(); err != nil {
		b.Error(err)
	}
}

// readLoop reads records one at a time in a goroutine of its own.
type readLoop struct {
	arrivals chan arrival
	done     chan struct{}

	// stop ends the loop at the next record. Not every peer can be told to stop
	// waiting.
	stop atomic.Bool
}

type arrival struct {
	at   time.Time
	data []byte
	err  error
}

func startReadLoop(ctx context.Context, rd reader) *readLoop {
	l := &readLoop{arrivals: make(chan arrival, 1), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for {
			data, err := rd.next(ctx)
			at := time.Now()
			if l.stop.Load() {
				return
			}
			l.arrivals <- arrival{at: at, data: data, err: err}
			if err != nil {
				return
			}
		}
	}()
	return l
}

// quantile of a sorted, non-empty slice, by the nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
