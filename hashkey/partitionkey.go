package hashkey

import (
	"crypto/fips140"
	"crypto/md5"
	"unsafe"
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
	// The slice shares the string's memory, which is safe as Sum only reads it.
	data := unsafe.Slice(unsafe.StringData(partitionKey), len(partitionKey))
	if fips140.Enforced() {
		return sumUnenforced(data)
	}
	return FromBytes(md5.Sum(data))
}

// sumUnenforced is apart so that its closure costs the usual path no allocation.
func sumUnenforced(data []byte) (key Key) {
	fips140.WithoutEnforcement(func() { key = FromBytes(md5.Sum(data)) })
	return key
}
