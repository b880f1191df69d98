package shard

import (
	"slices"
	"sync"
)

// Buffers keeps the memory of trimmed segments that no reader has seen, for the
// next segments of the shards that share it: in a steady state a stream then
// touches the same memory over and over instead of asking for fresh pages. It
// is safe for concurrent use, and the zero value is ready.
type Buffers struct {
	mu   sync.Mutex // guards the fields below; taken after the lock of a shard
	kept [][]byte
	size int
}

// maxKept is how many bytes are kept at the most.
const maxKept = 4 * maxSegment

// put keeps buf in place of the oldest ones.
func (b *Buffers) put(buf []byte) {
	if len(buf) > maxKept {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.size+len(buf) > maxKept {
		b.removeLocked(0)
	}
	b.kept = append(b.kept, buf)
	b.size += len(buf)
}

// get returns a kept buffer of at least need bytes and near size, or nil.
func (b *Buffers) get(need, size int) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.kept) - 1; i >= 0; i-- {
		buf := b.kept[i]
		if len(buf) < need || len(buf) < size/2 || len(buf) > 2*size {
			continue
		}
		b.removeLocked(i)
		return buf
	}
	return nil
}

func (b *Buffers) removeLocked(i int) {
	b.size -= len(b.kept[i])
	b.kept = slices.Delete(b.kept, i, i+1)
}

// Drop lets go of all that is kept.
func (b *Buffers) Drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept, b.size = nil, 0
}
