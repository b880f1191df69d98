package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// execute runs the program as main does.
func execute(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = quickstart(args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// shape replaces what differs from run to run: figures, durations, bars and
// which shards were picked.
func shape(report string) string {
	for _, r := range []struct{ pattern, by string }{
		{`shardId-\d{12}`, "SHARD"},
		{` *[█▏▎▍▌▋▊▉]+`, ""},
		{`(?:\d+m)?[\d.]+(?:ns|µs|ms|s)\b`, "TIME"},
		{`[+-]\d+\.\d+%`, "OFF"},
		{`\d[\d,]*\.\d+%`, "PERCENT"},
		{`\d[\d,]*(?:\.\d+)?`, "N"},
		{`SHARD +(open|closed) +`, "SHARD $1 "},
		{` +(PERCENT|N|OFF)`, " $1"},
	} {
		report = regexp.MustCompile(r.pattern).ReplaceAllString(report, r.by)
	}
	return report
}

const shapeOfShards = `
Shards at the end
                                of keys     records   share
`

func TestBuiltinLogReport(t *testing.T) {
	t.Parallel()
	code, out, errs := execute(t, "")
	require.Zero(t, code, errs)
	require.Empty(t, errs, "no progress where no terminal is")
	require.Contains(t, out, "  records:    2,000 put by 4 producers, 2,000 read back\n")
	require.Contains(t, out, "  clients:    146\n")
	require.Contains(t, out, "  skipped:    none\n")

	got := shape(out)
	require.True(t, strings.HasPrefix(got, `Millrace quickstart: the access log that comes with it

  records: N put by N producers, N read back
  clients: N
  bytes: N of partition keys and data
  skipped:    none
  order:      ok, for every client, across a split and a merge
  invariants: ok
`+shapeOfShards), got)
	require.Equal(t, 4, strings.Count(got, "  SHARD open PERCENT N PERCENT\n"), got)
	require.Equal(t, 3, strings.Count(got, "  SHARD closed PERCENT N PERCENT\n"), got)
	require.True(t, strings.HasSuffix(got, `
Lineage
  SHARD -> split -> SHARD, SHARD
      the hottest: N of N records so far; took TIME
  SHARD, SHARD -> merge -> SHARD
      the coldest neighbours: N of N records since; took TIME
 N other shards never changed

Throughput
  put: N records/s N MB/s  in TIME, with a reader
  read back: N records/s N MB/s  in TIME, and verified
  The reader beside had the last record TIME after it was put.
`), got)
}

// The bars and the columns of the table come from the same counts, and those
// are of all records.
func TestReportCountsEveryRecordOnce(t *testing.T) {
	t.Parallel()
	_, out, _ := execute(t, "", "-shards", "7")
	rows := regexp.MustCompile(`(?m)^  shardId-\d{12}  (?:open  |closed) +[\d.]+% +([\d,]+) `).FindAllStringSubmatch(out, -1)
	require.Len(t, rows, 10)
	sum := 0
	for _, r := range rows {
		var n int
		_, err := fmt.Sscan(strings.ReplaceAll(r[1], ",", ""), &n)
		require.NoError(t, err)
		sum += n
	}
	require.Equal(t, 2000, sum)
}

func TestGeneratedReport(t *testing.T) {
	t.Parallel()
	code, out, errs := execute(t, "", "-gen", "20000", "-size", "20")
	require.Zero(t, code, errs)
	require.Contains(t, out, "20,000 put by 4 producers, 20,000 read back\n")
	require.Contains(t, out, "  clients:    2,000\n")
	require.NotContains(t, out, "skipped:")
	require.Contains(t, shape(out), `
Records by the hash keys of the N shards at the beginning
                        of keys     records    share   off by
  SHARD PERCENT N PERCENT OFF
  SHARD PERCENT N PERCENT OFF
  SHARD PERCENT N PERCENT OFF
  SHARD PERCENT N PERCENT OFF
  Even: off by up to PERCENT, as chance would have it with N keys
  (chi-squared N, bound N).
`)
}

func TestReportFitsATerminal(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		nil,
		{"-gen", "200000", "-size", "8"},
		{"-gen", "2"},
		{"-shards", "1"},
		{"-h"},
	} {
		_, out, _ := execute(t, "", args...)
		for line := range strings.Lines(out) {
			line = strings.TrimSuffix(line, "\n")
			require.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
			require.Equal(t, strings.TrimRight(line, " "), line)
		}
	}
}

// However few records there are, the split and the merge happen, and nobody
// waits for ever.
func TestEverySmallNumberOfRecords(t *testing.T) {
	t.Parallel()
	for records := 1; records <= 20; records++ {
		for _, producers := range []string{"1", "2", "5"} {
			for _, shards := range []string{"1", "3"} {
				code, out, errs := execute(t, "", "-gen", fmt.Sprint(records), "-producers", producers, "-shards", shards)
				require.Zero(t, code, errs)
				require.Contains(t, out, "-> split ->")
				require.Contains(t, out, "-> merge ->")
			}
		}
	}
}

func TestFileAndStandardInput(t *testing.T) {
	t.Parallel()
	const lines = "192.0.2.1 - - [14/Oct/2025:08:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"\r\n" +
		"\r\n" +
		"no log line\n" +
		"2001:db8::1 - alice [14/Oct/2025:08:00:00 +0000] \"GET / HTTP/1.1\" 200 1"
	path := filepath.Join(t.TempDir(), "access.log")
	require.NoError(t, os.WriteFile(path, []byte(lines), 0o600))
	for arg, title := range map[string]string{path: path, "-": "standard input"} {
		code, out, errs := execute(t, lines, arg)
		require.Zero(t, code, errs)
		require.Contains(t, out, "Millrace quickstart: "+title+"\n")
		require.Contains(t, out, "2 put by 4 producers, 2 read back\n")
		require.Contains(t, out, "skipped:    1 empty, 1 without a client address\n")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	code, out, errs := execute(t, "", "-h")
	require.Zero(t, code)
	require.Empty(t, errs)
	for _, want := range []string{"-gen N", "-shards N", "-producers N", "-size bytes", "quickstart -gen 1000000", "(default 4)"} {
		require.Contains(t, out, want)
	}
}

func TestArgumentsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"-gen is 0":                 {"-gen", "0"},
		"-gen is -1":                {"-gen", "-1"},
		`invalid value "many"`:      {"-gen", "many"},
		"in place of a file":        {"-gen", "5", "access.log"},
		"give -gen as well":         {"-size", "50"},
		"-size is 7":                {"-gen", "5", "-size", "7"},
		"-size is 1048576":          {"-gen", "5", "-size", "1048576"},
		"-shards is 0":              {"-shards", "0"},
		"-shards is 101":            {"-shards", "101"},
		"-producers is 0":           {"-producers", "0"},
		"2 files given":             {"a.log", "b.log"},
		"flag provided but not def": {"-partitions", "4"},
	} {
		code, out, errs := execute(t, "", args...)
		require.Equal(t, 2, code, want)
		require.Empty(t, out)
		require.Contains(t, errs, "quickstart: ")
		require.Contains(t, errs, want)
		require.Contains(t, errs, "-h")
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.log")
	for want, args := range map[string][]string{
		"missing.log: no such file": {missing},
		"is a directory":            {t.TempDir()},
		"standard input: no line of a web server's log to put (skipped: 1 empty, 1 without a client address)": {"-"},
	} {
		code, out, errs := execute(t, "hello\n\n", args...)
		require.Equal(t, 1, code, want)
		require.Empty(t, out)
		require.Contains(t, errs, want)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestReportThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	require.Equal(t, 1, quickstart([]string{"-gen", "10"}, nil, brokenPipe{}, &errs))
	require.Equal(t, "quickstart: broken pipe\n", errs.String())
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg, err := parse([]string{"-gen", "1000"}, nil)
	require.NoError(t, err)
	err = run(ctx, cfg, io.Discard, io.Discard)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "interrupted")

	// A standard input on which nothing comes does not hold it up.
	silent, writer := io.Pipe()
	defer writer.Close()
	cfg, err = parse([]string{"-"}, silent)
	require.NoError(t, err)
	require.ErrorIs(t, run(ctx, cfg, io.Discard, io.Discard), context.Canceled)
}
