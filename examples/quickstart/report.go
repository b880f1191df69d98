package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/stream"
)

// report is what came of a run.
type report struct {
	cfg      config
	src      source
	skipped  skipped
	initial  []stream.ShardInfo // the shards at the beginning, by ID and hash key
	shards   []stream.ShardInfo // all shards at the end, by ID
	notes    map[string]string  // on splits and merges, see resharder
	stats    stream.Stats
	seen     []int // records read back, by client
	read     int
	put      time.Duration
	followed time.Duration // from the last put until the reader beside had all
	readBack time.Duration
}

// String is the report for people, at most 80 columns wide.
func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Millrace quickstart: %s\n\n", r.src.title())
	r.summary(&b)
	r.distribution(&b)
	if r.cfg.gen > 0 {
		r.evenness(&b)
	}
	r.lineage(&b)
	r.throughput(&b)
	return b.String()
}

func (r *report) summary(b *strings.Builder) {
	fact := func(name, format string, args ...any) {
		row(b, "%-11s %s", name+":", fmt.Sprintf(format, args...))
	}
	fact("records", "%s put by %s, %s read back",
		grouped(r.src.len()), plural(r.cfg.producers, "producer"), grouped(r.read))
	fact("clients", "%s", grouped(len(r.src.clients())))
	fact("bytes", "%s of partition keys and data", grouped(r.stats.IncomingBytes))
	if r.cfg.gen == 0 {
		fact("skipped", "%s", r.skipped)
	}
	fact("order", "ok, for every client, across a split and a merge")
	fact("invariants", "ok")
}

// barWidth is that of the longest bar of a chart.
const barWidth = 16

func (r *report) distribution(b *strings.Builder) {
	counts := incoming(r.stats)
	var all, most uint64
	for _, n := range counts {
		all += n
		most = max(most, n)
	}
	b.WriteString("\nShards at the end\n")
	row(b, "%-20s  %-6s  %7s  %10s  %6s", "", "", "of keys", "records", "share")
	for _, sh := range r.shards {
		state, n := "open", counts[sh.ID]
		if !sh.Open() {
			state = "closed"
		}
		row(b, "%-20s  %-6s  %6.1f%%  %10s  %5.1f%%  %s", sh.ID, state,
			100*sh.HashKeyRange.Share(), grouped(n), percent(n, all), bar(n, most))
	}
}

// evenness shows how MD5 spreads the keys. Resharding is left out of it: what
// counts is in which of the ranges that the stream began with a key falls.
func (r *report) evenness(b *strings.Builder) {
	clients, records := make([]int, len(r.initial)), make([]uint64, len(r.initial))
	for c, addr := range r.src.clients() {
		i := rangeOf(r.initial, hashkey.FromPartitionKey(addr))
		clients[i]++
		records[i] += uint64(r.seen[c])
	}
	most, furthest := slices.Max(records), 0.0
	fmt.Fprintf(b, "\nRecords by the hash keys of the %s at the beginning\n", plural(len(r.initial), "shard"))
	row(b, "%-20s  %7s  %10s  %7s  %7s", "", "of keys", "records", "share", "off by")
	for i, sh := range r.initial {
		expected, actual := 100*sh.HashKeyRange.Share(), percent(records[i], uint64(r.read))
		off := 100 * (actual/expected - 1)
		furthest = max(furthest, math.Abs(off))
		row(b, "%-20s  %6.2f%%  %10s  %6.2f%%  %+6.2f%%  %s", sh.ID,
			expected, grouped(records[i]), actual, off, bar(records[i], most))
	}
	row(b, "%s", verdict(r.initial, clients, furthest))
}

// rangeOf is the index of the shard that owns key, of shards in the order of
// their hash keys.
func rangeOf(shards []stream.ShardInfo, key hashkey.Key) int {
	i, exact := slices.BinarySearchFunc(shards, key, func(sh stream.ShardInfo, key hashkey.Key) int {
		return sh.HashKeyRange.Start.Compare(key)
	})
	if exact {
		return i
	}
	return i - 1
}

// verdict says whether keys are spread as evenly as chance would have it, by
// the chi-squared test. Keys are what is tested, not records: those of one key
// go to the same shard together. The off is by how many percent the furthest
// shard is off.
func verdict(shards []stream.ShardInfo, keys []int, off float64) string {
	all := 0
	for _, n := range keys {
		all += n
	}
	if len(shards) == 1 {
		return "One shard takes everything; see it spread with -shards 4."
	}
	chi2 := 0.0
	for i, sh := range shards {
		expected := sh.HashKeyRange.Share() * float64(all)
		if expected < 5 {
			return fmt.Sprintf("Too few keys to tell (%s): take a greater -gen.", grouped(all))
		}
		chi2 += (float64(keys[i]) - expected) * (float64(keys[i]) - expected) / expected
	}
	bound := chi2Bound(len(shards) - 1)
	if chi2 > bound {
		return fmt.Sprintf("Uneven: off by up to %.2f%%, more than chance explains with %s keys\n  (chi-squared %.1f, bound %.1f).",
			off, grouped(all), chi2, bound)
	}
	return fmt.Sprintf("Even: off by up to %.2f%%, as chance would have it with %s keys\n  (chi-squared %.1f, bound %.1f).",
		off, grouped(all), chi2, bound)
}

// chi2Bound is what chi-squared stays below in 999 of 1,000 fair runs, by the
// approximation of Wilson and Hilferty.
func chi2Bound(degrees int) float64 {
	const z = 3.0902 // the 99.9th percentile of the normal distribution
	k := float64(degrees)
	t := 2 / (9 * k)
	return k * math.Pow(1-t+z*math.Sqrt(t), 3)
}

// lineage tells who came from whom, as ListShards has it, in the order of the
// changes.
func (r *report) lineage(b *strings.Builder) {
	b.WriteString("\nLineage\n")
	related := make(map[string]bool)
	for i, sh := range r.shards {
		switch {
		case sh.ParentID == "":
			continue
		case sh.AdjacentParentID != "":
			row(b, "%s, %s -> merge -> %s", sh.ParentID, sh.AdjacentParentID, sh.ID)
		case i+1 < len(r.shards) && r.shards[i+1].ParentID == sh.ParentID:
			row(b, "%s -> split -> %s, %s", sh.ParentID, sh.ID, r.shards[i+1].ID)
		}
		if note := r.notes[sh.ID]; note != "" {
			row(b, "    %s", note)
		}
		for _, id := range []string{sh.ID, sh.ParentID, sh.AdjacentParentID} {
			related[id] = true
		}
	}
	same := 0
	for _, sh := range r.initial {
		if !related[sh.ID] {
			same++
		}
	}
	if same > 0 {
		row(b, "%s never changed", plural(same, "other shard"))
	}
}

func (r *report) throughput(b *strings.Builder) {
	b.WriteString("\nThroughput\n")
	rate := func(name string, took time.Duration, how string) {
		seconds := max(took, 1).Seconds()
		row(b, "%-10s %12s records/s  %7s MB/s  in %s, %s", name+":",
			grouped(int64(float64(r.read)/seconds)), grouped(int64(float64(r.stats.IncomingBytes)/1e6/seconds)),
			rounded(took), how)
	}
	rate("put", r.put, "with a reader")
	rate("read back", r.readBack, "and verified")
	row(b, "The reader beside had the last record %s after it was put.", rounded(r.followed))
}

// row writes an indented line.
func row(b *strings.Builder, format string, args ...any) {
	b.WriteString(strings.TrimRight("  "+fmt.Sprintf(format, args...), " ") + "\n")
}

// bar is n in proportion to the longest bar.
func bar(n, most uint64) string {
	if most == 0 {
		return ""
	}
	eighths := int((n*barWidth*8 + most/2) / most)
	return strings.Repeat("█", eighths/8) + []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}[eighths%8]
}

func percent(n, all uint64) float64 {
	if all == 0 {
		return 0
	}
	return 100 * float64(n) / float64(all)
}

// grouped is n with commas between the thousands; n is not negative.
func grouped[N int | int64 | uint64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(n) + " " + what + "s"
}

// rounded is d to three or four digits.
func rounded(d time.Duration) time.Duration {
	for unit := time.Second; unit > time.Nanosecond; unit /= 10 {
		if d >= unit {
			return d.Round(unit / 100)
		}
	}
	return d
}
