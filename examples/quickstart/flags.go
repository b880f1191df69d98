package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/seed-187400e4/millrace/stream"
)

// config is what the command line asks for.
type config struct {
	path      string // of the log: "" for the one that comes with us, "-" for stdin
	stdin     io.Reader
	gen       int // records to generate instead; 0 for none
	size      int // bytes of data in each of those
	shards    int
	producers int
}

const (
	// The report has a line for every shard.
	maxShards    = 100
	maxProducers = 1000

	// A generated record holds its number, and must fit beside its key.
	minSize = 8
	maxSize = stream.DefaultMaxRecordBytes - 64
)

func flags(cfg *config) *flag.FlagSet {
	fs := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the caller says what is wrong, once
	fs.IntVar(&cfg.gen, "gen", 0, "generate `N` records instead of reading a log")
	fs.IntVar(&cfg.size, "size", 100, fmt.Sprintf("`bytes` of data in a generated record, %d to %d", minSize, maxSize))
	fs.IntVar(&cfg.shards, "shards", 4, fmt.Sprintf("`N` shards to begin with, 1 to %d", maxShards))
	fs.IntVar(&cfg.producers, "producers", 4, fmt.Sprintf("`N` goroutines that put, 1 to %d", maxProducers))
	return fs
}

// parse reads the command line. It returns [flag.ErrHelp] if help is wanted.
func parse(args []string, stdin io.Reader) (config, error) {
	cfg := config{stdin: stdin}
	fs := flags(&cfg)
	if err := fs.Parse(args); err != nil {
		return config{}, err
	}
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	cfg.path = fs.Arg(0)

	for _, f := range []struct {
		name            string
		value, min, max int
	}{
		{"shards", cfg.shards, 1, maxShards},
		{"producers", cfg.producers, 1, maxProducers},
		{"size", cfg.size, minSize, maxSize},
	} {
		if f.value < f.min || f.value > f.max {
			return config{}, fmt.Errorf("-%s is %d: give a number from %d to %d", f.name, f.value, f.min, f.max)
		}
	}
	switch {
	case fs.NArg() > 1:
		return config{}, fmt.Errorf("%d files given, and one is read at a time; flags go before the file", fs.NArg())
	case given["gen"] && cfg.gen < 1:
		return config{}, fmt.Errorf("-gen is %d: give the number of records, 1 or more", cfg.gen)
	case given["gen"] && fs.NArg() > 0:
		return config{}, errors.New("-gen generates records in place of a file: give one of them")
	case given["size"] && !given["gen"]:
		return config{}, errors.New("-size is for generated records: give -gen as well")
	}
	return cfg, nil
}

func usage() string {
	var b strings.Builder
	b.WriteString(`Puts a log into a Millrace stream from several producers, line by line and
keyed by client address, while the stream is resharded; reads it all back,
checks that every client's lines are there and in order, and reports.

Usage:

  quickstart [flags] [file]

The file is a web server's log in the common or combined format; - is standard
input. Without a file it is the small one that is built in.

Flags:

`)
	fs := flags(new(config))
	fs.SetOutput(&b)
	fs.PrintDefaults()
	b.WriteString(`
Examples:

  quickstart
  quickstart -shards 8 /var/log/apache2/access.log
  zcat access.log.2.gz | quickstart -
  quickstart -gen 1000000
  quickstart -gen 200000 -size 1000 -producers 8
`)
	return b.String()
}
