package hashkey_test

import (
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
)

// The oracle of this package is math/big: the tests state each rule there as
// one would on paper, and compare.

func bigOf(k hashkey.Key) *big.Int {
	b := k.Bytes()
	return new(big.Int).SetBytes(b[:])
}

// space returns 2^128.
func space() *big.Int { return new(big.Int).Lsh(big.NewInt(1), 128) }

// keyOf reduces v modulo 2^128.
func keyOf(v *big.Int) hashkey.Key {
	var b [16]byte
	new(big.Int).Mod(v, space()).FillBytes(b[:])
	return hashkey.FromBytes(b)
}

func inSpace(v *big.Int) bool { return v.Sign() >= 0 && v.Cmp(space()) < 0 }

func key(tb testing.TB, text string) hashkey.Key {
	tb.Helper()
	k, err := hashkey.ParseKey(text)
	require.NoError(tb, err)
	return k
}

// small returns key n.
func small(n uint64) hashkey.Key { return hashkey.Key{Lo: n} }

// edges returns keys at which a carry, a borrow or a digit may go wrong.
func edges() []hashkey.Key {
	const ones = ^uint64(0)
	return []hashkey.Key{
		{}, {Lo: 1}, {Lo: 2}, {Lo: 3}, {Lo: 1e19 - 1}, {Lo: 1e19}, {Lo: ones - 1}, {Lo: ones},
		{Hi: 1}, {Hi: 1, Lo: 1}, {Hi: 1, Lo: ones}, {Hi: 1<<63 - 1, Lo: ones}, {Hi: 1 << 63}, {Hi: 1 << 63, Lo: 1},
		{Hi: 1e19, Lo: 1e19}, {Hi: ones}, {Hi: ones, Lo: ones - 1}, {Hi: ones, Lo: ones},
	}
}

func TestZeroValueIsKeyZero(t *testing.T) {
	t.Parallel()
	var k hashkey.Key
	require.Equal(t, "0", k.String())
	require.Zero(t, bigOf(k).Sign())
}

func TestMaxIsTheLastKey(t *testing.T) {
	t.Parallel()
	want := new(big.Int).Sub(space(), big.NewInt(1))
	require.Equal(t, want.String(), hashkey.Max().String())
	require.Equal(t, "340282366920938463463374607431768211455", hashkey.Max().String())
}

func TestBytesAreBigEndian(t *testing.T) {
	t.Parallel()
	b := [16]byte{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10}
	k := hashkey.FromBytes(b)
	require.Equal(t, hashkey.Key{Hi: 0x0102030405060708, Lo: 0x090a0b0c0d0e0f10}, k)
	require.Equal(t, b, k.Bytes())
}

func TestCompareSortsAsNumbers(t *testing.T) {
	t.Parallel()
	want := edges()
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, hashkey.Key.Compare)
	require.Equal(t, want, got)
}

func TestNextAndPrevStopAtTheEnds(t *testing.T) {
	t.Parallel()
	next, ok := hashkey.Max().Next()
	require.False(t, ok)
	require.Zero(t, next)
	prev, ok := hashkey.Key{}.Prev()
	require.False(t, ok)
	require.Zero(t, prev)
}

func TestArithmeticAtTheEdges(t *testing.T) {
	t.Parallel()
	for _, a := range edges() {
		for _, b := range edges() {
			checkArithmetic(t, a, b)
		}
	}
}

func FuzzArithmetic(f *testing.F) {
	for _, a := range edges() {
		for _, b := range edges() {
			f.Add(a.Hi, a.Lo, b.Hi, b.Lo)
		}
	}
	f.Fuzz(func(t *testing.T, aHi, aLo, bHi, bLo uint64) {
		checkArithmetic(t, hashkey.Key{Hi: aHi, Lo: aLo}, hashkey.Key{Hi: bHi, Lo: bLo})
	})
}

func checkArithmetic(t *testing.T, a, b hashkey.Key) {
	t.Helper()
	bigA, bigB, one := bigOf(a), bigOf(b), big.NewInt(1)

	require.Equal(t, bigA.Cmp(bigB), a.Compare(b))
	require.Equal(t, bigA.Cmp(bigB) < 0, a.Less(b))
	require.Equal(t, a, hashkey.FromBytes(a.Bytes()))

	wantSum := new(big.Int).Add(bigA, bigB)
	sum, carry := a.Add(b)
	require.Equal(t, keyOf(wantSum), sum)
	require.Equal(t, !inSpace(wantSum), carry)

	wantDiff := new(big.Int).Sub(bigA, bigB)
	diff, borrow := a.Sub(b)
	require.Equal(t, keyOf(wantDiff), diff)
	require.Equal(t, !inSpace(wantDiff), borrow)

	wantNext := new(big.Int).Add(bigA, one)
	next, ok := a.Next()
	require.Equal(t, inSpace(wantNext), ok)
	if ok {
		require.Equal(t, keyOf(wantNext), next)
	} else {
		require.Zero(t, next)
	}

	wantPrev := new(big.Int).Sub(bigA, one)
	prev, ok := a.Prev()
	require.Equal(t, inSpace(wantPrev), ok)
	if ok {
		require.Equal(t, keyOf(wantPrev), prev)
	} else {
		require.Zero(t, prev)
	}

	require.Equal(t, keyOf(new(big.Int).Rsh(bigA, 1)), a.Half())
}
