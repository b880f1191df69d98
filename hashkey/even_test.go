package hashkey_test

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
)

// The ends are those that the service gave to new streams.
func TestEvenDividesAsTheService(t *testing.T) {
	t.Parallel()
	const last = "340282366920938463463374607431768211455"
	tests := [][]string{
		{last},
		{"170141183460469231731687303715884105727", last},
		{"113427455640312821154458202477256070484", "226854911280625642308916404954512140969", last},
		{
			"85070591730234615865843651857942052863", "170141183460469231731687303715884105727",
			"255211775190703847597530955573826158591", last,
		},
		{
			"68056473384187692692674921486353642290", "136112946768375385385349842972707284581",
			"204169420152563078078024764459060926872", "272225893536750770770699685945414569163", last,
		},
		{
			"56713727820156410577229101238628035241", "113427455640312821154458202477256070483",
			"170141183460469231731687303715884105725", "226854911280625642308916404954512140967",
			"283568639100782052886145506193140176209", last,
		},
	}
	for _, ends := range tests {
		t.Run("n="+strconv.Itoa(len(ends)), func(t *testing.T) {
			t.Parallel()
			ranges, err := hashkey.Even(len(ends))
			require.NoError(t, err)
			require.Len(t, ranges, len(ends))
			for i, r := range ranges {
				require.Equal(t, ends[i], r.End.String())
			}
			checkTiling(t, ranges)
		})
	}
}

func TestEvenRefusesOtherCounts(t *testing.T) {
	t.Parallel()
	greatest := math.MaxInt32
	if strconv.IntSize == 32 {
		greatest = 67108863
	}
	counts := []int{0, -1, math.MinInt}
	if strconv.IntSize == 64 {
		counts = append(counts, greatest+1)
	}
	counts = append(counts, math.MaxInt)
	for _, n := range counts {
		ranges, err := hashkey.Even(n)
		require.Equal(t, &hashkey.CountError{N: n, Max: greatest}, err)
		require.Nil(t, ranges)
		require.EqualError(t, err, "hashkey: cannot divide the hash keys into "+strconv.Itoa(n)+
			" ranges: pass a count from 1 to "+strconv.Itoa(greatest))
	}
}

func TestEvenAtOutsideItsBoundsHoldsNothing(t *testing.T) {
	t.Parallel()
	for _, at := range [][2]int{{0, 0}, {-1, 0}, {-1, -1}, {5, -1}, {5, 5}, {5, math.MaxInt}, {math.MinInt, math.MinInt}, {math.MaxInt, math.MaxInt}} {
		r := hashkey.EvenAt(at[0], at[1])
		require.False(t, r.Valid(), "%v", at)
		require.False(t, r.Contains(small(0)))
		require.False(t, r.Contains(hashkey.Max()))
	}
}

func FuzzEven(f *testing.F) {
	for _, n := range []int32{1, 2, 3, 4, 5, 6, 7, 10, 1000, 1 << 16, 1<<16 + 1, 1 << 30, math.MaxInt32, 0, -1, math.MinInt32} {
		for _, i := range []int32{0, 1, 2, n / 2, n - 2, n - 1, n} {
			f.Add(n, i)
		}
	}
	f.Fuzz(func(t *testing.T, n32, i32 int32) {
		n, i := int(n32), int(i32)
		got := hashkey.EvenAt(n, i)
		if n < 1 || i < 0 || i >= n {
			require.False(t, got.Valid())
		} else {
			require.Equal(t, evenAt(n, i), got)
		}
		if n < 1 {
			_, err := hashkey.Even(n)
			_, ok := errors.AsType[*hashkey.CountError](err)
			require.True(t, ok, "%v", err)
			return
		}
		// A slice for every count that the fuzzer finds would be gigabytes.
		n = 1 + n%2000
		ranges, err := hashkey.Even(n)
		require.NoError(t, err)
		require.Len(t, ranges, n)
		for i, r := range ranges {
			if want := evenAt(n, i); r != want || r != hashkey.EvenAt(n, i) {
				require.Equal(t, want, r, "range %d of %d", i, n)
				require.Equal(t, want, hashkey.EvenAt(n, i), "EvenAt(%d, %d)", n, i)
			}
		}
		checkTiling(t, ranges)
	})
}

// evenAt is the service's rule: size = floor(2^128/n), range i from i*size to
// (i+1)*size-1, and the last one to the end of the space.
func evenAt(n, i int) hashkey.Range {
	size := new(big.Int).Div(space(), big.NewInt(int64(n)))
	start := new(big.Int).Mul(size, big.NewInt(int64(i)))
	end := new(big.Int).Add(start, size)
	if i == n-1 {
		end = space()
	}
	return hashkey.Range{Start: keyOf(start), End: keyOf(end.Sub(end, big.NewInt(1)))}
}

// checkTiling checks that the ranges cover the space in order, with no gap and
// no overlap, by merging them all.
func checkTiling(t *testing.T, ranges []hashkey.Range) {
	t.Helper()
	whole := ranges[0]
	for _, r := range ranges[1:] {
		merged, err := whole.Merge(r)
		if err != nil {
			require.NoError(t, err)
		}
		whole = merged
	}
	require.Equal(t, hashkey.Full(), whole)
}
