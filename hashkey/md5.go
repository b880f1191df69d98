package hashkey

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// MD5 of one block is written out here, beside crypto/md5, because it is more
// than half of a put. Nearly every partition key fits one block with its
// padding. The steps of MD5 depend on each other, so a processor mostly waits:
// leaving out the bookkeeping of a general hash saves an eighth, and summing
// two keys in turns takes little longer than summing one.
//
// The tables are variables and not constants: compilers move constants of a sum
// to its end, which is the path that everything waits for.

//go:generate go run gen_md5.go

// md5OneBlock is the length of the longest text that fits one block with the
// mark and the length that follow it.
const md5OneBlock = 55

// md5Block is 64 bytes as the 16 little-endian words that MD5 sees.
type md5Block [16]uint32

// fill pads text, which has at most md5OneBlock bytes, into a zero block.
func (x *md5Block) fill(text string) {
	from, at := bytesOf(text), 0
	for ; len(from) >= 8; from, at = from[8:], at+2 {
		word := binary.LittleEndian.Uint64(from)
		x[at], x[at+1] = uint32(word), uint32(word>>32)
	}
	// The rest and the mark are put together first, so that no step has to wait
	// for bytes stored one by one.
	rest := uint64(0x80)
	for i := len(from) - 1; i >= 0; i-- {
		rest = rest<<8 | uint64(from[i])
	}
	x[at], x[at+1] = uint32(rest), uint32(rest>>32)
	x[14] = uint32(len(text)) * 8
}

// md5Key is the sum with its first byte as the most significant one.
func md5Key(a, b, c, d uint32) Key {
	a, b, c, d = a+md5Start[0], b+md5Start[1], c+md5Start[2], d+md5Start[3]
	return Key{
		Hi: uint64(bits.ReverseBytes32(a))<<32 | uint64(bits.ReverseBytes32(b)),
		Lo: uint64(bits.ReverseBytes32(c))<<32 | uint64(bits.ReverseBytes32(d)),
	}
}

// bytesOf shares the memory of text, which is safe for a reader.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }
