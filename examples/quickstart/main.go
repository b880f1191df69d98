// Command quickstart shows Millrace at work: it puts a log file into a stream
// from several producers while the shards of the stream are split and merged,
// reads everything back, and proves that nothing was lost or reordered.
//
//	go run ./examples/quickstart                 # the log that comes with it
//	go run ./examples/quickstart access.log      # one of yours
//	go run ./examples/quickstart -gen 1000000    # generated records
//
// Where to look:
//
//   - run.go is the program from top to bottom.
//   - produce.go puts batches, and pace.go lets the resharder keep up.
//   - reshard.go finds the shard to split and the two to merge.
//   - verify.go reads the stream and checks what comes.
//   - source.go reads the log or generates; report.go and progress.go show.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(quickstart(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// quickstart returns the exit code: 0, 1 if something failed, 2 for arguments
// that make no sense.
func quickstart(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stdin)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage())
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "quickstart: %v\nRun it with -h for help.\n", err)
		return 2
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C is not caught

	if err := run(ctx, cfg, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
		return 1
	}
	return 0
}
