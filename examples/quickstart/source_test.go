package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
)

func TestClientOf(t *testing.T) {
	t.Parallel()
	const rest = ` [14/Oct/2025:08:00:00 +0000] "GET / HTTP/1.1" 200 5`
	for _, tt := range []struct{ name, line, want string }{
		{"an IPv4 address", "192.0.2.1 - -" + rest, "192.0.2.1"},
		{"an IPv6 address", "2001:db8::1 - -" + rest, "2001:db8::1"},
		{"an IPv4 address in IPv6", "::ffff:192.0.2.1 - -" + rest, "::ffff:192.0.2.1"},
		{"a host name", "www-1.example.com - -" + rest, "www-1.example.com"},
		{"a user", "192.0.2.1 - alice" + rest, "192.0.2.1"},
		{"a user with a space", "192.0.2.1 - alice b" + rest, "192.0.2.1"},
		{"a request that is not HTTP", `192.0.2.1 - - [14/Oct/2025:08:00:00 +0000] "\x16\x03" 400 0`, "192.0.2.1"},
		{"a line cut short after the address", "192.0.2.1", ""},
		{"a line cut short before the time", "192.0.2.1 - -", ""},
		{"no address", "-  - -" + rest, ""},
		{"an unknown host", "- - -" + rest, ""},
		{"a space in front", " 192.0.2.1 - -" + rest, ""},
		{"the name of the virtual host in front", "example.com:80 192.0.2.1 - -" + rest, ""},
		{"one word before the time", "192.0.2.1 -" + rest, ""},
		{"an error log", "[Tue Oct 14 08:00:00 2025] [error] [client 192.0.2.1] no", ""},
		{"a word that is no name", "<html> - -" + rest, ""},
		{"a name longer than names are", strings.Repeat("a", 254) + " - -" + rest, ""},
		{"text", "hello, world", ""},
	} {
		addr, ok := clientOf([]byte(tt.line))
		require.Equal(t, tt.want != "", ok, tt.name)
		require.Equal(t, tt.want, string(addr), tt.name)
	}
}

func TestParseLog(t *testing.T) {
	t.Parallel()
	line := func(addr, what string) string { return addr + " - - [time] " + what }
	long := line("192.0.2.3", strings.Repeat("x", 200_000)) // a bufio.Scanner stops at 64 KiB
	tooLong := line("192.0.2.3", strings.Repeat("x", stream.DefaultMaxRecordBytes))
	content := strings.Join([]string{
		line("192.0.2.1", "a"),
		line("192.0.2.2", "b") + "\r",
		"",
		" \t\r",
		long,
		"not a log line",
		tooLong,
		line("192.0.2.1", "c"),
	}, "\n")

	for _, end := range []string{"", "\n", "\r\n"} {
		log, skip := parseLog("a test", []byte(content+end))
		require.Equal(t, skipped{empty: 2, malformed: 1, long: 1}, skip)
		require.Equal(t, "2 empty, 1 without a client address, 1 too long for a record", skip.String())
		require.Equal(t, []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}, log.clients())
		require.Equal(t, 4, log.len())
		require.Equal(t, line("192.0.2.2", "b"), string(log.data(nil, 1)), "without the end of the line")
		require.Equal(t, long, string(log.data(nil, 2)))
		i, ok := log.nth(0, 1)
		require.True(t, ok)
		require.Equal(t, 3, i)
		_, ok = log.nth(0, 2)
		require.False(t, ok)
	}
}

// Both sources agree with themselves: nth goes through the records of a client
// in order, and through each record once.
func TestSourcesAreConsistent(t *testing.T) {
	t.Parallel()
	log, skip := parseLog("the built-in log", builtin)
	require.Equal(t, skipped{}, skip)
	for _, src := range []source{log, newGenerated(1, 8), newGenerated(10, 8), newGenerated(1234, 100)} {
		seen := make([]bool, src.len())
		for c := range src.clients() {
			last := -1
			for n := 0; ; n++ {
				i, ok := src.nth(c, n)
				if !ok {
					break
				}
				require.Equal(t, c, src.client(i))
				require.Greater(t, i, last)
				require.False(t, seen[i])
				seen[i], last = true, i
			}
		}
		require.NotContains(t, seen, false)
	}
}

func TestGeneratedRecords(t *testing.T) {
	t.Parallel()
	for _, size := range []int{minSize, minSize + 1, 100, maxSize} {
		g := newGenerated(25, size)
		require.Len(t, g.clients(), 3)
		require.Len(t, g.data(nil, 0), size)
		require.NotEqual(t, g.data(nil, 0), g.data(nil, 3), "the first and second record of a client")

		buf := g.data(nil, 4)
		require.Same(t, &buf[0], &g.data(buf, 5)[0], "in the memory that it was given")
	}
}
