package shard_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
)

// Records "1" to "5" of the full log of the table below arrive at these times
// after start; the log is then looked at after tipOfFive.
var arrivals = []time.Duration{0, time.Second, time.Second, 2 * time.Second, 5 * time.Second}

const tipOfFive = 5 * time.Second

// The five positions in a log in each of its states. What is wanted is the first
// record that is read, where 6 stands for the next record to come and end for
// the end of the shard.
func TestPositions(t *testing.T) {
	t.Parallel()
	const end = -1

	five := func(t *testing.T, l log) {
		for _, at := range arrivals {
			l.clock.Advance(start.Add(at).Sub(l.clock.Now()))
			l.fill(t, 1)
		}
	}
	states := map[string]func(t *testing.T) log{
		"empty": func(t *testing.T) log {
			l := newLog(t, shard.Config{Index: 3})
			l.clock.Advance(tipOfFive)
			return l
		},
		"one": func(t *testing.T) log {
			l := newLog(t, shard.Config{Index: 3})
			l.fill(t, 1)
			l.clock.Advance(tipOfFive)
			return l
		},
		"five": func(t *testing.T) log {
			l := newLog(t, shard.Config{Index: 3})
			five(t, l)
			return l
		},
		"five, two trimmed": func(t *testing.T) log {
			l := newLog(t, shard.Config{Index: 3})
			five(t, l)
			l.Evict(1)
			l.Evict(1)
			return l
		},
		"five, all trimmed": func(t *testing.T) log {
			l := newLog(t, shard.Config{Index: 3})
			five(t, l)
			l.Evict(1 << 20)
			return l
		},
		"closed, empty": func(t *testing.T) log {
			l := newLog(t, shard.Config{Index: 3})
			l.clock.Advance(tipOfFive)
			l.split(t)
			return l
		},
		"closed, five": func(t *testing.T) log {
			l := newLog(t, shard.Config{Index: 3})
			five(t, l)
			l.split(t)
			return l
		},
		"closed, five, two trimmed": func(t *testing.T) log {
			l := newLog(t, shard.Config{Index: 3})
			five(t, l)
			l.split(t)
			l.Evict(1)
			l.Evict(1)
			return l
		},
		"closed, five, all trimmed": func(t *testing.T) log {
			l := newLog(t, shard.Config{Index: 3})
			five(t, l)
			l.split(t)
			l.Evict(1 << 20)
			return l
		},
	}
	order := []string{
		"empty", "one", "five", "five, two trimmed", "five, all trimmed",
		"closed, empty", "closed, five", "closed, five, two trimmed", "closed, five, all trimmed",
	}

	number := func(index uint64) shard.SequenceNumber {
		arrival := start
		if 0 < index && index <= 5 {
			arrival = start.Add(arrivals[index-1])
		}
		return version2(t, start.Unix(), 3, index, arrival.Unix())
	}
	endOfShard := version2(t, start.Unix(), 3, 1<<63-1, start.Add(tipOfFive).Unix())
	otherSecond := version2(t, start.Unix(), 3, 3, start.Add(time.Hour).Unix())

	tests := []struct {
		name     string
		position shard.Position
		want     []int // by state, in their order
	}{
		{"the trim horizon", shard.TrimHorizon(), []int{1, 1, 1, 3, 6, end, 1, 3, end}},
		{"the zero position", shard.Position{}, []int{1, 1, 1, 3, 6, end, 1, 3, end}},
		{"the latest record", shard.Latest(), []int{1, 2, 6, 6, 6, end, end, end, end}},

		{"at the start of the shard", shard.AtSequenceNumber(number(0)), []int{1, 1, 1, 3, 6, end, 1, 3, end}},
		{"after the start of the shard", shard.AfterSequenceNumber(number(0)), []int{1, 1, 1, 3, 6, end, 1, 3, end}},
		{"at the first record", shard.AtSequenceNumber(number(1)), []int{1, 1, 1, 3, 6, end, 1, 3, end}},
		{"after the first record", shard.AfterSequenceNumber(number(1)), []int{2, 2, 2, 3, 6, end, 2, 3, end}},
		{"at the third record", shard.AtSequenceNumber(number(3)), []int{3, 3, 3, 3, 6, end, 3, 3, end}},
		{"after the third record", shard.AfterSequenceNumber(number(3)), []int{4, 4, 4, 4, 6, end, 4, 4, end}},
		{"at the third record, by a number of another second", shard.AtSequenceNumber(otherSecond), []int{3, 3, 3, 3, 6, end, 3, 3, end}},
		{"at the last record", shard.AtSequenceNumber(number(5)), []int{5, 5, 5, 5, 6, end, 5, 5, end}},
		{"after the last record", shard.AfterSequenceNumber(number(5)), []int{6, 6, 6, 6, 6, end, end, end, end}},
		{"at a record still to come", shard.AtSequenceNumber(number(8)), []int{8, 8, 8, 8, 8, end, end, end, end}},
		{"at the end of the shard", shard.AtSequenceNumber(endOfShard), []int{0, 0, 0, 0, 0, end, end, end, end}},

		{"long before the first record", shard.AtTimestamp(time.Unix(0, 0)), []int{1, 1, 1, 3, 6, end, 1, 3, end}},
		{"before the first record", shard.AtTimestamp(start.Add(-time.Millisecond)), []int{1, 1, 1, 3, 6, end, 1, 3, end}},
		{"when the first record arrived", shard.AtTimestamp(start), []int{1, 1, 1, 3, 6, end, 1, 3, end}},
		{"within the millisecond of the first record", shard.AtTimestamp(start.Add(999 * time.Microsecond)), []int{1, 1, 1, 3, 6, end, 1, 3, end}},
		{"a millisecond after the first record", shard.AtTimestamp(start.Add(time.Millisecond)), []int{1, 2, 2, 3, 6, end, 2, 3, end}},
		{"when two records arrived", shard.AtTimestamp(start.Add(time.Second)), []int{1, 2, 2, 3, 6, end, 2, 3, end}},
		{"between records", shard.AtTimestamp(start.Add(time.Second + time.Millisecond)), []int{1, 2, 4, 4, 6, end, 4, 4, end}},
		{"when the last record arrived, which is now", shard.AtTimestamp(start.Add(tipOfFive)), []int{1, 2, 5, 5, 6, end, 5, 5, end}},
		{"within the present millisecond", shard.AtTimestamp(start.Add(tipOfFive + 999*time.Microsecond)), []int{1, 2, 5, 5, 6, end, 5, 5, end}},
	}
	for i, state := range order {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					t.Parallel()
					l := states[state](t)
					c := l.cursor(t, tt.position)
					want := tt.want[i]
					if want == end {
						n, err := c.Read(t.Context(), make([]shard.Record, 9))
						if n > 0 {
							drain(t, c)
							_, err = c.Read(t.Context(), make([]shard.Record, 9))
						}
						require.ErrorIs(t, err, shard.ErrEndOfShard)
						require.Zero(t, n, "records before the end")
						return
					}
					for l.End() == nil && l.Tail() < 9 {
						l.clock.Advance(time.Second)
						l.fill(t, 1)
					}
					got := drain(t, c)
					if want == 0 {
						require.Empty(t, got)
						return
					}
					require.Equal(t, numbered(want, int(l.Tail())-1), data(got))
				})
			}
		})
	}
}

// The service refuses a position after the number that ends a closed shard, and
// so do we; the shard is open to any other.
func TestPositionAfterTheEndOfAClosedShard(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	l.fill(t, 2)
	hypothetical := version2(t, start.Unix(), 0, 1<<63-1, start.Unix())
	_, err := l.Cursor(shard.AfterSequenceNumber(hypothetical))
	require.NoError(t, err, "while the shard is open, its end is unknown")

	l.split(t)
	_, err = l.Cursor(shard.AfterSequenceNumber(l.EndingSequenceNumber()))
	require.ErrorIs(t, err, shard.ErrSequenceNumber)
	require.Equal(t, &shard.SequenceNumberError{
		Text: l.EndingSequenceNumber().String(), ShardID: "shardId-000000000000", Reason: shard.PastEnd,
	}, err)
	_, err = l.Cursor(shard.AtSequenceNumber(l.EndingSequenceNumber()))
	require.NoError(t, err)
}

func TestPositionsThatAreRefused(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{Index: 3})
	l.fill(t, 2)
	tests := []struct {
		name    string
		number  shard.SequenceNumber
		reason  shard.SequenceNumberReason
		encodes string
	}{
		{"a number of no layout", parse(t, "12345678901234567890123456789012345678901234567890"), shard.Malformed, ""},
		{"a number of another shard", version2(t, start.Unix(), 4, 1, start.Unix()), shard.OtherShard, "shardId-000000000004"},
		{"a number of a shard with the same low digit", version2(t, start.Unix(), 19, 1, start.Unix()), shard.OtherShard, "shardId-000000000019"},
		{"a number with a negative shard", fromHex(t, "2"+"06553f100"+"0"+"0000000000000001"+"00"+"06553f100"+"80000000"+"2"), shard.OtherShard, "shardId--02147483648"},
		{"no number, which names shard 0", shard.SequenceNumber{}, shard.OtherShard, "shardId-000000000000"},
		{"a number of a shard made earlier", version2(t, start.Unix()-1, 3, 1, start.Unix()), shard.OtherStream, ""},
		{"a number of a shard made later", version2(t, start.Unix()+1, 3, 1, start.Unix()), shard.OtherStream, ""},
		{"a number of version 1", fromHex(t, "2"+"06553f100"+"3"+"00"+"06553f100"+"00000000000000"+"00"+"00000003"+"1"), shard.OtherStream, ""},
		{"a number of version 0", fromHex(t, "1"+"06553f100"+"00"+"0000000000000000"+"0003"), shard.OtherStream, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range []shard.Position{shard.AtSequenceNumber(tt.number), shard.AfterSequenceNumber(tt.number)} {
				c, err := l.Cursor(p)
				require.Nil(t, c)
				require.ErrorIs(t, err, shard.ErrSequenceNumber)
				bad, ok := errors.AsType[*shard.SequenceNumberError](err)
				require.True(t, ok)
				require.Equal(t, &shard.SequenceNumberError{
					Text: tt.number.String(), ShardID: "shardId-000000000003", EncodesShard: tt.encodes, Reason: tt.reason,
				}, bad)
			}
		})
	}
}

func TestPositionInTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	at := start.Add(time.Millisecond)
	c, err := l.Cursor(shard.AtTimestamp(at))
	require.Nil(t, c)
	require.ErrorIs(t, err, shard.ErrTimestamp)
	future, ok := errors.AsType[*shard.TimestampError](err)
	require.True(t, ok)
	require.True(t, future.Timestamp.Equal(at))
	require.True(t, future.Now.Equal(start))

	l.clock.Advance(time.Millisecond)
	_, err = l.Cursor(shard.AtTimestamp(at))
	require.NoError(t, err)
}

func TestPositionOfAnUnknownTypeIsRefused(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	_, err := l.Cursor(shard.Position{Type: 99})
	require.ErrorIs(t, err, shard.ErrPosition)
	require.Equal(t, &shard.PositionError{Type: 99}, err)
}

// A position is resolved when the cursor is made, not when it first reads.
func TestLatestIsTheMomentWhenTheCursorIsMade(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	l.fill(t, 3)
	c := l.cursor(t, shard.Latest())
	l.fill(t, 2)
	require.Equal(t, numbered(4, 5), data(drain(t, c)))
}

// The time is looked for across segments, and with many records of one
// millisecond about a border.
func TestTimestampsAreFoundInALargeLog(t *testing.T) {
	t.Parallel()
	l := newLog(t, shard.Config{})
	const count = 6000
	pad := string(make([]byte, 500))
	var millis []int64 // by record
	for i := range count {
		if i%700 == 0 || i%13 == 0 {
			l.clock.Advance(time.Duration(1+i%3) * time.Millisecond)
		}
		l.put(t, "key", pad)
		millis = append(millis, l.clock.Now().UnixMilli())
	}
	l.Evict(100_000)
	head := int(l.Stats().TrimmedRecords)
	require.Positive(t, head)
	for at := millis[0] - 1; at <= millis[count-1]; at++ {
		want := head
		for want < count && millis[want] < at {
			want++
		}
		c := l.cursor(t, shard.AtTimestamp(time.UnixMilli(at)))
		require.Equal(t, uint64(want+1), c.NextIndex(), "at %d", at)
	}
}

func TestPositionTypesHaveTheServicesNames(t *testing.T) {
	t.Parallel()
	now := time.Now()
	n := parse(t, "7")
	for _, tt := range []struct {
		p    shard.Position
		name string
		want shard.Position
	}{
		{shard.TrimHorizon(), "TRIM_HORIZON", shard.Position{Type: shard.PositionTrimHorizon}},
		{shard.Latest(), "LATEST", shard.Position{Type: shard.PositionLatest}},
		{shard.AtSequenceNumber(n), "AT_SEQUENCE_NUMBER", shard.Position{Type: shard.PositionAtSequenceNumber, SequenceNumber: n}},
		{shard.AfterSequenceNumber(n), "AFTER_SEQUENCE_NUMBER", shard.Position{Type: shard.PositionAfterSequenceNumber, SequenceNumber: n}},
		{shard.AtTimestamp(now), "AT_TIMESTAMP", shard.Position{Type: shard.PositionAtTimestamp, Timestamp: now}},
		{shard.Position{Type: -1}, "UNKNOWN", shard.Position{Type: -1}},
	} {
		require.Equal(t, tt.name, tt.p.Type.String())
		require.Equal(t, tt.want, tt.p)
	}
}
