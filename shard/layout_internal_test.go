package shard

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// What an append writes lies on two lines, and what readers poll on a third.
func TestFieldsLieByWhoTouchesThem(t *testing.T) {
	t.Parallel()
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Log("lines are laid out for 64 bits")
		return
	}
	const line = 64
	var s Shard
	require.Zero(t, unsafe.Offsetof(s.mu))
	require.Equal(t, uintptr(line), unsafe.Offsetof(s.bytes))
	require.Equal(t, uintptr(2*line), unsafe.Offsetof(s.tail))
	require.Equal(t, uintptr(3*line), unsafe.Offsetof(s.out))
	require.Equal(t, uintptr(8*line), unsafe.Sizeof(s))
}
