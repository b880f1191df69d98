package bench

import (
	"crypto/md5"
	"fmt"
	"sync"
	"testing"
	"time"
)

// chunk is how many operations are timed at a stretch before the floor has its
// turn: long against a clock reading, short against the machine's moods.
const chunk = 10_000

// sizes of a record: a key of 16 bytes, the rest data.
var sizes = []struct {
	name  string
	bytes int
}{{"100B", 100}, {"1KiB", 1024}}

const keyBytes = 16

// warmBytes is the memory that a warm floor and a stream at its bound go round
// in: more than the second-level cache, so that neither writes to hot lines.
const warmBytes = 64 << 20

// someKeys are n partition keys.
func someKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("client-%09d", i)
	}
	return keys
}

// beside times op and floor in turns, n operations at a call, and reports the
// time of op and its ratio to that of floor.
func beside(b *testing.B, op, floor func(n int)) {
	b.Helper()
	var opTime, floorTime time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		n := min(left, chunk)
		left -= n
		start := time.Now()
		op(n)
		opTime += time.Since(start)
		b.StopTimer()
		start = time.Now()
		floor(n)
		floorTime += time.Since(start)
		b.StartTimer()
	}
	b.StopTimer()
	b.ReportMetric(float64(opTime)/float64(floorTime), "x-floor")
	b.ReportMetric(float64(floorTime.Nanoseconds())/float64(b.N), "floor-ns/op")
}

// memory is where a floor copies to.
type memory struct {
	mu    sync.Mutex
	block []byte
	at    int
	fresh int // bytes to grow to, 0 for a block to go round in
	held  [][]byte
	sum   uint64
}

// warmMemory is n blocks, of warmBytes together, with every page there.
func warmMemory(n int) []*memory {
	blocks := make([]*memory, n)
	for i := range blocks {
		blocks[i] = &memory{block: make([]byte, warmBytes/n)}
		for j := range blocks[i].block {
			blocks[i].block[j] = 1
		}
	}
	return blocks
}

// freshMemory is n blocks that grow.
func freshMemory(n int) []*memory {
	blocks := make([]*memory, n)
	for i := range blocks {
		blocks[i] = &memory{fresh: growTo / n}
	}
	return blocks
}

// putTo does what every put must: hash, choose the shard by the leading bits,
// read the clock, lock, copy. There are a power of two of blocks.
func putTo(blocks []*memory, key string, data []byte, start time.Time) {
	sum := md5.Sum([]byte(key))
	m := blocks[int(sum[0])*len(blocks)>>8]
	now := time.Since(start)
	m.mu.Lock()
	if need := len(key) + len(data); m.at+need > len(m.block) {
		m.turn()
	}
	m.at += copy(m.block[m.at:], key)
	m.at += copy(m.block[m.at:], data)
	m.sum += uint64(now)
	m.mu.Unlock()
}

// turn goes round in warm memory, or gets a block of fresh memory as a log does.
func (m *memory) turn() {
	m.at = 0
	if m.fresh == 0 {
		return
	}
	m.block = make([]byte, 1<<20)
	m.held = append(m.held, m.block)
	if len(m.held)<<20 > m.fresh {
		m.held = m.held[:0:0]
	}
}

// floorOf returns the floor of single puts, keys in turn.
func floorOf(blocks []*memory, keys []string, data []byte) func(n int) {
	start, next := time.Now(), 0
	return func(n int) {
		for range n {
			putTo(blocks, keys[next], data, start)
			if next++; next == len(keys) {
				next = 0
			}
		}
	}
}

// BenchmarkFloor times the steps of the floor one by one.
func BenchmarkFloor(b *testing.B) {
	keys := someKeys(10_000)
	b.Run("step=md5", func(b *testing.B) {
		var sum byte
		i := 0
		for b.Loop() {
			s := md5.Sum([]byte(keys[i%len(keys)]))
			sum += s[0]
			i++
		}
	})
	b.Run("step=clock", func(b *testing.B) {
		start := time.Now()
		for b.Loop() {
			time.Since(start)
		}
	})
	b.Run("step=lock", func(b *testing.B) {
		var mu sync.Mutex
		for b.Loop() {
			mu.Lock()
			mu.Unlock() //nolint:staticcheck,gocritic // an empty critical section is what is measured
		}
	})
	for _, size := range sizes {
		data := make([]byte, size.bytes)
		for _, m := range []struct {
			name string
			mem  []*memory
		}{{"warm", warmMemory(1)}, {"fresh", freshMemory(1)}} {
			b.Run("step=copy/memory="+m.name+"/size="+size.name, func(b *testing.B) {
				b.SetBytes(int64(size.bytes))
				to := m.mem[0]
				for b.Loop() {
					if to.at+len(data) > len(to.block) {
						to.turn()
					}
					to.at += copy(to.block[to.at:], data)
				}
			})
			b.Run("step=all/memory="+m.name+"/size="+size.name, func(b *testing.B) {
				put := floorOf(m.mem, keys, data[keyBytes:])
				b.SetBytes(int64(size.bytes))
				for b.Loop() {
					put(1)
				}
			})
		}
	}
}
