package shard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// MaxIndex is the highest index that a shard of a stream can have.
const MaxIndex = math.MaxInt32

// ID is the text form of a shard's index: shardId- and twelve digits.
func ID(index int32) string { return fmt.Sprintf("shardId-%012d", index) }

// ParseID reads a shard's ID as loosely as the service does: the text between
// the first and the second hyphen, or all of it where that is empty, must be
// digits up to 2147483647, so "shardId-000000000003", "shardId-3" and "3" name
// one shard.
func ParseID(id string) (int32, bool) {
	digits := id
	if _, rest, found := strings.Cut(id, "-"); found {
		if part, _, _ := strings.Cut(rest, "-"); part != "" {
			digits = part
		}
	}
	if digits == "" {
		return 0, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return 0, false
	}
	return int32(n), true
}
