package compare

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

const (
	// keyBytes is a size class of the allocator, so that a key of its own costs
	// exactly its length.
	keyBytes = 16

	// fewKeys are few enough for any cache of keys, manyKeys too many. Both are
	// powers of two, as is payloads: the next record is found with a mask.
	fewKeys  = 1 << 12
	manyKeys = 1 << 20

	// payloads are enough for none to repeat within the 64 KiB that snappy looks
	// back.
	payloads = 1 << 10
)

// workload is an endless sequence of records with random payloads of one size,
// and with keys that repeat after a given number. Random, because a codec that a
// client switches on by itself would otherwise make one peer store less than the
// others. It holds two pointers in all, so that it costs no collection.
type workload struct {
	size    int
	keys    string
	keyMask int
	pool    []byte
}

func newWorkload(size, keys int) workload {
	var seed [32]byte
	copy(seed[:], "millrace compare")
	w := workload{size: size, keyMask: keys - 1, pool: make([]byte, payloads*size)}
	_, _ = rand.NewChaCha8(seed).Read(w.pool)

	var all strings.Builder
	for i := range keys {
		fmt.Fprintf(&all, "device-%09d", i)
	}
	w.keys = all.String()
	return w
}

func (w workload) at(i int) record {
	key := i & w.keyMask * keyBytes
	data := i & (payloads - 1) * w.size
	return record{
		key:  w.keys[key : key+keyBytes],
		data: w.pool[data : data+w.size : data+w.size],
	}
}

// batch fills dst with the records from i on.
func (w workload) batch(dst []record, i int) {
	for j := range dst {
		dst[j] = w.at(i + j)
	}
}

// fresh fills dst with the records from i on, each with a key and a payload of
// its own as a program has them that reads its input from outside. Otherwise a
// peer that keeps references would seem to hold nothing.
func (w workload) fresh(dst []record, i int) {
	for j := range dst {
		r := w.at(i + j)
		dst[j] = record{key: strings.Clone(r.key), data: bytes.Clone(r.data)}
	}
}

// smoke says that the run only has to prove that everything works.
func smoke() bool { return testing.Short() || os.Getenv("CI") != "" }

// logBytes is how much heap a put case lets a log grow to.
const logBytes = 256 << 20

// logRecords is the number of records of the given size after which a put case
// replaces the log.
func (p peer) logRecords(size int) int {
	return atMost(logBytes/(size+keyBytes+p.overhead), p.maxLog)
}

// drainRecords is the number of records to fill a log with before it is read.
func (p peer) drainRecords() int {
	n := 200_000
	if smoke() {
		n = 20_000
	}
	return atMost(n, p.maxDrain)
}

// heapRecords is the number of records BenchmarkHeap keeps live.
func (p peer) heapRecords(b *testing.B) int {
	n := 2_000_000
	if smoke() {
		n = 20_000
	}
	if s := os.Getenv("MILLRACE_COMPARE_RECORDS"); s != "" {
		v, err := strconv.Atoi(s)
		if err != nil || v < 1 {
			b.Fatalf("MILLRACE_COMPARE_RECORDS=%q is not a positive number", s)
		}
		n = v
	}
	return atMost(n, p.maxHeap)
}

func atMost(n, bound int) int {
	if bound == 0 {
		return n
	}
	return min(n, bound)
}

// sizeName writes a payload size as benchmark names do.
func sizeName(n int) string {
	if n%1024 == 0 {
		return strconv.Itoa(n/1024) + "KiB"
	}
	return strconv.Itoa(n) + "B"
}

// producerCounts is one and GOMAXPROCS.
func producerCounts() []int {
	if n := runtime.GOMAXPROCS(0); n > 1 {
		return []int{1, n}
	}
	return []int{1}
}

// fill puts n records of w, a batch at a time.
func fill(b *testing.B, be backend, w workload, n int) {
	b.Helper()
	batch := make([]record, putBatchRecords)
	for i := 0; i < n; i += putBatchRecords {
		part := batch[:min(putBatchRecords, n-i)]
		w.batch(part, i)
		if err := be.putBatch(b.Context(), part); err != nil {
			b.Fatal(err)
		}
	}
}
