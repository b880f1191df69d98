package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/stream"
)

func TestBar(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n, most uint64
		want    string
	}{
		{0, 0, ""},
		{0, 5, ""},
		{5, 5, strings.Repeat("█", barWidth)},
		{1, 2, strings.Repeat("█", barWidth/2)},
		{1, 8 * barWidth, "▏"},
		{7, 8 * barWidth, "▉"},
		{9, 8 * barWidth, "█▏"},
	} {
		require.Equal(t, tt.want, bar(tt.n, tt.most))
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 999_999: "999,999", 1_234_567: "1,234,567"} {
		require.Equal(t, want, grouped(n))
	}
	require.Equal(t, "1 shard", plural(1, "shard"))
	require.Equal(t, "0 shards", plural(0, "shard"))
	require.Equal(t, "1,000 shards", plural(1000, "shard"))
	for d, want := range map[time.Duration]string{
		0:                        "0s",
		17:                       "17ns",
		12_345:                   "12.3µs",
		987_654_321:              "988ms",
		1_234_567_890:            "1.23s",
		61*time.Second + 123_456: "1m1s",
	} {
		require.Equal(t, want, rounded(d).String())
	}
}

func evenShards(t *testing.T, n int) []stream.ShardInfo {
	t.Helper()
	s, err := stream.New("test", stream.Config{Shards: n})
	require.NoError(t, err)
	shards, err := listShards(t.Context(), s)
	require.NoError(t, err)
	return shards
}

func TestRangeOf(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3, 100} {
		shards := evenShards(t, n)
		for i, sh := range shards {
			for _, key := range []hashkey.Key{sh.HashKeyRange.Start, sh.HashKeyRange.Midpoint(), sh.HashKeyRange.End} {
				require.Equal(t, i, rangeOf(shards, key))
			}
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	four := evenShards(t, 4)
	require.Contains(t, verdict(four, []int{250, 260, 245, 245}, 4), "Even: off by up to 4.00%, as chance would have it with 1,000 keys")
	require.Contains(t, verdict(four, []int{350, 250, 200, 200}, 40), "Uneven: off by up to 40.00%")
	require.Contains(t, verdict(four, []int{5, 5, 5, 4}, 5), "Too few keys to tell (19)")
	require.Contains(t, verdict(evenShards(t, 1), []int{1000}, 0), "One shard")
}

// The values are those of the tables.
func TestChi2Bound(t *testing.T) {
	t.Parallel()
	for degrees, want := range map[int]float64{1: 10.828, 3: 16.266, 9: 27.877, 99: 148.230} {
		require.InEpsilon(t, want, chi2Bound(degrees), 0.05)
	}
	require.False(t, math.IsNaN(chi2Bound(maxShards-1)))
}

func TestProgress(t *testing.T) {
	t.Parallel()
	require.Equal(t, "put "+strings.Repeat("░", 30)+"   0%  read   0%", progressLine(0, 0, 3))
	require.Equal(t, "put "+strings.Repeat("█", 15)+strings.Repeat("░", 15)+"  50%  read  33%", progressLine(50, 33, 100))
	require.Equal(t, "put "+strings.Repeat("█", 30)+" 100%  read 100%", progressLine(7, 7, 7))

	var w bytes.Buffer
	tick, done := make(chan time.Time), make(chan struct{})
	go func() {
		tick <- time.Time{}
		tick <- time.Time{}
		close(done)
	}()
	p := newPace(10)
	p.put.Store(5)
	drawProgress(&w, p, tick, done)
	lines := strings.Split(w.String(), "\r")
	require.Len(t, lines, 5)
	require.Equal(t, progressLine(5, 0, 10), lines[1])
	require.Equal(t, lines[1], lines[2])
	require.Equal(t, strings.Repeat(" ", len([]rune(lines[1]))), lines[3])
	require.Empty(t, lines[4])
}

func TestProgressIsForTerminals(t *testing.T) {
	t.Parallel()
	require.False(t, isTerminal(new(bytes.Buffer)))
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	defer f.Close()
	require.False(t, isTerminal(f))

	stop := showProgress(f, newPace(1))
	stop()
	stop()
	info, err := f.Stat()
	require.NoError(t, err)
	require.Zero(t, info.Size())
}
