package hashkey_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/seed-187400e4/millrace/hashkey"
)

func BenchmarkParseKey(b *testing.B) {
	for _, k := range []hashkey.Key{small(7), small(1 << 40), hashkey.Max()} {
		text := k.String()
		b.Run("digits="+strconv.Itoa(len(text)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := hashkey.ParseKey(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendTo(b *testing.B) {
	for _, k := range []hashkey.Key{small(7), small(1 << 40), hashkey.Max()} {
		b.Run("digits="+strconv.Itoa(len(k.String())), func(b *testing.B) {
			buf := make([]byte, 0, 39)
			b.ReportAllocs()
			for b.Loop() {
				buf = k.AppendTo(buf[:0])
			}
		})
	}
}

func BenchmarkString(b *testing.B) {
	k := hashkey.Max()
	b.ReportAllocs()
	for b.Loop() {
		_ = k.String()
	}
}

func BenchmarkFromPartitionKey(b *testing.B) {
	for _, size := range []int{8, 36, 256} {
		b.Run("bytes="+strconv.Itoa(size), func(b *testing.B) {
			partitionKey := strings.Repeat("k", size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				hashkey.FromPartitionKey(partitionKey)
			}
		})
	}
}

func BenchmarkContains(b *testing.B) {
	r, k := hashkey.EvenAt(4, 2), hashkey.FromPartitionKey("b")
	b.ReportAllocs()
	for b.Loop() {
		r.Contains(k)
	}
}

func BenchmarkEven(b *testing.B) {
	for _, n := range []int{4, 10_000} {
		b.Run("n="+strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := hashkey.Even(n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEvenAt(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		hashkey.EvenAt(10_000, 7_777)
	}
}
