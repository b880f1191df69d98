package main

import (
	"bytes"
	"context"
	_ "embed" // for the built-in log
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/seed-187400e4/millrace/stream"
)

// source is the records that are to be put. Each belongs to a client, whose
// address is its partition key.
type source interface {
	// title says where the records come from.
	title() string
	// len is how many records there are.
	len() int
	// clients are the addresses of the clients, each once.
	clients() []string
	// client is whose record i is, as an index of clients.
	client(i int) int
	// nth is the n-th record of a client, counted from 0 in the order of the
	// source, and false if the client has no more than n.
	nth(client, n int) (i int, ok bool)
	// data is what record i holds. It may be written over buf.
	data(buf []byte, i int) []byte
}

//go:embed access.log
var builtin []byte

// open returns what cfg asks for.
func open(ctx context.Context, cfg config) (source, skipped, error) {
	if cfg.gen > 0 {
		return newGenerated(cfg.gen, cfg.size), skipped{}, nil
	}
	title, content, err := "the access log that comes with it", builtin, error(nil)
	switch cfg.path {
	case "":
	case "-":
		title = "standard input"
		content, err = readAll(ctx, cfg.stdin)
	default:
		title = cfg.path
		content, err = os.ReadFile(cfg.path)
	}
	if err != nil {
		return nil, skipped{}, err
	}
	log, skip := parseLog(title, content)
	if log.len() == 0 {
		return nil, skip, fmt.Errorf("%s: no line of a web server's log to put (skipped: %s)", title, skip)
	}
	return log, skip, nil
}

// readAll is [io.ReadAll], but gives up when ctx ends. Nothing interrupts the
// read of a terminal, so that one is left behind.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}
	done := make(chan result, 1)
	go func() {
		content, err := io.ReadAll(r)
		done <- result{content, err}
	}()
	select {
	case got := <-done:
		return got.content, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// logLines are the lines of a log. They are views of its content, which is in
// memory as a whole: so are the records of the stream.
type logLines struct {
	from     string
	addrs    []string
	lines    [][]byte
	owner    []int   // by line, the client
	byClient [][]int // by client, the lines
}

// skipped counts the lines of a log that are not put.
type skipped struct{ empty, malformed, long int }

func (s skipped) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{
		{s.empty, "empty"},
		{s.malformed, "without a client address"},
		{s.long, "too long for a record"},
	} {
		if p.n > 0 {
			parts = append(parts, grouped(p.n)+" "+p.what)
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// parseLog takes a log apart, whatever its line ends and however long its
// lines.
func parseLog(from string, content []byte) (*logLines, skipped) {
	log, skip := &logLines{from: from}, skipped{}
	index := make(map[string]int)
	for line := range bytes.Lines(content) {
		line = bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(line)) == 0 {
			skip.empty++
			continue
		}
		addr, ok := clientOf(line)
		if !ok {
			skip.malformed++
			continue
		}
		if len(addr)+len(line) > stream.DefaultMaxRecordBytes {
			skip.long++
			continue
		}
		client, known := index[string(addr)]
		if !known {
			client = len(log.addrs)
			log.addrs = append(log.addrs, string(addr))
			log.byClient = append(log.byClient, nil)
			index[log.addrs[client]] = client
		}
		log.byClient[client] = append(log.byClient[client], len(log.lines))
		log.lines = append(log.lines, line)
		log.owner = append(log.owner, client)
	}
	return log, skip
}

// clientOf is the client address at the start of a line in the common or
// combined format: an IP address or a host name, an identity, a user, and a
// time in brackets. The rest of the line may be anything.
func clientOf(line []byte) (addr []byte, ok bool) {
	const longestHostName = 253
	addr, rest, _ := bytes.Cut(line, []byte(" "))
	who, _, found := bytes.Cut(rest, []byte(" ["))
	if !found || len(bytes.Fields(who)) < 2 || len(addr) > longestHostName {
		return nil, false
	}
	if _, err := netip.ParseAddr(string(addr)); err == nil {
		return addr, true
	}
	named := false // by more than the "-" for an unknown one
	for _, c := range addr {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
			named = true
		case c == '.', c == '-', c == '_':
		default:
			return nil, false
		}
	}
	if !named {
		return nil, false
	}
	return addr, true
}

func (l *logLines) title() string               { return l.from }
func (l *logLines) len() int                    { return len(l.lines) }
func (l *logLines) clients() []string           { return l.addrs }
func (l *logLines) client(i int) int            { return l.owner[i] }
func (l *logLines) data(_ []byte, i int) []byte { return l.lines[i] }
func (l *logLines) nth(client, n int) (int, bool) {
	if n >= len(l.byClient[client]) {
		return 0, false
	}
	return l.byClient[client][n], true
}

// generated is records of clients that take turns. Each holds its number among
// those of its client, so no two records of a client are alike.
type generated struct {
	records int
	addrs   []string
	filler  []byte
}

// recordsPerClient is few, so that there are many keys: how evenly records
// spread over shards depends on the number of keys.
const recordsPerClient = 10

func newGenerated(records, size int) *generated {
	g := &generated{
		records: records,
		addrs:   make([]string, (records+recordsPerClient-1)/recordsPerClient),
		filler:  bytes.Repeat([]byte("millrace "), size/9+1)[:size-minSize],
	}
	documentation := [16]byte{0x20, 0x01, 0x0d, 0xb8} // 2001:db8::/32
	for i := range g.addrs {
		binary.BigEndian.PutUint64(documentation[8:], uint64(i+1))
		g.addrs[i] = netip.AddrFrom16(documentation).String()
	}
	return g
}

func (g *generated) title() string     { return grouped(g.records) + " generated records" }
func (g *generated) len() int          { return g.records }
func (g *generated) clients() []string { return g.addrs }
func (g *generated) client(i int) int  { return i % len(g.addrs) }
func (g *generated) nth(client, n int) (int, bool) {
	i := n*len(g.addrs) + client
	return i, i < g.records
}

func (g *generated) data(buf []byte, i int) []byte {
	buf = slices.Grow(buf[:0], minSize+len(g.filler))
	buf = binary.BigEndian.AppendUint64(buf, uint64(i/len(g.addrs)))
	return append(buf, g.filler...)
}
