package hashkey_test

import (
	"crypto/md5"
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
)

// partitionKeyVectors are MD5 sums, and the shards that take them in a stream
// of 2, 3, 4 and 5 shards that has not been resharded.
func partitionKeyVectors() []partitionKeyVector {
	return []partitionKeyVector{
		{"a", "0cc175b9c0f1b6a831c399e269772661", "16955237001963240173058271559858726497", [4]int{0, 0, 0, 0}},
		{"b", "92eb5ffee6ae2fec3ad71c777531578f", "195289424170611159128911017612795795343", [4]int{1, 1, 2, 2}},
		{"e", "e1671797c52e15f763380b45e841ec32", "299611584147932843547128611849858313266", [4]int{1, 2, 3, 4}},
		{"f", "8fa14cdd754f91cc6554c9e71929cce7", "190917122200326810055233066464581373159", [4]int{1, 1, 2, 2}},
		{"ü", "c03410a5204b21cd8229ff754688d743", "255482112228542481294366945247899473731", [4]int{1, 2, 3, 3}},
		{"日本", "4dbed2e657457884e67137d3514119b3", "103341369634063465466164320543046703539", [4]int{0, 0, 1, 1}},
		{"😀", "2a02eac39d716a70ecf37579185927b6", "55842721998748738903166261021950683062", [4]int{0, 0, 0, 0}},
	}
}

type partitionKeyVector struct {
	partitionKey, sum, decimal string
	shards                     [4]int
}

func TestFromPartitionKeyRoutesAsTheService(t *testing.T) {
	t.Parallel()
	for _, v := range partitionKeyVectors() {
		t.Run(v.partitionKey, func(t *testing.T) {
			t.Parallel()
			k := hashkey.FromPartitionKey(v.partitionKey)
			b := k.Bytes()
			require.Equal(t, v.sum, hex.EncodeToString(b[:]))
			require.Equal(t, v.decimal, k.String())
			for i, want := range v.shards {
				ranges, err := hashkey.Even(i + 2)
				require.NoError(t, err)
				for shard, r := range ranges {
					require.Equal(t, shard == want, r.Contains(k), "shard %d of %d", shard, len(ranges))
				}
			}
		})
	}
}

func TestFromPartitionKeyHashesAnyString(t *testing.T) {
	t.Parallel()
	for _, partitionKey := range []string{"", "\x00", "\xff\xfe", strings.Repeat("é", 10_000)} {
		require.Equal(t, hashkey.FromBytes(md5.Sum([]byte(partitionKey))), hashkey.FromPartitionKey(partitionKey))
	}
	require.Equal(t, "281949768489412648962353822266799178366", hashkey.FromPartitionKey("").String())
}

// The setting is read once at the start of a program, so this test starts its
// own binary again with it.
func TestFromPartitionKeyWorksWhereFIPSForbidsMD5(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestFromPartitionKeyRoutesAsTheService$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "fips140") && !strings.Contains(string(out), "=== RUN") {
		t.Skipf("no FIPS mode on this platform: %s", out)
	}
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestFromPartitionKeyRoutesAsTheService")
}
