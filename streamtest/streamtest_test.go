package streamtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
	"github.com/seed-187400e4/millrace/streamtest"
)

// newEngine makes a stream in memory.
func newEngine(tb testing.TB, shards int) stream.Engine {
	tb.Helper()
	s, err := stream.New("conformance", stream.Config{Shards: shards})
	require.NoError(tb, err)
	tb.Cleanup(func() {
		require.NoError(tb, s.Check())
		require.NoError(tb, s.Close())
	})
	return s
}

// runAll runs the whole suite and returns what failed, by the names of the
// checks. It does so within a bubble, where waiting costs nothing and what is
// left behind shows.
func runAll(t *testing.T, f streamtest.Features, engine func(e stream.Engine) stream.Engine) map[string]error {
	t.Helper()
	failed := map[string]error{}
	for _, c := range streamtest.Checks() {
		synctest.Test(t, func(t *testing.T) {
			err := c.Run(t.Context(), engine(newEngine(t, c.Shards)), f)
			if err != nil && !errors.Is(err, errors.ErrUnsupported) {
				failed[c.Name] = err
			}
		})
	}
	return failed
}

func TestStreamInMemoryPasses(t *testing.T) {
	t.Parallel()
	failed := runAll(t, streamtest.Features{}, func(e stream.Engine) stream.Engine { return e })
	require.Empty(t, failed)
}

func TestChecksAreNamedByTheirPromise(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range streamtest.Checks() {
		require.False(t, seen[c.Name], "two checks are named %q", c.Name)
		seen[c.Name] = true
		require.Regexp(t, `^I\d( I\d)*$`, c.Invariant)
		require.Positive(t, c.Shards)
		require.Equal(t, c.Invariant+" "+c.Name, c.String())
	}
	require.Greater(t, len(seen), 25)
}

// lame is an engine that promises less than the whole.
type lame struct{ stream.Engine }

var errLame = errors.New("not supported")

func (l lame) Put(ctx context.Context, e stream.Entry) (stream.Receipt, error) {
	if e.ExplicitHashKey != nil {
		return stream.Receipt{}, errLame
	}
	return l.Engine.Put(ctx, e)
}

func (l lame) PutBatch(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
	for _, e := range entries {
		if e.ExplicitHashKey != nil {
			return stream.BatchResult{}, errLame
		}
	}
	return l.Engine.PutBatch(ctx, entries)
}

func (l lame) Open(ctx context.Context, shardID string, p stream.Position) (stream.ShardReader, error) {
	if !p.Timestamp.IsZero() {
		return nil, errLame
	}
	return l.Engine.Open(ctx, shardID, p)
}

func TestEngineIsHeldToNoMoreThanItPromises(t *testing.T) {
	t.Parallel()
	none := streamtest.Features{NoResharding: true, NoExplicitHashKeys: true, NoTimestamps: true}
	unable := func(e stream.Engine) stream.Engine { return noResharding{lame{e}} }
	require.Empty(t, runAll(t, none, unable))

	// And to no less.
	for what, f := range map[string]streamtest.Features{
		"resharding": {NoExplicitHashKeys: true, NoTimestamps: true},
		"hash keys":  {NoResharding: true, NoTimestamps: true},
		"timestamps": {NoResharding: true, NoExplicitHashKeys: true},
	} {
		failed := runAll(t, f, unable)
		require.NotEmpty(t, failed, what)
		for name, err := range failed {
			require.ErrorIs(t, err, errLame, "%s: %s", what, name)
		}
	}
}

func TestRunSkipsWhatIsNotPromised(t *testing.T) {
	t.Parallel()
	streamtest.Run(t, streamtest.Harness{
		New: func(tb testing.TB, shards int) stream.Engine {
			tb.Helper()
			return noResharding{newEngine(tb, shards)}
		},
		Features: streamtest.Features{NoResharding: true},
	})
}

func TestCheckOfAMissingFeatureIsUnsupported(t *testing.T) {
	t.Parallel()
	for _, c := range streamtest.Checks() {
		if c.Name == "Resize gives shards of equal share" {
			err := c.Run(t.Context(), newEngine(t, c.Shards), streamtest.Features{NoResharding: true})
			require.ErrorIs(t, err, errors.ErrUnsupported)
			require.EqualError(t, err, "I1 I6 Resize gives shards of equal share: the engine promises no resharding: unsupported operation")
			return
		}
	}
	t.Fatal("no such check")
}

func TestEngineWithoutOrderInABatchPassesIfItSaysSo(t *testing.T) {
	t.Parallel()
	shuffling := func(e stream.Engine) stream.Engine {
		return &faulty{Engine: e, putBatch: func(ctx context.Context, entries []stream.Entry) (stream.BatchResult, error) {
			turned := slices.Clone(entries)
			slices.Reverse(turned)
			result, err := e.PutBatch(ctx, turned)
			slices.Reverse(result.Results)
			return result, err
		}}
	}
	require.NotEmpty(t, runAll(t, streamtest.Features{}, shuffling))
	require.Empty(t, runAll(t, streamtest.Features{NoBatchOrder: true}, shuffling))
}

// An engine that answers every other read with nothing, as a remote one may.
type sleepy struct{ stream.Engine }

func (s sleepy) Open(ctx context.Context, shardID string, p stream.Position) (stream.ShardReader, error) {
	r, err := s.Engine.Open(ctx, shardID, p)
	if err != nil {
		return nil, err
	}
	return &sleepyReader{ShardReader: r}, nil
}

type sleepyReader struct {
	stream.ShardReader
	awake bool
}

func (r *sleepyReader) Read(ctx context.Context, dst []stream.Record) (int, error) {
	r.awake = !r.awake
	if r.awake {
		return 0, ctx.Err()
	}
	return r.ShardReader.Read(ctx, dst)
}

func TestEngineThatNeedsTimePassesWithSettle(t *testing.T) {
	t.Parallel()
	slow := func(e stream.Engine) stream.Engine { return sleepy{e} }
	settle := func(ctx context.Context) error {
		select {
		case <-time.After(time.Second):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	require.Empty(t, runAll(t, streamtest.Features{Settle: settle, Timeout: time.Hour}, slow))
	require.NotEmpty(t, runAll(t, streamtest.Features{}, slow), "the engine promises to be prompt")

	// What never shows is still missed.
	failed := runAll(t, streamtest.Features{Settle: settle}, func(e stream.Engine) stream.Engine {
		return forgetful{e}
	})
	require.Contains(t, failed, "a record is read as it was put")
	require.ErrorContains(t, failed["a record is read as it was put"], "one that was put does not show")
}

func TestChecksEndWithTheirContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range streamtest.Checks() {
		require.ErrorIs(t, c.Run(ctx, newEngine(t, c.Shards), streamtest.Features{}), context.Canceled, "%s", c)
	}
}

func TestFiguresOfAnEngine(t *testing.T) {
	t.Parallel()
	s, err := stream.New("small", stream.Config{MaxRecordBytes: 70_000, MaxBatchRecords: 10})
	require.NoError(t, err)
	for _, c := range streamtest.Checks() {
		if strings.Contains(c.Name, "largest record") {
			require.NoError(t, c.Run(t.Context(), s, streamtest.Features{MaxRecordBytes: 70_000, MaxBatchRecords: 10}))
		}
	}
	require.Equal(t, uint64(1), s.Stats().IncomingRecords)
	require.Empty(t, func() map[string]error {
		failed := map[string]error{}
		for _, c := range streamtest.Checks() {
			s, err := stream.New("small", stream.Config{Shards: c.Shards, MaxRecordBytes: 70_000, MaxBatchRecords: 10})
			require.NoError(t, err)
			if err := c.Run(t.Context(), s, streamtest.Features{MaxRecordBytes: 70_000, MaxBatchRecords: 10}); err != nil {
				failed[c.Name] = err
			}
		}
		return failed
	}())
}

func ExampleRun() {
	// In a test of an engine:
	test := func(t *testing.T) {
		streamtest.Run(t, streamtest.Harness{
			New: func(tb testing.TB, shards int) stream.Engine {
				tb.Helper()
				s, err := stream.New("conformance", stream.Config{Shards: shards})
				if err != nil {
					tb.Fatal(err)
				}
				tb.Cleanup(func() { s.Close() })
				return s
			},
		})
	}
	_ = test
	// Output:
}

func ExampleCheck() {
	for _, c := range streamtest.Checks()[:3] {
		s, err := stream.New("conformance", stream.Config{Shards: c.Shards})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %v\n", c, c.Run(context.Background(), s, streamtest.Features{}))
	}
	// Output:
	// I1 the shards of a new engine tile the hash keys evenly: <nil>
	// I1 shards are listed in pages: <nil>
	// I5 filters choose shards by when they were open: <nil>
}
