package hashkey_test

import (
	"encoding"
	"encoding/json"
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
)

var (
	_ encoding.TextAppender    = hashkey.Key{}
	_ encoding.TextMarshaler   = hashkey.Key{}
	_ encoding.TextUnmarshaler = (*hashkey.Key)(nil)
)

func TestParseKeyTakesTheServicesForm(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       hashkey.Key
	}{
		{"zero", "0", hashkey.Key{}},
		{"one digit", "7", small(7)},
		{"a full limb of nines", strings.Repeat("9", 19), small(1e19 - 1)},
		{"the first of two limbs", "1" + strings.Repeat("0", 19), small(1e19)},
		{"the last below 2^64", "18446744073709551615", small(^uint64(0))},
		{"2^64", "18446744073709551616", hashkey.Key{Hi: 1}},
		{"two limbs of nines", strings.Repeat("9", 38), hashkey.Key{Hi: 5421010862427522170, Lo: 687399551400673279}},
		{"2^127", "170141183460469231731687303715884105728", hashkey.Key{Hi: 1 << 63}},
		{"2^128-1", "340282366920938463463374607431768211455", hashkey.Max()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := hashkey.ParseKey(tt.text)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.text, got.String())
			require.Equal(t, "x"+tt.text, string(got.AppendTo([]byte("x"))))
		})
	}
}

func TestParseKeyRefusesOtherForms(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"leading zero", "01"},
		{"zeros", "00"},
		{"minus", "-1"},
		{"plus", "+1"},
		{"space before", " 1"},
		{"newline after", "1\n"},
		{"letter in the short limb", "1a"},
		{"letter in a long limb", "1" + strings.Repeat("0", 18) + "a"},
		{"slash, just below the digits", "1/1"},
		{"colon, just above the digits", "1:1"},
		{"underscore", "1_000"},
		{"hexadecimal", "0x10"},
		{"fraction", "1.0"},
		{"digits of another script", "١٢٣"},
		{"NUL", "\x00"},
		{"not UTF-8", "\xff"},
		{"40 digits", "1" + strings.Repeat("0", 39)},
		{"letter in 39 characters that would overflow", strings.Repeat("9", 38) + "x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := hashkey.ParseKey(tt.text)
			syntax, ok := errors.AsType[*hashkey.SyntaxError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, &hashkey.SyntaxError{Text: tt.text, Len: len(tt.text)}, syntax)
			require.Zero(t, got)
		})
	}
}

func TestParseKeyRefusesNumbersAboveTheSpace(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text string }{
		{"2^128", "340282366920938463463374607431768211456"},
		{"carry out of the last limb only", "340282366920938463470000000000000000000"},
		{"39 nines", strings.Repeat("9", 39)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := hashkey.ParseKey(tt.text)
			outside, ok := errors.AsType[*hashkey.RangeError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tt.text, outside.Text)
			require.Zero(t, got)
		})
	}
}

func TestParseErrorsNameValueBoundAndRemedy(t *testing.T) {
	t.Parallel()
	_, err := hashkey.ParseKey("007")
	require.EqualError(t, err, `hashkey: "007" is not a hash key: write it as 1 to 39 decimal digits, with no sign, space or leading zero`)

	_, err = hashkey.ParseKey("340282366920938463463374607431768211456")
	require.EqualError(t, err, "hashkey: 340282366920938463463374607431768211456 is above the greatest hash key: "+
		"pass a number from 0 to 2^128-1 = 340282366920938463463374607431768211455")
}

func TestParseErrorIsBoundedByLongInput(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("\x00", 1<<20)
	_, err := hashkey.ParseKey(text)
	syntax, ok := errors.AsType[*hashkey.SyntaxError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, &hashkey.SyntaxError{Text: text[:64], Len: 1 << 20}, syntax)
	require.Less(t, len(err.Error()), 500)
	require.ErrorContains(t, err, "(1048576 bytes)")

	require.EqualError(t, new(hashkey.Key).UnmarshalText([]byte(text)), err.Error())
}

func TestKeyInJSONIsAStringOfDigits(t *testing.T) {
	t.Parallel()
	in := hashkey.Range{Start: small(5), End: hashkey.Max()}
	text, err := json.Marshal(in)
	require.NoError(t, err)
	require.JSONEq(t, `{"Start":"5","End":"340282366920938463463374607431768211455"}`, string(text))

	var out hashkey.Range
	require.NoError(t, json.Unmarshal(text, &out))
	require.Equal(t, in, out)
}

func TestUnmarshalTextKeepsTheKeyOnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", strings.Repeat("9", 39)} {
		k := small(5)
		require.Error(t, k.UnmarshalText([]byte(text)))
		require.Equal(t, small(5), k)
	}
}

func TestEveryLengthOfDigitsRoundTrips(t *testing.T) {
	t.Parallel()
	ten := big.NewInt(10)
	for power := big.NewInt(1); inSpace(power); power = new(big.Int).Mul(power, ten) {
		for _, delta := range []int64{-1, 0, 1} {
			want := new(big.Int).Add(power, big.NewInt(delta))
			k := keyOf(want)
			require.Equal(t, want.String(), k.String())
			require.Equal(t, k, key(t, want.String()))
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, k := range edges() {
		f.Add(k.String())
	}
	for _, text := range []string{
		"", "00", "01", "-1", "+1", " 1", "1 ", "1a", "1_0", "0x1", "1e3", "\xff",
		"340282366920938463463374607431768211456", strings.Repeat("9", 39), "1" + strings.Repeat("0", 39), strings.Repeat("1", 100),
	} {
		f.Add(text)
	}
	form := regexp.MustCompile(`\A(?:0|[1-9][0-9]{0,38})\z`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := hashkey.ParseKey(text)

		unmarshalled := small(5)
		unmarshalErr := unmarshalled.UnmarshalText([]byte(text))
		require.Equal(t, err, unmarshalErr)

		if !form.MatchString(text) {
			_, ok := errors.AsType[*hashkey.SyntaxError](err)
			require.True(t, ok, "%v", err)
			require.Less(t, len(err.Error()), 500)
			return
		}
		want, ok := new(big.Int).SetString(text, 10)
		require.True(t, ok)
		if !inSpace(want) {
			_, ok := errors.AsType[*hashkey.RangeError](err)
			require.True(t, ok, "%v", err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, keyOf(want), got)
		require.Equal(t, got, unmarshalled)
		require.Equal(t, text, got.String())
		marshalled, err := got.MarshalText()
		require.NoError(t, err)
		require.Equal(t, text, string(marshalled))
		appended, err := got.AppendText(nil)
		require.NoError(t, err)
		require.Equal(t, text, string(appended))
	})
}

// Not parallel: testing.AllocsPerRun counts the whole program's allocations.
func TestAllocations(t *testing.T) {
	text := hashkey.Max().String()
	raw, buf := []byte(text), make([]byte, 0, 64)
	partitionKey := strings.Repeat("k", 256)
	var k hashkey.Key
	var err error
	tests := []struct {
		name string
		want int
		call func()
	}{
		{"ParseKey", 0, func() { k, err = hashkey.ParseKey(text) }},
		{"UnmarshalText", 0, func() { err = k.UnmarshalText(raw) }},
		{"AppendTo", 0, func() { buf = hashkey.Max().AppendTo(buf[:0]) }},
		{"String", 1, func() { text = hashkey.Max().String() }},
		{"Range.String", 1, func() { text = hashkey.Full().String() }},
		{"FromPartitionKey", 0, func() { k = hashkey.FromPartitionKey(partitionKey) }},
		{"EvenAt", 0, func() { k = hashkey.EvenAt(1000, 500).Start }},
		{"Even", 1, func() { _, err = hashkey.Even(1000) }},
	}
	for _, tt := range tests {
		text = hashkey.Max().String()
		require.Equal(t, tt.want, int(testing.AllocsPerRun(100, tt.call)), tt.name)
		require.NoError(t, err)
	}
}
