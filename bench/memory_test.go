package bench

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
)

// liveRecords is how many records the benchmarks of memory keep: by default
// what the tables say, fewer where MILLRACE_BENCH_RECORDS or CI asks for it.
func liveRecords(b *testing.B, n int) int {
	if most, err := strconv.Atoi(os.Getenv("MILLRACE_BENCH_RECORDS")); err == nil {
		return min(n, most)
	}
	if testing.Short() || os.Getenv("CI") != "" {
		return min(n, 50_000)
	}
	return n
}

// heap is the live heap, and how long it takes to collect it.
func heap() (bytes uint64, collection time.Duration) {
	runtime.GC()
	times := make([]time.Duration, 5)
	for i := range times {
		start := time.Now()
		runtime.GC()
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, times[len(times)/2]
}

// BenchmarkHeap puts 2,000,000 and 10,000,000 records of 100 bytes and reports
// the live heap beyond keys and data, and the time of a forced collection
// beyond that with an empty stream.
func BenchmarkHeap(b *testing.B) {
	keys, data := someKeys(10_000), make([]byte, 100-keyBytes)
	for _, want := range []int{2_000_000, 10_000_000} {
		b.Run("records="+strconv.Itoa(want), func(b *testing.B) {
			records := liveRecords(b, want)
			for range b.N {
				s, err := stream.New("bench", stream.Config{Shards: 8})
				require.NoError(b, err)
				emptyBytes, emptyTime := heap()
				b.StartTimer()
				for i := range records {
					if _, err := s.Put(b.Context(), stream.Entry{PartitionKey: keys[i%len(keys)], Data: data}); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				bytes, collection := heap()
				overhead := float64(bytes) - float64(emptyBytes) - float64(records*100)
				b.ReportMetric(overhead/float64(records), "B/record")
				b.ReportMetric(float64((collection-emptyTime).Microseconds())/1000, "gc-ms-above-empty")
				b.ReportMetric(float64(collection)/float64(emptyTime), "gc-x-empty")
				runtime.KeepAlive(s)
			}
		})
	}
}

// BenchmarkIdle makes a stream of one shard that nobody uses.
func BenchmarkIdle(b *testing.B) {
	b.ReportAllocs()
	before := runtime.NumGoroutine()
	for b.Loop() {
		if _, err := stream.New("idle", stream.Config{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(runtime.NumGoroutine()-before), "goroutines")
}
