package hashkey

import (
	"crypto/fips140"
	"crypto/md5"
)

// FromPartitionKey returns the key by which a record with this partition key is
// routed: the MD5 sum of the string's bytes, most significant byte first. Every
// string has one, also the empty one and one that is not UTF-8; nothing is
// normalised. It does not allocate.
//
// MD5 spreads records here and protects nothing: whoever chooses partition keys
// can choose where they land. So this also works in a program that runs with
// GODEBUG=fips140=only, in which crypto/md5 otherwise panics.
func FromPartitionKey(partitionKey string) Key {
	if len(partitionKey) > md5OneBlock {
		return sumLong(partitionKey)
	}
	var x md5Block
	x.fill(partitionKey)
	return md5One(&x)
}

// FromPartitionKeys2 returns the keys of two partition keys, in about two thirds
// of the time of two calls of [FromPartitionKey].
func FromPartitionKeys2(first, second string) (Key, Key) {
	if len(first) > md5OneBlock || len(second) > md5OneBlock {
		return FromPartitionKey(first), FromPartitionKey(second)
	}
	var x, y md5Block
	x.fill(first)
	y.fill(second)
	return md5Two(&x, &y)
}

// sumLong is FromPartitionKey of a text of any length.
func sumLong(text string) Key {
	if fips140.Enforced() {
		return sumUnenforced(text)
	}
	return FromBytes(md5.Sum(bytesOf(text)))
}

// sumUnenforced is apart so that its closure costs the usual path no allocation.
func sumUnenforced(text string) (key Key) {
	fips140.WithoutEnforcement(func() { key = FromBytes(md5.Sum(bytesOf(text))) })
	return key
}
