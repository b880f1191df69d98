package shard_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// start is when the shards of the tests are made, 1700000000 in Unix seconds.
var start = time.Unix(1_700_000_000, 0).UTC()

// log is a shard on a clock of its own.
type log struct {
	*shard.Shard
	clock *clock.Manual
}

// newLog makes a shard of all hash keys at start, and checks its invariants at
// the end of the test.
func newLog(t *testing.T, cfg shard.Config) log {
	t.Helper()
	c := clock.NewManual(start)
	cfg.Clock = clock.NewMillis(c)
	if cfg.Range == (hashkey.Range{}) {
		cfg.Range = hashkey.Full()
	}
	l := log{shard.New(cfg), c}
	t.Cleanup(func() { require.NoError(t, l.Check()) })
	return l
}

// put appends a record and returns its number.
func (l log) put(t *testing.T, key, data string) shard.SequenceNumber {
	t.Helper()
	n, err := l.Append(key, []byte(data), false)
	require.NoError(t, err)
	return n
}

// fill appends n records with the data "1", "2" and so on.
func (l log) fill(t *testing.T, n int) []shard.SequenceNumber {
	t.Helper()
	numbers := make([]shard.SequenceNumber, n)
	for i := range numbers {
		numbers[i] = l.put(t, "key", fmt.Sprint(l.Tail()))
	}
	return numbers
}

// split closes l and returns the shards that take over from it.
func (l log) split(t *testing.T) (lower, upper log) {
	t.Helper()
	lowerKeys, upperKeys, err := l.Range().Halve()
	require.NoError(t, err)
	parents := []string{l.ID()}
	lower = newLog(t, shard.Config{Index: l.Index() + 1, Range: lowerKeys, Parents: parents})
	upper = newLog(t, shard.Config{Index: l.Index() + 2, Range: upperKeys, Parents: parents})
	shard.Replace([]*shard.Shard{l.Shard}, []*shard.Shard{lower.Shard, upper.Shard}, func() {})
	return lower, upper
}

func (l log) cursor(t *testing.T, p shard.Position) *shard.Cursor {
	t.Helper()
	c, err := l.Cursor(p)
	require.NoError(t, err)
	return c
}

// drain reads what there is, up to the tip or the end of the shard.
func drain(t *testing.T, c *shard.Cursor) []shard.Record {
	t.Helper()
	var all []shard.Record
	buf := make([]shard.Record, 7)
	for {
		n, err := c.Read(t.Context(), buf)
		if err != nil {
			require.ErrorIs(t, err, shard.ErrEndOfShard)
			return all
		}
		if n == 0 {
			return all
		}
		all = append(all, buf[:n]...)
	}
}

// data is the payloads of records, as text.
func data(records []shard.Record) []string {
	texts := make([]string, len(records))
	for i, r := range records {
		texts[i] = string(r.Data)
	}
	return texts
}

// numbered is the texts from first to last, as fill puts them.
func numbered(first, last int) []string {
	texts := make([]string, 0, max(0, last-first+1))
	for i := first; i <= last; i++ {
		texts = append(texts, fmt.Sprint(i))
	}
	return texts
}

// bytesOf returns n bytes that differ from seed to seed.
func bytesOf(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b)
	return b
}

// requireSame asserts that a record has the data it was put with. It does not
// print the difference, which may be of megabytes.
func requireSame(t *testing.T, want string, got []byte, record int) {
	t.Helper()
	if want != string(got) {
		t.Fatalf("record %d has changed: %d bytes for %d", record, len(got), len(want))
	}
}

func TestNewShardIsOpenAndEmpty(t *testing.T) {
	t.Parallel()
	keys := hashkey.EvenAt(3, 1)
	l := newLog(t, shard.Config{Index: 7, Range: keys, Parents: []string{"shardId-000000000002", "shardId-000000000004"}})
	require.Equal(t, "shardId-000000000007", l.ID())
	require.Equal(t, int32(7), l.Index())
	require.Equal(t, keys, l.Range())
	require.Equal(t, []string{"shardId-000000000002", "shardId-000000000004"}, l.Parents())
	require.Equal(t, start, l.Created())
	require.Nil(t, l.End())
	require.Equal(t, uint64(1), l.Tail())
	require.True(t, l.EndingSequenceNumber().IsZero())
	_, found := l.Oldest()
	require.False(t, found)
	require.Empty(t, drain(t, l.cursor(t, shard.TrimHorizon())))
}

func TestShardWithoutAClockReadsTheRealOne(t *testing.T) {
	t.Parallel()
	before := time.Now().Truncate(time.Millisecond)
	s := shard.New(shard.Config{Range: hashkey.Full()})
	_, err := s.Append("key", nil, false)
	require.NoError(t, err)
	at, found := s.Oldest()
	require.True(t, found)
	require.WithinRange(t, at, before, time.Now())
	require.Equal(t, time.UTC, at.Location())
}

// I3: a record that was appended is read as it was appended.
func TestRecordsAreReadAsTheyWereAppended(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	type put struct {
		key  string
		data []byte
		at   time.Time
	}
	puts := []put{
		{"a", []byte("text"), start},
		{"empty data", []byte{}, start.Add(time.Millisecond)},
		{"nil data", nil, start.Add(2 * time.Millisecond)},
		{"every byte", every, start.Add(time.Second)},
		{string(every), []byte("key with every byte"), start.Add(time.Hour)},
		{"日本語 ключ 😀", []byte("\x00"), start.Add(2 * time.Hour)},
		{string(bytesOf(1, 1024)), []byte("as long as a key of 256 characters can be"), start.Add(3 * time.Hour)},
	}
	numbers := make([]shard.SequenceNumber, len(puts))
	for i, p := range puts {
		l.clock.Advance(p.at.Sub(l.clock.Now()))
		var err error
		numbers[i], err = l.Append(p.key, p.data, true)
		require.NoError(t, err)
	}
	records := drain(t, l.cursor(t, shard.TrimHorizon()))
	require.Len(t, records, len(puts))
	for i, r := range records {
		require.Equal(t, puts[i].key, r.PartitionKey)
		require.Equal(t, string(puts[i].data), string(r.Data))
		require.NotNil(t, r.Data, "data is never nil")
		require.Equal(t, puts[i].at, r.ArrivalTime)
		require.Equal(t, time.UTC, r.ArrivalTime.Location())
		require.Equal(t, numbers[i], r.SequenceNumber)
	}
}

// A record may be larger than a segment, and lies between small ones.
func TestRecordsLargerThanASegment(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	var want [][]byte
	for i, size := range []int{1, 1<<20 - 20, 1 << 20, 1, 1<<20 + 1, 0, 10 << 20, 3, 2048, 5 << 20} {
		b := bytesOf(uint64(i), size)
		_, err := l.Append("key", b, false)
		require.NoError(t, err)
		want = append(want, b)
	}
	got := drain(t, l.cursor(t, shard.TrimHorizon()))
	require.Len(t, got, len(want))
	for i := range got {
		requireSame(t, string(want[i]), got[i].Data, i)
	}
}

// I8: what the caller does with its buffer afterwards has no effect.
func TestAppendCopiesWhatItIsGiven(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	key, buf := []byte("key-of-caller"), []byte("data of the caller")
	_, err := l.Append(string(key), buf, false)
	require.NoError(t, err)
	b := l.Begin(start.UnixMilli())
	_, err = b.Append("in a batch", buf, false)
	require.NoError(t, err)
	b.End()

	clear(buf)
	clear(key)
	for _, r := range drain(t, l.cursor(t, shard.TrimHorizon())) {
		require.Equal(t, "data of the caller", string(r.Data))
	}
}

// I3: arrivals never decrease, even when the clock is set back.
func TestArrivalsNeverDecreaseWithinAShard(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	for _, ms := range []int64{5000, 4000, 4999, 5001, 0} {
		b := l.Begin(start.UnixMilli() + ms)
		_, err := b.Append("key", nil, false)
		require.NoError(t, err)
		b.End()
	}
	var got []int64
	for _, r := range drain(t, l.cursor(t, shard.TrimHorizon())) {
		got = append(got, r.ArrivalTime.Sub(start).Milliseconds())
	}
	require.Equal(t, []int64{5000, 5000, 5000, 5001, 5001}, got)
}

// A batch shows as a whole, and at one time.
func TestBatchIsSeenWhenItEnds(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	c := l.cursor(t, shard.TrimHorizon())
	b := l.Begin(start.Add(time.Minute).UnixMilli())
	for i := range 3 {
		_, err := b.Append("key", []byte{byte(i)}, false)
		require.NoError(t, err)
		n, err := c.Read(t.Context(), make([]shard.Record, 5))
		require.NoError(t, err)
		require.Zero(t, n, "record %d is seen before End", i)
	}
	b.End()
	records := drain(t, c)
	require.Len(t, records, 3)
	for _, r := range records {
		require.Equal(t, start.Add(time.Minute), r.ArrivalTime)
	}
}

func TestCheckPartitionKeyCountsCharacters(t *testing.T) {
	t.Parallel()
	repeat := func(s string, n int) string {
		var all string
		for range n {
			all += s
		}
		return all
	}
	tests := []struct {
		name, key string
		chars     int // of the error, -1 for none
	}{
		{"empty", "", 0},
		{"one character", "k", -1},
		{"one NUL", "\x00", -1},
		{"256 ASCII characters", repeat("k", 256), -1},
		{"257 ASCII characters", repeat("k", 257), 257},
		{"256 characters of four bytes", repeat("😀", 256), -1},
		{"257 characters of four bytes", repeat("😀", 257), 257},
		{"256 characters of two bytes", repeat("ü", 256), -1},
		{"256 bytes that are not UTF-8", repeat("\xff", 256), -1},
		{"257 bytes that are not UTF-8", repeat("\xff", 257), 257},
		{"255 characters and a broken one", repeat("ü", 255) + "\xc3", -1},
		{"256 characters and a broken one", repeat("ü", 256) + "\xc3", 257},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := shard.CheckPartitionKey(tt.key)
			if tt.chars < 0 {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, shard.ErrPartitionKey)
			require.Equal(t, &shard.PartitionKeyError{Chars: tt.chars}, err)
		})
	}
}

func cancelled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
