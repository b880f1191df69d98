package shard

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"
)

const (
	// entrySize is the size of a record's entry in the index of its segment.
	entrySize = 16

	minSegment = 4 << 10
	maxSegment = 1 << 20

	keyLenBits = 15
	keyLenMask = 1<<keyLenBits - 1
)

// segment is one block of a shard's log: plain bytes without a pointer, so that
// the garbage collector's work grows with segments and not with records. Keys
// and data lie back to back from the front, the index grows from the back:
//
//	| key data | key data | key data |   free   | entry 2 | entry 1 | entry 0 |
//
// An entry is two words: offset (32 bits) and data length (32); arrival in Unix
// milliseconds (48), explicit-hash-key flag (1) and key length (15).
//
// Bytes that have been published by the shard's tail never change while the
// segment can be read. The buffer of a segment that no reader ever saw is used
// again once it is trimmed; state is what makes that safe.
type segment struct {
	buf          []byte
	base         uint64 // index of the first record
	firstArrival int64  // of the first record, in Unix milliseconds

	sealed atomic.Uint64 // index after the last record; 0 while the segment is the tail
	state  atomic.Uint32
}

// States of a segment. A reader moves it from fresh to exposed before it looks
// at the bytes, the trimmer from fresh to retired before it takes the buffer
// away; whoever comes second sees it and gives way.
const (
	segmentFresh uint32 = iota
	segmentExposed
	segmentRetired
)

// pin makes the bytes of g safe to read and to hand out, for good, and reports
// whether that was still possible.
func (g *segment) pin() bool {
	if g.state.Load() == segmentExposed {
		return true
	}
	return g.state.CompareAndSwap(segmentFresh, segmentExposed) || g.state.Load() == segmentExposed
}

// retire reports whether the buffer of g may be used again.
func (g *segment) retire() bool { return g.state.CompareAndSwap(segmentFresh, segmentRetired) }

// entry is the place of a record in its segment.
type entry struct {
	place   uint64 // offset in the low half, data length in the high one
	arrival uint64 // arrival in the high 48 bits, flag and key length in the low 16
}

func (g *segment) entry(i int) entry {
	b := g.buf[len(g.buf)-(i+1)*entrySize:]
	return entry{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

func (e entry) offset() int     { return int(uint32(e.place)) }
func (e entry) dataLen() int    { return int(e.place >> 32) }
func (e entry) keyLen() int     { return int(e.arrival & keyLenMask) }
func (e entry) explicit() bool  { return e.arrival>>keyLenBits&1 != 0 }
func (e entry) millis() int64   { return int64(e.arrival >> 16) }
func (e entry) bytes() int64    { return int64(e.keyLen() + e.dataLen()) }
func (e entry) occupied() int64 { return e.bytes() + entrySize }
func (e entry) end() int        { return e.offset() + e.keyLen() + e.dataLen() }

// writer is where the next record of a log goes: the buffer of its tail, with
// keys and data up to used and the index from low on.
type writer struct {
	buf       []byte
	used, low uint32
}

// room is how many bytes are left for a record with its entry.
func (w *writer) room() int { return int(w.low) - int(w.used) }

// append copies a record in; arrival is the second word of its entry. The caller
// has made sure of the room.
func (w *writer) append(key string, data []byte, arrival uint64) {
	at := int(w.used)
	n := copy(w.buf[at:], key)
	n += copy(w.buf[at+n:], data)
	w.used += uint32(n)
	w.low -= entrySize
	b := w.buf[w.low:]
	binary.LittleEndian.PutUint64(b, uint64(at)|uint64(len(data))<<32)
	binary.LittleEndian.PutUint64(b[8:], arrival)
}

// view returns the key and the data of e, aliasing the segment.
func (g *segment) view(e entry) (key string, data []byte) {
	at, keyLen := e.offset(), e.keyLen()
	end := at + keyLen + e.dataLen()
	bytes := g.buf[at:end:end]
	return unsafe.String(unsafe.SliceData(bytes), keyLen), bytes[keyLen:]
}

// directory lists the segments of a log, oldest first. It is immutable but for
// the slots of trimmed segments, which are cleared so that the array does not
// hold their bytes.
type directory struct {
	first uint64 // ordinal of segs[0], counted from the shard's first segment
	segs  []atomic.Pointer[segment]
}

// at is the segment with an ordinal, nil if it has been trimmed or is still to
// come.
func (d *directory) at(ordinal uint64) *segment {
	if i := ordinal - d.first; i < uint64(len(d.segs)) {
		return d.segs[i].Load()
	}
	return nil
}

// find is the ordinal of the segment that holds the record with an index. The
// answer is true only while no slot it passed was cleared.
func (d *directory) find(index uint64) (ordinal uint64, g *segment) {
	low, high := 0, len(d.segs)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if g := d.segs[mid].Load(); g == nil || g.base <= index {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return 0, nil
	}
	return d.first + uint64(low-1), d.segs[low-1].Load()
}

// with returns the directory that has g as its last segment.
func (d *directory) with(g *segment) *directory {
	segs := d.segs
	if len(segs) == cap(segs) {
		segs = make([]atomic.Pointer[segment], len(d.segs), max(4, 2*len(d.segs)))
		for i := range segs {
			segs[i].Store(d.segs[i].Load())
		}
	}
	// Readers of the older directory never look beyond its length, so the
	// array can be shared.
	segs = segs[:len(segs)+1]
	segs[len(segs)-1].Store(g)
	return &directory{first: d.first, segs: segs}
}

// without returns the directory that lacks the n oldest segments.
func (d *directory) without(n int) *directory {
	next := &directory{first: d.first + uint64(n), segs: d.segs[n:]}
	for i := range n {
		d.segs[i].Store(nil)
	}
	return next
}
