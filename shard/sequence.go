package shard

import (
	"cmp"
	"fmt"
	"math/bits"
	"time"
)

// SequenceNumber is the place of a record in its shard: unique in the stream,
// strictly rising in append order within a shard, and for one partition key
// also across splits and merges (invariants I3 and I4).
//
// It is an unsigned integer of up to 192 bits. The numbers that Millrace gives
// have the size and the bit layout of those of Amazon Kinesis, so programs that
// sort, store or take apart real sequence numbers work: 56 decimal digits, and
// in hexadecimal, from the left,
//
//	digits   content
//	1        2
//	9        second of the shard's creation, since the Unix epoch
//	1        lowest digit of the shard's index
//	16       index of the record in its shard, counted from 1
//	2        0
//	9        second of the record's arrival
//	8        the shard's index
//	1        2, the version of the layout
//
// The zero value is the number 0, which no record has; it stands for "none".
// SequenceNumbers compare with == and [SequenceNumber.Compare].
type SequenceNumber struct{ hi, mid, lo uint64 }

const (
	maxSequenceDigits = 129 // the API's pattern is 0|([1-9]\d{0,128})
	sequenceVersion   = 2

	// startIndex and endIndex are the record indexes in the numbers that begin
	// and end a shard; no record has them.
	startIndex = 0
	endIndex   = 1<<63 - 1

	maxCreation = 16025175000 // seconds; what the service takes as the latest creation time
)

// sequencePrefix holds the parts of a number that all records of a shard share.
type sequencePrefix struct {
	hi, lo   uint64
	creation int64 // seconds
}

func newSequencePrefix(creation int64, shardIndex int32) sequencePrefix {
	return sequencePrefix{
		hi:       2<<56 | uint64(creation)<<20 | uint64(shardIndex&0xf)<<16,
		lo:       uint64(uint32(shardIndex))<<4 | sequenceVersion,
		creation: creation,
	}
}

// at is the number of the record with the given index that arrived in the
// given second.
func (p *sequencePrefix) at(index uint64, second int64) SequenceNumber {
	// A child is created in the second after its parents closed (I4), which
	// may lie ahead of the clock.
	second = max(second, p.creation)
	return SequenceNumber{
		hi:  p.hi | index>>48,
		mid: index<<16 | uint64(second)>>28,
		lo:  uint64(second)<<36 | p.lo,
	}
}

// ParseSequenceNumber reads the decimal text of a number: 0, or up to 129
// digits without a leading zero, as the API has it. It returns a
// [*SequenceNumberError] with reason [Malformed] for anything else and for a
// number beyond 192 bits, which no sequence number ever was.
func ParseSequenceNumber(text string) (SequenceNumber, error) {
	bad := func() (SequenceNumber, error) {
		return SequenceNumber{}, &SequenceNumberError{Text: clip(text), Reason: Malformed}
	}
	if text == "" || len(text) > maxSequenceDigits || (text[0] == '0' && len(text) > 1) {
		return bad()
	}
	var n SequenceNumber
	for i := range len(text) {
		digit := uint64(text[i]) - '0'
		if digit > 9 {
			return bad()
		}
		carry := digit
		for _, word := range []*uint64{&n.lo, &n.mid, &n.hi} {
			high, low := bits.Mul64(*word, 10)
			var c uint64
			*word, c = bits.Add64(low, carry, 0)
			carry = high + c
		}
		if carry != 0 {
			return bad()
		}
	}
	return n, nil
}

// String is the decimal text.
func (n SequenceNumber) String() string {
	var buf [64]byte
	return string(n.AppendTo(buf[:0]))
}

// AppendTo appends the decimal text to b.
func (n SequenceNumber) AppendTo(b []byte) []byte {
	const chunk, chunkDigits = 1e19, 19 // the largest power of ten in a word
	var digits [4 * chunkDigits]byte
	at := len(digits)
	for {
		var rest uint64
		n.hi, rest = bits.Div64(0, n.hi, chunk)
		n.mid, rest = bits.Div64(rest, n.mid, chunk)
		n.lo, rest = bits.Div64(rest, n.lo, chunk)
		last := n.IsZero()
		for i := 0; (i < chunkDigits && !last) || rest > 0; i++ {
			at--
			digits[at] = byte('0' + rest%10)
			rest /= 10
		}
		if last {
			break
		}
	}
	if at == len(digits) {
		return append(b, '0')
	}
	return append(b, digits[at:]...)
}

// AppendText is [SequenceNumber.AppendTo] for encoding.TextAppender; it never
// fails.
func (n SequenceNumber) AppendText(b []byte) ([]byte, error) { return n.AppendTo(b), nil }

// MarshalText is the decimal text; it never fails.
func (n SequenceNumber) MarshalText() ([]byte, error) { return n.AppendTo(nil), nil }

// UnmarshalText reads what [ParseSequenceNumber] reads.
func (n *SequenceNumber) UnmarshalText(text []byte) error {
	parsed, err := ParseSequenceNumber(string(text))
	if err != nil {
		return err
	}
	*n = parsed
	return nil
}

// IsZero reports whether n is the zero value, which stands for "none".
func (n SequenceNumber) IsZero() bool { return n == SequenceNumber{} }

// Compare is -1, 0 or +1 as n is below, equal to or above m.
func (n SequenceNumber) Compare(m SequenceNumber) int {
	return cmp.Or(cmp.Compare(n.hi, m.hi), cmp.Compare(n.mid, m.mid), cmp.Compare(n.lo, m.lo))
}

// SequenceFields are the parts of a sequence number.
type SequenceFields struct {
	Version     int       // layout: 2 today, 0 and 1 in numbers of the service's early years
	Creation    time.Time // when the shard was created, to the second
	ShardIndex  int32
	RecordIndex uint64    // version 2 only; 0 in the number that starts a shard, 2^63-1 in the one that ends it
	Arrival     time.Time // when the record arrived, to the second; zero in version 0
}

// Fields takes n apart. It returns a [*SequenceNumberError] with reason
// [Malformed] when n has none of the three layouts that the service has used.
func (n SequenceNumber) Fields() (SequenceFields, error) {
	f, ok := n.fields()
	if !ok {
		return SequenceFields{}, &SequenceNumberError{Text: n.String(), Reason: Malformed}
	}
	return f, nil
}

func (n SequenceNumber) fields() (f SequenceFields, ok bool) {
	if n.hi == 0 {
		return n.fieldsOfVersion0()
	}
	// Versions 1 and 2 are the numbers from 2^185 up to half as much again.
	if n.hi>>56 != 2 {
		return f, false
	}
	f.Version = int(n.lo & 0xf)
	f.ShardIndex = int32(n.lo >> 4)
	creation := int64(n.hi >> 20 & (1<<36 - 1))
	var arrival int64
	switch f.Version {
	case 2:
		f.RecordIndex = n.hi<<48 | n.mid>>16
		arrival = int64(n.mid<<28&(1<<36-1) | n.lo>>36)
	case 1:
		// 2, creation 9, shard digit 1, unknown 2, arrival 9, random 14, index 2, shard 8, 1
		arrival = int64(n.hi&0xff<<28 | n.mid>>36)
	default:
		return f, false
	}
	f.Creation, f.Arrival = time.Unix(creation, 0).UTC(), time.Unix(arrival, 0).UTC()
	return f, creation < maxCreation && f.RecordIndex <= endIndex
}

// fieldsOfVersion0 reads 32 hexadecimal digits: 1, creation 9, unknown 2,
// random 16, shard 4. Numbers below 2^124 lack the leading 1.
func (n SequenceNumber) fieldsOfVersion0() (f SequenceFields, ok bool) {
	creation := int64(n.mid >> 24 & (1<<36 - 1))
	f.Creation = time.Unix(creation, 0).UTC()
	f.ShardIndex = int32(n.lo & 0xffff)
	return f, n.mid>>60 <= 1 && creation < maxCreation
}

// GoString keeps %#v of a record readable.
func (n SequenceNumber) GoString() string { return fmt.Sprintf("shard.SequenceNumber(%s)", n) }
