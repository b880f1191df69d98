package streamtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-187400e4/millrace/stream"
)

// Harness makes the engines under test.
type Harness struct {
	// New returns an engine with so many open shards of equal share, as
	// hashkey.Even divides, and no record. It is called once for each check, from
	// several goroutines; what it makes it cleans up with tb.Cleanup, and where it
	// cannot make one it ends the check with tb.Fatal or tb.Skip.
	New func(tb testing.TB, shards int) stream.Engine

	// Features says what the engine promises; the zero value is everything.
	Features Features
}

// Features says what an engine promises beyond the core, and its figures where
// they are not the usual ones. The zero value promises everything and is what
// the stream in memory is held to.
type Features struct {
	// NoResharding leaves out all that needs Split, Merge or Resize.
	NoResharding bool

	// NoExplicitHashKeys leaves out entries with an ExplicitHashKey.
	NoExplicitHashKeys bool

	// NoTimestamps leaves out positions and filters by time, and arrival times.
	NoTimestamps bool

	// NoBatchOrder leaves out that a batch keeps the order of each partition
	// key. Puts one after the other keep it on every engine.
	NoBatchOrder bool

	// MaxRecordBytes is the most that one record may have, partition key and
	// data; 0 is [stream.DefaultMaxRecordBytes].
	MaxRecordBytes int

	// MaxBatchRecords is the most that one batch may have; 0 is
	// [stream.DefaultMaxBatchRecords].
	MaxBatchRecords int

	// Settle is for an engine that shows a record only some time after its put,
	// or answers a read with nothing although there is something. It waits for as
	// long as that is worth; a check that misses something calls it and looks
	// again, until its time is up. Nil promises that what was put is read by the
	// next read.
	Settle func(ctx context.Context) error

	// Timeout bounds each check; 0 is half a minute.
	Timeout time.Duration
}

// DefaultTimeout is how long a check may take where nothing else is said.
const DefaultTimeout = 30 * time.Second

func (f Features) withDefaults() Features {
	if f.MaxRecordBytes == 0 {
		f.MaxRecordBytes = stream.DefaultMaxRecordBytes
	}
	if f.MaxBatchRecords == 0 {
		f.MaxBatchRecords = stream.DefaultMaxBatchRecords
	}
	if f.Timeout == 0 {
		f.Timeout = DefaultTimeout
	}
	return f
}

// Run holds the engines of h to every check, each as a parallel subtest with an
// engine of its own. Checks of what they do not promise are skipped.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, c := range Checks() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			if lack := c.lacks(h.Features); lack != "" {
				t.Skip("the engine promises no", lack)
			}
			if err := c.Run(t.Context(), h.New(t, c.Shards), h.Features); err != nil {
				t.Error(err)
			}
		})
	}
}

// Check is one promise of an engine.
type Check struct {
	// Invariant is what the check is about, such as "I3" or "I3 I8".
	Invariant string
	// Name states the promise.
	Name string
	// Shards is how many open shards the engine must have.
	Shards int

	needs need
	run   func(t *trial)
}

// need is a set of features.
type need uint

const (
	resharding need = 1 << iota
	explicitHashKeys
	timestamps
	batchOrder
)

// String is the invariant and the name.
func (c Check) String() string { return c.Invariant + " " + c.Name }

// lacks names a feature that the check needs and f has not.
func (c Check) lacks(f Features) string {
	switch {
	case c.needs&resharding != 0 && f.NoResharding:
		return "resharding"
	case c.needs&explicitHashKeys != 0 && f.NoExplicitHashKeys:
		return "explicit hash keys"
	case c.needs&timestamps != 0 && f.NoTimestamps:
		return "timestamps"
	case c.needs&batchOrder != 0 && f.NoBatchOrder:
		return "order within a batch"
	default:
		return ""
	}
}

// Run holds an engine with Shards open shards and no record to the check, and
// returns an error that says which promise it broke, and how. The engine is used
// up afterwards. An engine whose features the check needs and f denies gets an
// error that is [errors.ErrUnsupported].
func (c Check) Run(ctx context.Context, e stream.Engine, f Features) (err error) {
	if lack := c.lacks(f); lack != "" {
		return fmt.Errorf("%s: the engine promises no %s: %w", c, lack, errors.ErrUnsupported)
	}
	f = f.withDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, f.Timeout, fmt.Errorf("not done within %v", f.Timeout))
	defer cancel()
	defer func() {
		switch broken := recover().(type) {
		case nil:
		case brokenPromise:
			err = fmt.Errorf("%s: %w", c, broken.err)
		default:
			panic(broken)
		}
	}()
	c.run(&trial{ctx: ctx, engine: e, features: f})
	return nil
}

// Checks returns the whole suite, in the order in which a new engine would best
// be made to pass it.
func Checks() []Check {
	var all []Check
	for _, part := range [][]Check{
		listingChecks(), putChecks(), batchChecks(), readingChecks(), positionChecks(), waitingChecks(), reshardingChecks(),
	} {
		all = append(all, part...)
	}
	return all
}
