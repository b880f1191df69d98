package compare

import (
	"runtime"
	"testing"
)

// meter makes an op one record where an iteration of b.Loop is many. Producers
// are started and growing logs are replaced between iterations; neither could
// be kept off the clock with an iteration a record. The testing package counts
// allocations per iteration, so meter counts them itself, over the same spans
// as the timer.
type meter struct {
	b *testing.B

	last    runtime.MemStats
	mallocs uint64
	bytes   uint64
}

// newMeter is called last before the loop.
func newMeter(b *testing.B) *meter {
	m := &meter{b: b}
	b.ReportAllocs()
	runtime.ReadMemStats(&m.last)
	return m
}

// pause stops clock and counting until resume.
func (m *meter) pause() {
	m.b.StopTimer()
	m.count()
}

func (m *meter) resume() {
	runtime.ReadMemStats(&m.last)
	m.b.StartTimer()
}

func (m *meter) count() {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	m.mallocs += now.Mallocs - m.last.Mallocs
	m.bytes += now.TotalAlloc - m.last.TotalAlloc
}

// report is called right after the loop, with the records handled in it.
func (m *meter) report(records int) {
	m.count()
	n := float64(records)
	m.b.ReportMetric(float64(m.b.Elapsed().Nanoseconds())/n, "ns/op")
	m.b.ReportMetric(float64(m.mallocs)/n, "allocs/op")
	m.b.ReportMetric(float64(m.bytes)/n, "B/op")
	m.b.ReportMetric(n/m.b.Elapsed().Seconds(), "records/s")
}
