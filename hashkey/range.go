package hashkey

import (
	"fmt"
	"math"
	"math/bits"
)

// Range is the hash keys from Start to End, both included: what one shard owns.
// A range is valid if Start is not above End, and then holds at least one key;
// the zero value is valid and holds key 0 alone. Ranges compare with ==.
//
// An invalid range is no error by itself. It contains nothing, has a share of 0,
// neighbours and overlaps no range, and cannot be split or merged.
type Range struct {
	Start, End Key
}

// Full returns the range of all keys, from 0 to 2^128-1.
func Full() Range { return Range{End: Max()} }

// Valid reports whether Start is not above End.
func (r Range) Valid() bool { return !r.End.Less(r.Start) }

// Contains reports whether Start <= key <= End.
func (r Range) Contains(key Key) bool {
	return !key.Less(r.Start) && !r.End.Less(key)
}

// Adjacent reports whether next starts at the key after r's End, so that the two
// can merge. The order counts: if r.Adjacent(next) then not next.Adjacent(r).
// The space is not a ring: nothing is next to a range that ends at [Max].
func (r Range) Adjacent(next Range) bool {
	after, ok := r.End.Next()
	return ok && after == next.Start && r.Valid() && next.Valid()
}

// Overlaps reports whether some key is in both ranges.
func (r Range) Overlaps(other Range) bool {
	return r.Valid() && other.Valid() && !r.End.Less(other.Start) && !other.End.Less(r.Start)
}

// Split cuts r in two at a key, which becomes the first of the upper part: lower
// is Start to at-1 and upper is at to End. Neither part may be empty, so at must
// be above Start and not above End.
//
// Errors: [*SplitError] if at is elsewhere; both parts are then zero.
func (r Range) Split(at Key) (lower, upper Range, err error) {
	if !r.Start.Less(at) || r.End.Less(at) {
		return Range{}, Range{}, &SplitError{Range: r, At: at}
	}
	last, _ := at.Prev()
	return Range{Start: r.Start, End: last}, Range{Start: at, End: r.End}, nil
}

// Midpoint returns floor((Start+End)/2), the key at which AWS's tools split a
// shard evenly. It is Start itself if r has one or two keys.
func (r Range) Midpoint() Key {
	// The bit lost by halving the ends before adding them is 1 only if both are
	// odd, and then the sum of the halves has room for it.
	lost := Key{Lo: r.Start.Lo & r.End.Lo & 1}
	mid, _ := r.Start.Half().Add(r.End.Half())
	mid, _ = mid.Add(lost)
	return mid
}

// Halve splits r at its [Range.Midpoint]. As the midpoint is rounded down and
// goes to the upper half, that half has one key more than the lower if r has an
// odd number of them, and two more if r has an even number.
//
// Errors: [*SplitError] if r has fewer than three keys, as its midpoint is then
// its Start; both halves are then zero. A range of two keys can still be split,
// at its End.
func (r Range) Halve() (lower, upper Range, err error) {
	return r.Split(r.Midpoint())
}

// Merge returns the range of r's keys and next's, which must follow r directly:
// see [Range.Adjacent].
//
// Errors: [*MergeError] if it does not; the range is then zero.
func (r Range) Merge(next Range) (Range, error) {
	if !r.Adjacent(next) {
		return Range{}, &MergeError{A: r, B: next}
	}
	return Range{Start: r.Start, End: next.End}, nil
}

// Share returns the part of the space that r covers, from 2^-128 for one key to
// 1 for [Full], rounded once to the nearest float64. So a range that lacks only
// a few keys of the space has a share of 1 as well. An invalid range has 0.
func (r Range) Share() float64 {
	width, borrow := r.End.Sub(r.Start)
	if borrow {
		return 0
	}
	width, ok := width.Next()
	if !ok {
		return 1
	}
	if width.Hi == 0 {
		return math.Ldexp(float64(width.Lo), -128)
	}
	// Adding two rounded halves would round twice. The top 64 bits with the rest
	// folded into the lowest of them round as the whole does.
	zeros := bits.LeadingZeros64(width.Hi)
	top := width.Hi<<zeros | width.Lo>>(64-zeros)
	if width.Lo<<zeros != 0 {
		top |= 1
	}
	return math.Ldexp(float64(top), -64-zeros)
}

// String returns the range in the notation of a closed interval, "[0, 99]".
func (r Range) String() string {
	b := make([]byte, 0, 2*maxDigits+len("[, ]"))
	b = append(b, '[')
	b = r.Start.AppendTo(b)
	b = append(b, ", "...)
	b = r.End.AppendTo(b)
	b = append(b, ']')
	return string(b)
}

// SplitError says that a range cannot be split at a key.
type SplitError struct {
	Range Range
	At    Key
}

func (e *SplitError) Error() string {
	first, ok := e.Range.Start.Next()
	switch {
	case !e.Range.Valid():
		return fmt.Sprintf("hashkey: cannot split %s at %s: the range ends before it starts; pass one with Start <= End", e.Range, e.At)
	case !ok || e.Range.End.Less(first):
		return fmt.Sprintf("hashkey: cannot split %s at %s: it is a single key; split a range of two keys or more", e.Range, e.At)
	default:
		return fmt.Sprintf("hashkey: cannot split %s at %s: one part would be empty; pass a key from %s to %s", e.Range, e.At, first, e.Range.End)
	}
}

// MergeError says that two ranges, in this order, do not follow one another
// directly.
type MergeError struct {
	A, B Range
}

func (e *MergeError) Error() string {
	after, ok := e.A.End.Next()
	switch {
	case !e.A.Valid() || !e.B.Valid():
		return fmt.Sprintf("hashkey: cannot merge %s with %s: one ends before it starts; pass ranges with Start <= End", e.A, e.B)
	case e.B.Adjacent(e.A):
		return fmt.Sprintf("hashkey: cannot merge %s with %s: they are in the wrong order; pass the lower range first", e.A, e.B)
	case !ok:
		return fmt.Sprintf("hashkey: cannot merge %s with %s: no key follows the first range; pass it as the second, after the one below it", e.A, e.B)
	default:
		return fmt.Sprintf("hashkey: cannot merge %s with %s: they are not adjacent; pass as the second the range that starts at %s", e.A, e.B, after)
	}
}
