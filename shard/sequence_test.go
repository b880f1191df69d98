package shard_test

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
)

var (
	_ encoding.TextAppender    = shard.SequenceNumber{}
	_ encoding.TextMarshaler   = shard.SequenceNumber{}
	_ encoding.TextUnmarshaler = (*shard.SequenceNumber)(nil)
)

func parse(t *testing.T, text string) shard.SequenceNumber {
	t.Helper()
	n, err := shard.ParseSequenceNumber(text)
	require.NoError(t, err)
	return n
}

// fromHex is the number with the given hexadecimal digits.
func fromHex(t *testing.T, digits string) shard.SequenceNumber {
	t.Helper()
	b, ok := new(big.Int).SetString(digits, 16)
	require.True(t, ok, digits)
	return parse(t, b.String())
}

// version2 is a number in the layout that the service gives today, put together
// digit by digit.
func version2(t *testing.T, creation int64, index int32, record uint64, arrival int64) shard.SequenceNumber {
	t.Helper()
	return fromHex(t, fmt.Sprintf("2%09x%x%016x00%09x%08x2", creation, index&0xf, record, arrival, uint32(index)))
}

// Numbers that the service gave, and what is in them.
func TestFieldsOfRealSequenceNumbers(t *testing.T) {
	t.Parallel()
	const last = 1<<63 - 1
	tests := []struct {
		name, text        string
		creation, arrival int64
		index             int32
		record            uint64
	}{
		{"start of a shard", "49549167410945534708633744510750617797212193316405248018", 1427390931, 1427390931, 1, 0},
		{"end of the same shard", "49549167410956685081233009822320176730553508082787287058", 1427390931, 1427748984, 1, last},
		{"start of its first child", "49549295168948777979169149491056351269437634281436348482", 1427748985, 1427748985, 4, 0},
		{"start of its second child", "49549295168971078724367680114197886987710282642942328914", 1427748985, 1427748985, 5, 0},
		{"a record", "49600902273357540915989931256901506243878407835297513618", 1572382897, 1572383214, 9, 0xa0},
		{"the next record, 213 s later", "49600902273357540915989931256902715169698037101720764562", 1572382897, 1572383427, 9, 0xa1},
		{"a record of 2026", "49674026002850188218576229259473476449429298564223254594", 1777319237, 1777320018, 3076, 0x50ccb9d26},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := parse(t, tt.text)
			require.Equal(t, tt.text, n.String())
			f, err := n.Fields()
			require.NoError(t, err)
			require.Equal(t, shard.SequenceFields{
				Version:     2,
				Creation:    time.Unix(tt.creation, 0).UTC(),
				ShardIndex:  tt.index,
				RecordIndex: tt.record,
				Arrival:     time.Unix(tt.arrival, 0).UTC(),
			}, f)
			require.Equal(t, n, version2(t, tt.creation, tt.index, tt.record, tt.arrival))
		})
	}
}

// Our shards number as those of the service do.
func TestShardsGiveNumbersInTheServicesLayout(t *testing.T) {
	t.Parallel()
	startOf := func(index int32) string {
		return newLog(t, shard.Config{Index: index}).StartingSequenceNumber().String()
	}
	require.Equal(t, "49646437577108476416916876405825929425585429676275269634", startOf(0))
	require.Equal(t, "49646437577130777162115407028967465143858078037781250066", startOf(1))
	require.Equal(t, "49646437577442987594894835752948965199675155098864976114", startOf(15))
	require.Equal(t, "49646437577108476416916876405825929425585429676275269890", startOf(16))

	l := newLog(t, shard.Config{Index: 1})
	l.clock.Advance(5 * time.Second)
	require.Equal(t, "49646437577130777162115407028968674069677693010553339922", l.put(t, "key", "").String())

	l = newLog(t, shard.Config{})
	l.clock.Advance(100*time.Second + 999*time.Millisecond)
	child := newLog(t, shard.Config{Index: 6, Parents: []string{l.ID()}})
	shard.Replace([]*shard.Shard{l.Shard}, []*shard.Shard{child.Shard}, func() {})
	require.Equal(t, "49646437577119626789516141717395488358902146099801227266", l.EndingSequenceNumber().String())
	require.Equal(t, "49646437613280285128933547141396864463821078979642654818", child.StartingSequenceNumber().String())
}

func TestNeighbouringShardsOfAFreshStreamBeginAFixedStepApart(t *testing.T) {
	t.Parallel()
	step, _ := new(big.Int).SetString("22300745198530623141535718272648361505980432", 10)
	for index := int32(1); index < 16; index++ {
		a := newLog(t, shard.Config{Index: index - 1}).StartingSequenceNumber()
		b := newLog(t, shard.Config{Index: index}).StartingSequenceNumber()
		require.Equal(t, step, new(big.Int).Sub(toBig(b), toBig(a)))
	}
}

// I3: strictly rising within a shard, from above its start.
func TestNumbersRiseInAppendOrder(t *testing.T) {
	t.Parallel()
	for _, index := range []int32{0, 1, 15, 16, 17, shard.MaxIndex} {
		l := newLog(t, shard.Config{Index: index})
		last := l.StartingSequenceNumber()
		for i := range 1000 {
			if i%100 == 50 {
				l.clock.Advance(700 * time.Millisecond)
			}
			n := l.put(t, "key", "")
			require.Positive(t, n.Compare(last))
			require.Positive(t, toBig(n).Cmp(toBig(last)), "Compare is not that of the numbers")
			f, err := n.Fields()
			require.NoError(t, err)
			require.Equal(t, shard.SequenceFields{
				Version: 2, Creation: start, ShardIndex: index, RecordIndex: uint64(i + 1),
				Arrival: l.clock.Now().Truncate(time.Second),
			}, f)
			last = n
		}
	}
}

func TestFieldsOfTheOlderLayouts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		n    shard.SequenceNumber
		want shard.SequenceFields
	}{
		{
			"version 1", fromHex(t, fmt.Sprintf("2%09xbcd%09x%014x%02x%08x1", 1_400_000_000, 1_400_000_123, 0xabcdef, 0x7, 0xb)),
			shard.SequenceFields{Version: 1, Creation: time.Unix(1_400_000_000, 0).UTC(), ShardIndex: 11, Arrival: time.Unix(1_400_000_123, 0).UTC()},
		},
		{
			"version 1 of nothing but zeros", fromHex(t, "2"+strings.Repeat("0", 45)+"1"),
			shard.SequenceFields{Version: 1, Creation: time.Unix(0, 0).UTC(), Arrival: time.Unix(0, 0).UTC()},
		},
		{
			"version 2 of nothing but zeros", fromHex(t, "2"+strings.Repeat("0", 45)+"2"),
			shard.SequenceFields{Version: 2, Creation: time.Unix(0, 0).UTC(), Arrival: time.Unix(0, 0).UTC()},
		},
		{
			"version 2 with a negative shard index", fromHex(t, "2"+strings.Repeat("0", 37)+"80000000"+"2"),
			shard.SequenceFields{Version: 2, Creation: time.Unix(0, 0).UTC(), Arrival: time.Unix(0, 0).UTC(), ShardIndex: -1 << 31},
		},
		{
			"version 0 with its leading 1", fromHex(t, fmt.Sprintf("1%09xab%016x%04x", 1_300_000_000, uint64(0x1234567890), 0x2a)),
			shard.SequenceFields{Creation: time.Unix(1_300_000_000, 0).UTC(), ShardIndex: 42},
		},
		{
			"version 0 without its leading 1", fromHex(t, fmt.Sprintf("%09xab%016x%04x", 1_300_000_000, uint64(0x1234567890), 0x2a)),
			shard.SequenceFields{Creation: time.Unix(1_300_000_000, 0).UTC(), ShardIndex: 42},
		},
		{"0", parse(t, "0"), shard.SequenceFields{Creation: time.Unix(0, 0).UTC()}},
		{
			"the latest creation", fromHex(t, fmt.Sprintf("2%09x0%016x00%09x%08x2", int64(16025175000-1), 1, 5, 0)),
			shard.SequenceFields{Version: 2, Creation: time.Unix(16025175000-1, 0).UTC(), RecordIndex: 1, Arrival: time.Unix(5, 0).UTC()},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := tt.n.Fields()
			require.NoError(t, err)
			require.Equal(t, tt.want, f)
		})
	}
}

func TestFieldsRefusesWhatNoLayoutHas(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("0", 45)
	tests := []struct{ name, hex string }{
		{"version digit 0", "2" + zeros + "0"},
		{"version digit 3", "2" + zeros + "3"},
		{"version digit f", "2" + zeros + "f"},
		{"first digit 1", "1" + zeros + "2"},
		{"first digit 3", "3" + zeros + "2"},
		{"a digit too many", "20" + zeros + "2"},
		{"between the layouts", "2" + strings.Repeat("0", 31)},
		{"just too large for version 0", "1" + strings.Repeat("0", 32)},
		{"record index with its top bit set", fmt.Sprintf("2%09x0%016x00%09x%08x2", 1, uint64(1<<63), 1, 0)},
		{"version 2 created too late", fmt.Sprintf("2%09x0%016x00%09x%08x2", int64(16025175000), 1, 1, 0)},
		{"version 1 created too late", fmt.Sprintf("2%09x000%09x%016x%08x1", int64(16025175000), 1, 1, 0)},
		{"version 0 created too late", fmt.Sprintf("1%09x00%016x%04x", int64(16025175000), 1, 1)},
		{"192 bits of ones", strings.Repeat("f", 48)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := fromHex(t, tt.hex)
			f, err := n.Fields()
			require.ErrorIs(t, err, shard.ErrSequenceNumber)
			require.Equal(t, &shard.SequenceNumberError{Text: n.String(), Reason: shard.Malformed}, err)
			require.Zero(t, f)
		})
	}
}

func TestParseSequenceNumberRefusesOtherForms(t *testing.T) {
	t.Parallel()
	over := new(big.Int).Lsh(big.NewInt(1), 192)
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"leading zero", "01"},
		{"zeros", "00"},
		{"minus", "-1"},
		{"plus", "+1"},
		{"space", " 1"},
		{"letter", "12a4"},
		{"slash, just below the digits", "1/1"},
		{"colon, just above the digits", "1:1"},
		{"hexadecimal", "0x10"},
		{"digits of another script", "١٢٣"},
		{"not UTF-8", "\xff"},
		{"2^192", over.String()},
		{"129 digits", strings.Repeat("9", 129)},
		{"130 digits", strings.Repeat("1", 130)},
		{"a shard filter's word", "LATEST"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n, err := shard.ParseSequenceNumber(tt.text)
			require.ErrorIs(t, err, shard.ErrSequenceNumber)
			bad, ok := errors.AsType[*shard.SequenceNumberError](err)
			require.True(t, ok)
			require.Equal(t, &shard.SequenceNumberError{Text: tt.text, Reason: shard.Malformed}, bad)
			require.True(t, n.IsZero())
		})
	}
}

func TestParseSequenceNumberRepeatsNoMoreThanAPartOfALongText(t *testing.T) {
	t.Parallel()
	_, err := shard.ParseSequenceNumber(strings.Repeat("x", 1<<20))
	require.Error(t, err)
	require.Less(t, len(err.Error()), 400)
}

func TestSequenceNumberText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0", "1", "9", "10", "18446744073709551615", "18446744073709551616",
		strings.Repeat("9", 18), strings.Repeat("9", 19), "1" + strings.Repeat("0", 19), "1" + strings.Repeat("0", 38), "1" + strings.Repeat("0", 57),
		"340282366920938463463374607431768211455", "340282366920938463463374607431768211456",
		new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 192), big.NewInt(1)).String(),
	} {
		n := parse(t, text)
		require.Equal(t, text, n.String())
		require.Equal(t, "x"+text, string(n.AppendTo([]byte("x"))))
		appended, err := n.AppendText([]byte("x"))
		require.NoError(t, err)
		require.Equal(t, "x"+text, string(appended))
		require.Equal(t, "shard.SequenceNumber("+text+")", fmt.Sprintf("%#v", n))
		require.Equal(t, text == "0", n.IsZero())

		encoded, err := json.Marshal(map[string]shard.SequenceNumber{"n": n})
		require.NoError(t, err)
		require.Equal(t, `{"n":"`+text+`"}`, string(encoded))
		var decoded map[string]shard.SequenceNumber
		require.NoError(t, json.Unmarshal(encoded, &decoded))
		require.Equal(t, n, decoded["n"])
	}
}

func TestUnmarshalTextLeavesTheNumberAloneWhenItFails(t *testing.T) {
	t.Parallel()
	n := parse(t, "7")
	require.ErrorIs(t, n.UnmarshalText([]byte("x")), shard.ErrSequenceNumber)
	require.Equal(t, parse(t, "7"), n)
}

func toBig(n shard.SequenceNumber) *big.Int {
	b, _ := new(big.Int).SetString(n.String(), 10)
	return b
}

var sequencePattern = regexp.MustCompile(`^(0|([1-9]\d{0,128}))$`)

// Parsing agrees with math/big on what is a number, on its text and its order;
// Fields agrees with the hexadecimal digits.
func FuzzParseSequenceNumber(f *testing.F) {
	for _, text := range []string{
		"", "0", "00", "-1", "9999999999999999999", "10000000000000000000", "x",
		"49646437577130777162115407028968674069677693010553339922",
		"49549167410956685081233009822320176730553508082787287058",
		"6277101735386680763835789423207666416102355444464034512895",
		"6277101735386680763835789423207666416102355444464034512896",
		"21267647932558653966460912964485513216",
	} {
		f.Add(text, "49600902273357540915989931256901506243878407835297513618")
	}
	bound := new(big.Int).Lsh(big.NewInt(1), 192)
	f.Fuzz(func(t *testing.T, text, other string) {
		n, err := shard.ParseSequenceNumber(text)
		want, _ := new(big.Int).SetString(text, 10)
		if !sequencePattern.MatchString(text) || want.Cmp(bound) >= 0 {
			require.ErrorIs(t, err, shard.ErrSequenceNumber)
			return
		}
		require.NoError(t, err)
		require.Equal(t, text, n.String())
		require.Equal(t, want.Sign() == 0, n.IsZero())

		if m, err := shard.ParseSequenceNumber(other); err == nil {
			require.Equal(t, toBig(n).Cmp(toBig(m)), n.Compare(m))
			require.Equal(t, n.Compare(m) == 0, n == m)
		}

		fields, err := n.Fields()
		if err != nil {
			require.ErrorIs(t, err, shard.ErrSequenceNumber)
			return
		}
		if fields.Version == 2 {
			again := version2(t, fields.Creation.Unix(), fields.ShardIndex, fields.RecordIndex, fields.Arrival.Unix())
			// The digit of the shard and the unknown one are not read.
			digits, digitsAgain := want.Text(16), toBig(again).Text(16)
			require.Equal(t, digits[:10]+digits[11:27]+digits[29:], digitsAgain[:10]+digitsAgain[11:27]+digitsAgain[29:])
		}
	})
}
