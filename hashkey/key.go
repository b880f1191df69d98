package hashkey

import (
	"cmp"
	"encoding/binary"
	"math/bits"
)

// Key is a hash key: an unsigned integer of 128 bits, Hi*2^64 + Lo, so from 0 to
// 2^128-1. Every value of the struct is a key, and the zero value is key 0. Keys
// compare with == and [Key.Compare], and serve as map keys.
type Key struct {
	Hi, Lo uint64
}

// Max returns the greatest key, 2^128-1.
func Max() Key { return Key{Hi: ^uint64(0), Lo: ^uint64(0)} }

// FromBytes returns the key that b holds with its most significant byte first,
// which is how the service reads an MD5 sum.
func FromBytes(b [16]byte) Key {
	return Key{Hi: binary.BigEndian.Uint64(b[:8]), Lo: binary.BigEndian.Uint64(b[8:])}
}

// Bytes returns the key with its most significant byte first, as [FromBytes]
// takes it. The bytes of two keys sort as the keys do.
func (k Key) Bytes() [16]byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k.Hi)
	binary.BigEndian.PutUint64(b[8:], k.Lo)
	return b
}

// Compare returns -1 if k is below other, 0 if they are equal and +1 if k is
// above other. The method expression Key.Compare fits the functions of package
// slices.
func (k Key) Compare(other Key) int {
	if c := cmp.Compare(k.Hi, other.Hi); c != 0 {
		return c
	}
	return cmp.Compare(k.Lo, other.Lo)
}

// Less reports whether k is below other.
func (k Key) Less(other Key) bool {
	_, borrow := k.Sub(other)
	return borrow
}

// Add returns k + other modulo 2^128, and whether the true sum is 2^128 or more.
func (k Key) Add(other Key) (sum Key, carry bool) {
	lo, c := bits.Add64(k.Lo, other.Lo, 0)
	hi, c := bits.Add64(k.Hi, other.Hi, c)
	return Key{Hi: hi, Lo: lo}, c != 0
}

// Sub returns k - other modulo 2^128, and whether the true difference is below
// zero.
func (k Key) Sub(other Key) (diff Key, borrow bool) {
	lo, b := bits.Sub64(k.Lo, other.Lo, 0)
	hi, b := bits.Sub64(k.Hi, other.Hi, b)
	return Key{Hi: hi, Lo: lo}, b != 0
}

// Next returns k + 1. After [Max] there is none: it returns key 0 and false.
func (k Key) Next() (next Key, ok bool) {
	next, carry := k.Add(Key{Lo: 1})
	return next, !carry
}

// Prev returns k - 1. Before key 0 there is none: it returns key 0 and false.
func (k Key) Prev() (prev Key, ok bool) {
	if k == (Key{}) {
		return Key{}, false
	}
	prev, _ = k.Sub(Key{Lo: 1})
	return prev, true
}

// Half returns floor(k / 2).
func (k Key) Half() Key {
	return Key{Hi: k.Hi >> 1, Lo: k.Hi<<63 | k.Lo>>1}
}
