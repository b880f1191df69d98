package hashkey_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
)

func between(start, end uint64) hashkey.Range {
	return hashkey.Range{Start: small(start), End: small(end)}
}

func TestZeroRangeHoldsKeyZeroAlone(t *testing.T) {
	t.Parallel()
	var r hashkey.Range
	require.True(t, r.Valid())
	require.True(t, r.Contains(small(0)))
	require.False(t, r.Contains(small(1)))
}

func TestRangeIncludesBothEnds(t *testing.T) {
	t.Parallel()
	r := between(10, 20)
	require.False(t, r.Contains(small(9)))
	require.True(t, r.Contains(small(10)))
	require.True(t, r.Contains(small(20)))
	require.False(t, r.Contains(small(21)))
}

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		r            hashkey.Range
		at           uint64
		lower, upper hashkey.Range
		fails        string
	}{
		{"in the middle", between(10, 20), 15, between(10, 14), between(15, 20), ""},
		{"at the lowest place", between(10, 20), 11, between(10, 10), between(11, 20), ""},
		{"at the highest place", between(10, 20), 20, between(10, 19), between(20, 20), ""},
		{"of two keys", between(0, 1), 1, between(0, 0), between(1, 1), ""},
		{
			"at the start", between(10, 20), 10, hashkey.Range{}, hashkey.Range{},
			"hashkey: cannot split [10, 20] at 10: one part would be empty; pass a key from 11 to 20",
		},
		{
			"below the start", between(10, 20), 9, hashkey.Range{}, hashkey.Range{},
			"hashkey: cannot split [10, 20] at 9: one part would be empty; pass a key from 11 to 20",
		},
		{
			"above the end", between(10, 20), 21, hashkey.Range{}, hashkey.Range{},
			"hashkey: cannot split [10, 20] at 21: one part would be empty; pass a key from 11 to 20",
		},
		{
			"of one key", between(10, 10), 10, hashkey.Range{}, hashkey.Range{},
			"hashkey: cannot split [10, 10] at 10: it is a single key; split a range of two keys or more",
		},
		{
			"of the last key", hashkey.Range{Start: hashkey.Max(), End: hashkey.Max()}, 10, hashkey.Range{}, hashkey.Range{},
			"hashkey: cannot split [340282366920938463463374607431768211455, 340282366920938463463374607431768211455] at 10: " +
				"it is a single key; split a range of two keys or more",
		},
		{
			"of an invalid range", between(20, 10), 15, hashkey.Range{}, hashkey.Range{},
			"hashkey: cannot split [20, 10] at 15: the range ends before it starts; pass one with Start <= End",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lower, upper, err := tt.r.Split(small(tt.at))
			require.Equal(t, tt.lower, lower)
			require.Equal(t, tt.upper, upper)
			if tt.fails == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, &hashkey.SplitError{Range: tt.r, At: small(tt.at)}, err)
			require.EqualError(t, err, tt.fails)
		})
	}
}

// The split that the Kinesis Producer Library's test data shows.
func TestHalveCutsWhereTheServicesToolsDo(t *testing.T) {
	t.Parallel()
	r := hashkey.Range{End: key(t, "170141183460469231731687303715884105727")}
	require.Equal(t, "85070591730234615865843651857942052863", r.Midpoint().String())
	lower, upper, err := r.Halve()
	require.NoError(t, err)
	require.Equal(t, "[0, 85070591730234615865843651857942052862]", lower.String())
	require.Equal(t, "[85070591730234615865843651857942052863, 170141183460469231731687303715884105727]", upper.String())
}

func TestHalveNeedsThreeKeys(t *testing.T) {
	t.Parallel()
	for _, r := range []hashkey.Range{between(4, 4), between(4, 5), between(5, 6), between(5, 4), {Start: hashkey.Max()}} {
		lower, upper, err := r.Halve()
		require.Equal(t, &hashkey.SplitError{Range: r, At: r.Midpoint()}, err)
		require.Zero(t, lower)
		require.Zero(t, upper)
	}
	lower, upper, err := between(4, 6).Halve()
	require.NoError(t, err)
	require.Equal(t, between(4, 4), lower)
	require.Equal(t, between(5, 6), upper)
}

func TestMergeFailures(t *testing.T) {
	t.Parallel()
	last := hashkey.Range{Start: hashkey.Max(), End: hashkey.Max()}
	tests := []struct {
		name  string
		a, b  hashkey.Range
		fails string
	}{
		{"a gap", between(1, 5), between(7, 9), "hashkey: cannot merge [1, 5] with [7, 9]: they are not adjacent; pass as the second the range that starts at 6"},
		{"an overlap", between(1, 5), between(5, 9), "hashkey: cannot merge [1, 5] with [5, 9]: they are not adjacent; pass as the second the range that starts at 6"},
		{"the same range", between(1, 5), between(1, 5), "hashkey: cannot merge [1, 5] with [1, 5]: they are not adjacent; pass as the second the range that starts at 6"},
		{"the other way round", between(6, 9), between(1, 5), "hashkey: cannot merge [6, 9] with [1, 5]: they are in the wrong order; pass the lower range first"},
		{"an invalid first", between(5, 1), between(2, 9), "hashkey: cannot merge [5, 1] with [2, 9]: one ends before it starts; pass ranges with Start <= End"},
		{"an invalid second", between(1, 5), between(6, 5), "hashkey: cannot merge [1, 5] with [6, 5]: one ends before it starts; pass ranges with Start <= End"},
		{
			"around the end of the space", last, between(0, 5),
			"hashkey: cannot merge [340282366920938463463374607431768211455, 340282366920938463463374607431768211455] with [0, 5]: " +
				"no key follows the first range; pass it as the second, after the one below it",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			merged, err := tt.a.Merge(tt.b)
			require.Equal(t, &hashkey.MergeError{A: tt.a, B: tt.b}, err)
			require.EqualError(t, err, tt.fails)
			require.Zero(t, merged)
		})
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		r    hashkey.Range
		want float64
	}{
		{"all keys", hashkey.Full(), 1},
		{"one key", between(5, 5), 0x1p-128},
		{"half", hashkey.EvenAt(2, 1), 0.5},
		{"an eighth", hashkey.EvenAt(8, 3), 0.125},
		{"2^64 keys", hashkey.Range{End: small(^uint64(0))}, 0x1p-64},
		{"all keys but one", hashkey.Range{Start: small(1), End: hashkey.Max()}, 1},
		{"a width that rounds down if its halves are rounded first", hashkey.Range{End: hashkey.Key{Hi: 1<<53 + 1}}, 0x1.0000000000001p-11},
		{"an invalid range", between(6, 5), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			requireSameFloat(t, tt.want, tt.r.Share())
		})
	}
}

func TestRangesAtTheEdges(t *testing.T) {
	t.Parallel()
	// All pairs of ranges of a few keys at each end of the space cover every
	// order in which four ends can lie.
	ends := []hashkey.Key{small(0), small(1), small(2), {Hi: 1}, {Hi: ^uint64(0), Lo: ^uint64(0) - 1}, hashkey.Max()}
	for _, start := range ends {
		for _, end := range ends {
			for _, otherStart := range ends {
				for _, otherEnd := range ends {
					checkRanges(t, hashkey.Range{Start: start, End: end}, hashkey.Range{Start: otherStart, End: otherEnd}, otherStart)
				}
			}
		}
	}
}

func FuzzRange(f *testing.F) {
	for _, start := range edges() {
		for _, end := range edges() {
			at, _ := start.Half().Add(end.Half())
			after, _ := end.Next()
			f.Add(start.Hi, start.Lo, end.Hi, end.Lo, after.Hi, after.Lo, ^uint64(0), ^uint64(0), at.Hi, at.Lo)
		}
	}
	f.Fuzz(func(t *testing.T, startHi, startLo, endHi, endLo, otherStartHi, otherStartLo, otherEndHi, otherEndLo, atHi, atLo uint64) {
		r := hashkey.Range{Start: hashkey.Key{Hi: startHi, Lo: startLo}, End: hashkey.Key{Hi: endHi, Lo: endLo}}
		other := hashkey.Range{Start: hashkey.Key{Hi: otherStartHi, Lo: otherStartLo}, End: hashkey.Key{Hi: otherEndHi, Lo: otherEndLo}}
		checkRanges(t, r, other, hashkey.Key{Hi: atHi, Lo: atLo})
	})
}

func checkRanges(t *testing.T, r, other hashkey.Range, at hashkey.Key) {
	t.Helper()
	start, end, point := bigOf(r.Start), bigOf(r.End), bigOf(at)
	otherStart, otherEnd := bigOf(other.Start), bigOf(other.End)
	valid, otherValid := start.Cmp(end) <= 0, otherStart.Cmp(otherEnd) <= 0

	require.Equal(t, valid, r.Valid())
	require.Equal(t, start.Cmp(point) <= 0 && point.Cmp(end) <= 0, r.Contains(at))
	require.Equal(t, "["+start.String()+", "+end.String()+"]", r.String())

	mid := new(big.Int).Add(start, end)
	mid.Rsh(mid, 1)
	require.Equal(t, keyOf(mid), r.Midpoint())

	width := new(big.Int).Sub(end, start)
	width.Add(width, big.NewInt(1))
	wantShare := 0.0
	if valid {
		wantShare, _ = new(big.Rat).SetFrac(width, space()).Float64()
	}
	requireSameFloat(t, wantShare, r.Share())

	// Two ranges overlap if the higher start is not above the lower end.
	from, to := start, end
	if otherStart.Cmp(from) > 0 {
		from = otherStart
	}
	if otherEnd.Cmp(to) < 0 {
		to = otherEnd
	}
	overlap := valid && otherValid && from.Cmp(to) <= 0
	require.Equal(t, overlap, r.Overlaps(other))
	require.Equal(t, overlap, other.Overlaps(r))

	after := new(big.Int).Add(end, big.NewInt(1))
	adjacent := valid && otherValid && after.Cmp(otherStart) == 0
	require.Equal(t, adjacent, r.Adjacent(other))
	if adjacent {
		require.False(t, other.Adjacent(r))
		require.False(t, overlap)
	}

	merged, err := r.Merge(other)
	if adjacent {
		require.NoError(t, err)
		require.Equal(t, hashkey.Range{Start: r.Start, End: other.End}, merged)
		checkSplit(t, merged, other.Start)
	} else {
		require.Equal(t, &hashkey.MergeError{A: r, B: other}, err)
		require.NotEmpty(t, err.Error())
		require.Zero(t, merged)
	}

	checkSplit(t, r, at)
	lower, upper, err := r.Split(r.Midpoint())
	halfLower, halfUpper, halfErr := r.Halve()
	require.Equal(t, lower, halfLower)
	require.Equal(t, upper, halfUpper)
	require.Equal(t, err, halfErr)
	require.Equal(t, width.Cmp(big.NewInt(3)) >= 0, halfErr == nil)
}

func checkSplit(t *testing.T, r hashkey.Range, at hashkey.Key) {
	t.Helper()
	point := bigOf(at)
	lower, upper, err := r.Split(at)
	if bigOf(r.Start).Cmp(point) >= 0 || point.Cmp(bigOf(r.End)) > 0 {
		require.Equal(t, &hashkey.SplitError{Range: r, At: at}, err)
		require.NotEmpty(t, err.Error())
		require.Zero(t, lower)
		require.Zero(t, upper)
		return
	}
	require.NoError(t, err)
	last := new(big.Int).Sub(point, big.NewInt(1))
	require.Equal(t, hashkey.Range{Start: r.Start, End: keyOf(last)}, lower)
	require.Equal(t, hashkey.Range{Start: at, End: r.End}, upper)
	require.True(t, lower.Valid())
	require.True(t, upper.Valid())
	require.False(t, lower.Overlaps(upper))
	merged, err := lower.Merge(upper)
	require.NoError(t, err)
	require.Equal(t, r, merged)
}

// requireSameFloat compares bit by bit: a share is promised to be rounded right,
// so a tolerance would hide just the failures that matter.
func requireSameFloat(t *testing.T, want, got float64) {
	t.Helper()
	require.Equal(t, math.Float64bits(want), math.Float64bits(got), "want %v, got %v", want, got)
}
