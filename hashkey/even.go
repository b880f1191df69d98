package hashkey

import (
	"fmt"
	"math"
	"math/bits"
	"unsafe"
)

const (
	// maxCount is what an int holds on every platform.
	maxCount = 1<<31 - 1

	// maxSlice is smaller where the address space is: a longer slice of ranges
	// makes a 32-bit program panic.
	maxSlice = min(maxCount, math.MaxInt/int(unsafe.Sizeof(Range{})))
)

// Even divides the space into n ranges in ascending order, as the service does
// for a new stream of n shards: each has floor(2^128/n) keys, and the last one
// also the keys that remain, fewer than n. Each is adjacent to the next, and
// together they are [Full].
//
// n is from 1 to 2147483647 (to 67108863 on a 32-bit platform). The cost is one
// addition a range and one slice of 32 bytes a range, so the greatest n takes
// 64 GiB: bound n before passing a stranger's. [EvenAt] computes one of the
// ranges alone.
//
// Errors: [*CountError] if n is out of bounds; nothing has been allocated then.
func Even(n int) ([]Range, error) {
	if n < 1 || n > maxSlice {
		return nil, &CountError{N: n, Max: maxSlice}
	}
	ranges := make([]Range, n)
	width := evenWidth(n)
	start := Key{}
	for i := range ranges[:n-1] {
		next, _ := start.Add(width)
		end, _ := next.Prev()
		ranges[i] = Range{Start: start, End: end}
		start = next
	}
	ranges[n-1] = Range{Start: start, End: Max()}
	return ranges, nil
}

// EvenAt returns element i, counted from 0, of what [Even] returns for n,
// without building the others and without allocating.
//
// n is from 1 to 2147483647 and i from 0 to n-1. Outside these bounds there is
// no such range, and EvenAt returns one that is not [Range.Valid] and so
// contains nothing.
func EvenAt(n, i int) Range {
	if n < 1 || n > maxCount || i < 0 || i >= n {
		return Range{Start: Max(), End: Key{}}
	}
	width := evenWidth(n)
	start := width.mulSmall(uint64(i))
	if i == n-1 {
		return Range{Start: start, End: Max()}
	}
	next, _ := start.Add(width)
	end, _ := next.Prev()
	return Range{Start: start, End: end}
}

// evenWidth returns floor(2^128/n) for an n of at least 1, modulo 2^128. That
// makes it 0 for an n of 1, whose only range is the last and takes its end from
// the space.
func evenWidth(n int) Key {
	if n == 1 {
		return Key{}
	}
	hi, rest := bits.Div64(1, 0, uint64(n))
	lo, _ := bits.Div64(rest, 0, uint64(n))
	return Key{Hi: hi, Lo: lo}
}

// mulSmall returns k*m modulo 2^128.
func (k Key) mulSmall(m uint64) Key {
	hi, lo := bits.Mul64(k.Lo, m)
	return Key{Hi: hi + k.Hi*m, Lo: lo}
}

// CountError says that the space cannot be divided into N ranges.
type CountError struct {
	N   int
	Max int // the greatest count on this platform
}

func (e *CountError) Error() string {
	return fmt.Sprintf("hashkey: cannot divide the hash keys into %d ranges: pass a count from 1 to %d", e.N, e.Max)
}
