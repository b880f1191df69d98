package model

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// EndIndex is the record index in the number that ends a shard.
const EndIndex = 1<<63 - 1

// Number is a sequence number, put together from its hexadecimal digits: 2,
// creation second (9), lowest digit of the shard index, record index (16), 00,
// second of arrival (9), shard index (8), 2.
func Number(creation int64, shard int, index uint64, second int64) *big.Int {
	// A child is created a second after its parents were closed. What arrives
	// before that has come is given the second of creation.
	second = max(second, creation)
	digits := fmt.Sprintf("2%09x%x%016x00%09x%08x2", creation, shard&0xf, index, second, shard)
	n, ok := new(big.Int).SetString(digits, 16)
	if !ok {
		panic("not hexadecimal: " + digits)
	}
	return n
}

// First is the number below those of all records of the shard.
func (sh *Shard) First() *big.Int { return Number(sh.Creation, sh.Index, 0, sh.Creation) }

// Last is the number above those of all records, nil while the shard is open.
func (sh *Shard) Last() *big.Int {
	if sh.Open {
		return nil
	}
	return Number(sh.Creation, sh.Index, EndIndex, sh.ClosedAt/1000)
}

// indexOf takes the record index out of a number that was given for a position
// in sh, and says what is wrong with a number that has no place there.
func (sh *Shard) indexOf(n *big.Int) (index uint64, kind Kind) {
	const latestCreation = 16025175000
	digits := n.Text(16)
	field := func(from, to int) int64 {
		v, err := strconv.ParseUint(digits[from:to], 16, 64)
		if err != nil {
			panic(err)
		}
		return int64(v)
	}
	version, creation, shard := 0, int64(0), 0
	switch {
	case len(digits) == 47 && digits[0] == '2' && digits[46] == '2':
		version, creation, shard = 2, field(1, 10), int(int32(field(38, 46)))
		index = uint64(field(11, 27))
	case len(digits) == 47 && digits[0] == '2' && digits[46] == '1':
		version, creation, shard = 1, field(1, 10), int(int32(field(38, 46)))
	case len(digits) < 32 || len(digits) == 32 && digits[0] == '1':
		if len(digits) < 32 {
			digits = "1" + strings.Repeat("0", 31-len(digits)) + digits
		}
		creation, shard = field(1, 10), int(field(28, 32))
	default:
		return 0, Malformed
	}
	switch {
	case creation >= latestCreation || index > EndIndex:
		return 0, Malformed
	case shard != sh.Index:
		return 0, OtherShard
	case version != 2 || creation != sh.Creation:
		return 0, OtherStream
	}
	return index, OK
}
