package shard_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/shard"
)

func TestIDHasTwelveDigits(t *testing.T) {
	t.Parallel()
	require.Equal(t, "shardId-000000000000", shard.ID(0))
	require.Equal(t, "shardId-000000000042", shard.ID(42))
	require.Equal(t, "shardId-002147483647", shard.ID(shard.MaxIndex))
}

func TestParseIDIsAsLooseAsTheService(t *testing.T) {
	t.Parallel()
	tests := []struct {
		id   string
		want int32 // -1 for none
	}{
		{"shardId-000000000003", 3},
		{"shardId-3", 3},
		{"shard-3", 3},
		{"x-3", 3},
		{"3", 3},
		{"-3", 3},
		{"000000000000000000000000000003", 3},
		{"-00002147483647", shard.MaxIndex},
		{"shardId-3-4", 3},
		{"shardId-3-", 3},
		{"0", 0},
		{"-0", 0},
		{"a b\n-7", 7},

		{"", -1},
		{"-", -1},
		{"--3", -1},
		{"3-", -1},
		{"shardId-", -1},
		{"shardId--3", -1},
		{"shardId-x", -1},
		{"shardId-3x", -1},
		{"shardId-+3", -1},
		{"shardId- 3", -1},
		{"shardId-2147483648", -1},
		{"shardId-99999999999999999999", -1},
		{"shardId_3", -1},
		{"shardId-٣", -1},
	}
	for _, tt := range tests {
		got, ok := shard.ParseID(tt.id)
		require.Equal(t, tt.want >= 0, ok, "%q", tt.id)
		require.Equal(t, max(tt.want, 0), got, "%q", tt.id)
	}
}

func FuzzParseID(f *testing.F) {
	for _, id := range []string{"shardId-000000000003", "3", "-3", "a-3-b", "--3", "shardId-2147483648", ""} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		// The service's rule, word by word.
		text := id
		if parts := strings.Split(id, "-"); len(parts) > 1 && parts[1] != "" {
			text = parts[1]
		}
		digits := text != "" && strings.Trim(text, "0123456789") == ""
		want, err := strconv.ParseUint(text, 10, 31)

		got, ok := shard.ParseID(id)
		require.Equal(t, digits && err == nil, ok)
		if ok {
			require.Equal(t, int32(want), got)
			again, ok := shard.ParseID(shard.ID(got))
			require.True(t, ok)
			require.Equal(t, got, again)
		}
	})
}
