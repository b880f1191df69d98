package hashkey

import (
	"fmt"
	"math/bits"
	"strconv"
)

const (
	// maxDigits is the length of 2^128-1 in decimal.
	maxDigits = 39

	// A limb is the longest run of decimal digits of which every value fits a
	// uint64, so that a key of 39 digits is 1 digit and two limbs.
	limbDigits = 19
	limbBase   = 1e19
)

// ParseKey returns the key that s writes in decimal: "0", or 1 to 39 digits of
// which the first is not 0, with no sign, space or other character. It takes
// just what [Key.String] gives, so each key has one text. It does not allocate
// unless it fails.
//
// Errors: [*SyntaxError] if s has another form, which includes having more than
// 39 digits; [*RangeError] if it has 39 digits and is above 2^128-1. The service
// draws the same line: the first breaks the pattern of the API's field, the
// second is an invalid argument.
func ParseKey(s string) (Key, error) { return parse(s) }

// String returns the key in decimal, without leading zeros. It allocates only
// the string.
func (k Key) String() string {
	var buf [maxDigits]byte
	return string(k.AppendTo(buf[:0]))
}

// AppendTo appends the text of [Key.String], at most 39 bytes, to b and returns
// the extended slice. It allocates only if b lacks the room.
func (k Key) AppendTo(b []byte) []byte {
	if k.Hi == 0 {
		return strconv.AppendUint(b, k.Lo, 10)
	}
	k, low := k.divLimb()
	if k.Hi == 0 {
		b = strconv.AppendUint(b, k.Lo, 10)
		return appendLimb(b, low)
	}
	k, middle := k.divLimb()
	b = strconv.AppendUint(b, k.Lo, 10)
	b = appendLimb(b, middle)
	return appendLimb(b, low)
}

// AppendText is [Key.AppendTo] in the form of encoding.TextAppender. The error
// is always nil.
func (k Key) AppendText(b []byte) ([]byte, error) { return k.AppendTo(b), nil }

// MarshalText returns the text of [Key.String], so that JSON shows a key as the
// service does, a string of digits. The error is always nil.
func (k Key) MarshalText() ([]byte, error) {
	return k.AppendTo(make([]byte, 0, maxDigits)), nil
}

// UnmarshalText sets k to the key that text writes, by the rules and with the
// errors of [ParseKey]. On an error k keeps its value. It retains nothing of
// text.
func (k *Key) UnmarshalText(text []byte) error {
	parsed, err := parse(text)
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}

// parse is generic because to turn 39 bytes into a string would allocate.
func parse[T string | []byte](text T) (Key, error) {
	n := len(text)
	if n == 0 || n > maxDigits || (text[0] == '0' && n > 1) {
		return Key{}, newSyntaxError(text)
	}
	// The short limb comes first, so that each later step multiplies by the same
	// constant and only the last of them can overflow.
	head := n % limbDigits
	lo, ok := parseLimb(text, 0, head)
	if !ok {
		return Key{}, newSyntaxError(text)
	}
	k, overflow := Key{Lo: lo}, false
	for i := head; i < n; i += limbDigits {
		limb, ok := parseLimb(text, i, i+limbDigits)
		if !ok {
			return Key{}, newSyntaxError(text)
		}
		k, overflow = k.mulLimbAdd(limb)
	}
	if overflow {
		return Key{}, &RangeError{Text: string(text)}
	}
	return k, nil
}

// parseLimb reads the digits text[from:to], of which there are at most
// limbDigits.
func parseLimb[T string | []byte](text T, from, to int) (v uint64, ok bool) {
	for i := from; i < to; i++ {
		digit := text[i] - '0'
		if digit > 9 {
			return 0, false
		}
		v = v*10 + uint64(digit)
	}
	return v, true
}

// mulLimbAdd returns k*limbBase + limb modulo 2^128, and whether the true value
// is 2^128 or more.
func (k Key) mulLimbAdd(limb uint64) (Key, bool) {
	loHigh, loLow := bits.Mul64(k.Lo, limbBase)
	hiHigh, hiLow := bits.Mul64(k.Hi, limbBase)
	sum, carry := Key{Hi: hiLow}.Add(Key{Hi: loHigh, Lo: loLow})
	sum, carryLimb := sum.Add(Key{Lo: limb})
	return sum, hiHigh != 0 || carry || carryLimb
}

// divLimb divides by limbBase.
func (k Key) divLimb() (quotient Key, remainder uint64) {
	// Reducing Hi first is what keeps Div64 within its domain.
	hi, rest := k.Hi/limbBase, k.Hi%limbBase
	lo, rest := bits.Div64(rest, k.Lo, limbBase)
	return Key{Hi: hi, Lo: lo}, rest
}

// appendLimb appends v with leading zeros, limbDigits in all.
func appendLimb(b []byte, v uint64) []byte {
	b = append(b, "0000000000000000000"...)
	for i := len(b) - 1; v != 0; i-- {
		b[i] = '0' + byte(v%10)
		v /= 10
	}
	return b
}

// maxQuoted bounds, in bytes, what a SyntaxError keeps of its input: enough for
// every text of the right length, little enough that hostile input is neither
// held in memory nor repeated in a log.
const maxQuoted = 64

// SyntaxError says that a text is not the decimal form of a hash key.
type SyntaxError struct {
	Text string // the refused text, or its first 64 bytes if it is longer
	Len  int    // the length of the whole text in bytes
}

func newSyntaxError[T string | []byte](text T) *SyntaxError {
	// The conversion of a slice of bytes copies, even for a string, so that the
	// error does not keep a whole request alive.
	return &SyntaxError{Text: string([]byte(text[:min(len(text), maxQuoted)])), Len: len(text)}
}

func (e *SyntaxError) Error() string {
	cut := ""
	if e.Len > len(e.Text) {
		cut = fmt.Sprintf("... (%d bytes)", e.Len)
	}
	return fmt.Sprintf("hashkey: %q%s is not a hash key: write it as 1 to %d decimal digits, with no sign, space or leading zero",
		e.Text, cut, maxDigits)
}

// RangeError says that a text is a decimal number but above the greatest hash
// key.
type RangeError struct {
	Text string // the refused text, of 39 digits
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("hashkey: %s is above the greatest hash key: pass a number from 0 to 2^128-1 = %s",
		e.Text, Max())
}
