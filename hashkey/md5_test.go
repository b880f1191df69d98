package hashkey_test

import (
	"crypto/md5"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
)

// sum is the oracle: the standard library's MD5.
func sum(text string) hashkey.Key { return hashkey.FromBytes(md5.Sum([]byte(text))) }

// The steps of MD5 that are written out agree with the standard library at every
// length up to and beyond what fits one block, alone and in pairs.
func TestPartitionKeysOfEveryLength(t *testing.T) {
	t.Parallel()
	const text = "\x00\xff\x80 keys may hold any bytes; these are 130 of them, more than two blocks of MD5 with its padding take in, so that all is passed."
	for n := range len(text) + 1 {
		first, second := text[:n], text[len(text)-n:]
		require.Equal(t, sum(first), hashkey.FromPartitionKey(first), "%d bytes", n)
		a, b := hashkey.FromPartitionKeys2(first, second)
		require.Equal(t, sum(first), a, "first of two, %d bytes", n)
		require.Equal(t, sum(second), b, "second of two, %d bytes", n)
		a, b = hashkey.FromPartitionKeys2(first, "k")
		require.Equal(t, sum(first), a, "beside a short one, %d bytes", n)
		require.Equal(t, sum("k"), b, "after one of %d bytes", n)
	}
}

func FuzzFromPartitionKey(f *testing.F) {
	for _, n := range []int{0, 1, 3, 4, 7, 8, 54, 55, 56, 63, 64, 256} {
		f.Add(strings.Repeat("k", n), strings.Repeat("ü", n/2))
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		a, b := hashkey.FromPartitionKeys2(first, second)
		if a != sum(first) || b != sum(second) || hashkey.FromPartitionKey(first) != a || hashkey.FromPartitionKey(second) != b {
			t.Fatalf("%q and %q: %s and %s, want %s and %s", first, second, a, b, sum(first), sum(second))
		}
	})
}

func TestFromPartitionKeysDoesNotAllocate(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(100, func() { hashkey.FromPartitionKeys2("client-1", "client-2") }))
}
