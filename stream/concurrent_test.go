package stream_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

// These tests let many goroutines loose on a stream, write down what each of
// them did and saw, and prove the invariants from that alone.

// history is what was done to a stream. Its ticks order calls and returns.
type history struct {
	stream *stream.Stream
	clock  clock.Clock
	tick   atomic.Int64
	acks   []ack // of all producers, once they are done

	mu     sync.Mutex       // guards closed
	closed map[string]int64 // when a shard was known to be closed
}

// ack is a record that was stored.
type ack struct {
	value            uint64 // in the record, unique, rising for each partition key
	key              string
	hash             hashkey.Key
	pinned           bool // the key always has the same hash key, so that its records are in order
	receipt          stream.Receipt
	called, returned int64 // ticks
	since            int64 // Unix milliseconds at the call
}

// sighting is a record that a reader was given.
type sighting struct {
	value  uint64
	number stream.SequenceNumber
	shard  int32
}

// crew runs goroutines that may fail. The first failure ends the context of all.
type crew struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
}

func newCrew(t *testing.T) *crew {
	t.Helper()
	// What hangs is a failure; the time is for slow machines.
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	c := &crew{}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	t.Cleanup(stop)
	return c
}

func (c *crew) run(name string, f func() error) {
	c.wg.Go(func() {
		if err := f(); err != nil {
			c.cancel(fmt.Errorf("%s: %w", name, err))
		}
	})
}

func (c *crew) wait(t *testing.T) {
	t.Helper()
	c.wg.Wait()
	require.NoError(t, context.Cause(c.ctx))
}

// Records carry a value from which all of their content follows.
const (
	headerSize = 8
	endValue   = 1 << 62 // of records that say that nothing more comes
)

func content(value uint64) []byte {
	// The bits of a product are spread well enough.
	size := value * 0x9e3779b97f4a7c15 >> 58
	if value%16 == 0 {
		size = value * 0x9e3779b97f4a7c15 % 3000
	}
	data := make([]byte, headerSize+size, headerSize+size+8)
	binary.BigEndian.PutUint64(data, value)
	for i := headerSize; i < len(data); i += 8 {
		binary.BigEndian.PutUint64(data[i:i+8], (value+uint64(i))*0xbf58476d1ce4e5b9)
	}
	return data
}

// valueOf returns the value of a record, or an error if its data is not what
// belongs to it.
func valueOf(data []byte) (uint64, error) {
	if len(data) < headerSize {
		return 0, fmt.Errorf("a record of %d bytes", len(data))
	}
	value := binary.BigEndian.Uint64(data)
	if want := content(value); !slices.Equal(want, data) {
		return 0, fmt.Errorf("record %x is damaged: %x, want %x", value, data, want)
	}
	return value, nil
}

// workload says how much is done at once.
type workload struct {
	config    stream.Config
	producers int
	records   int // of each producer
	reshards  int // calls of each of two goroutines
	trims     bool
	manual    *clock.Manual // where time is to pass; it is then also the stream's
}

// size makes a load fit for a run with -short or without.
func size(full, short int) int {
	if testing.Short() {
		return short
	}
	return full
}

func TestConcurrentHistory(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]stream.Config{
		"plain":    {Shards: 2},
		"observed": {Shards: 4, MeasureLatency: true, Hooks: &stream.Hooks{Resharded: func(stream.ReshardEvent) {}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runWorkload(t, workload{config: cfg, producers: 4, records: size(1600, 500), reshards: size(70, 30)})
		})
	}
}

func TestConcurrentHistoryWithTrimming(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]stream.Config{
		"by retention":            {Shards: 2, Retention: time.Second},
		"by bytes":                {Shards: 2, MaxBytes: 64 << 10},
		"by few bytes":            {Shards: 1, MaxBytes: 8 << 10},
		"by bytes and retention":  {Shards: 3, MaxBytes: 48 << 10, Retention: time.Second},
		"refusing, by retention":  {Shards: 2, MaxBytes: 64 << 10, AtMaxBytes: stream.Refuse, Retention: time.Second},
		"many shards by bytes":    {Shards: 40, MaxBytes: 64 << 10},
		"observed and in batches": {Shards: 2, MaxBytes: 32 << 10, MeasureLatency: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manual := clock.NewManual(time.UnixMilli(1700000000_000))
			cfg.Clock = manual
			runWorkload(t, workload{
				config: cfg, producers: 3, records: size(1500, 300), reshards: size(60, 15), trims: true, manual: manual,
			})
		})
	}
}

// runWorkload lets producers, readers, resharders and a trimmer loose, and
// proves the invariants from what they saw.
func runWorkload(t *testing.T, load workload) {
	t.Helper()
	s, err := stream.New("load", load.config)
	require.NoError(t, err)
	h := &history{stream: s, clock: clock.Real(), closed: map[string]int64{}}
	if load.manual != nil {
		h.clock = load.manual
	}

	// Readers run until they have seen the end of every shard.
	readers := newCrew(t)
	progress := make([]chan struct{}, 4)
	for i := range progress {
		progress[i] = make(chan struct{}, 64) // nobody gets far ahead of the others
	}
	var whole []*wholeReader
	for i, buf := range []int{1, 300} {
		whole = append(whole, startReader(t, h, readers, fmt.Sprintf("reader %d", i), stream.TrimHorizon(), buf, nil))
	}
	whole = append(whole,
		startReader(t, h, readers, "slow reader", stream.TrimHorizon(), 40, progress[3]),
		startReader(t, h, readers, "reader by time", stream.AtTimestamp(h.clock.Now()), 50, nil))
	iterated := newSightings(h)
	readers.run("Records", func() error { return iterated.iterate(readers.ctx) })
	followed, paged := newSightings(h), newSightings(h)
	if !load.trims { // they go by IDs, which expire
		readers.run("cursors", func() error { return followed.follow(readers.ctx) })
		readers.run("pages", func() error { return paged.page(readers.ctx) })
	}

	// Producers drive the rest: everybody else waits for their progress.
	work := newCrew(t)
	context.AfterFunc(readers.ctx, func() { work.cancel(context.Cause(readers.ctx)) })
	acks := make([][]ack, load.producers)
	var producing sync.WaitGroup
	for p := range load.producers {
		producing.Add(1)
		work.run(fmt.Sprintf("producer %d", p), func() error {
			defer producing.Done()
			var err error
			acks[p], err = h.produce(work.ctx, p, load, progress)
			return err
		})
	}
	work.run("progress", func() error {
		producing.Wait()
		for _, c := range progress {
			close(c)
		}
		return nil
	})
	for i := range 2 {
		work.run(fmt.Sprintf("resharder %d", i), func() error {
			return h.reshard(work.ctx, uint64(i), load, progress[i])
		})
	}
	var late []*wholeReader
	var snapshots []snapshot
	work.run("onlooker", func() error {
		var err error
		late, snapshots, err = h.look(work.ctx, load, progress[2], func(pos stream.Position) (*wholeReader, error) {
			return newReader(h, readers, "late reader", pos, 20, nil)
		})
		return err
	})
	work.wait(t)
	for i := range acks {
		h.acks = append(h.acks, acks[i]...)
	}
	if load.config.AtMaxBytes == stream.Refuse {
		load.manual.Advance(2 * maxRetention) // room for the ends
	}
	finalTime := h.clock.Now().UnixMilli()
	h.putEnds(t)
	readers.wait(t)
	require.NoError(t, s.Check())
	stats := s.Stats()
	require.Equal(t, uint64(len(h.acks)+s.OpenShards()), stats.IncomingRecords)
	if load.config.MaxBytes > 0 {
		require.LessOrEqual(t, stats.MemoryBytes, load.config.MaxBytes, "I10")
	}

	log := h.prove(t, load)
	for _, r := range whole {
		r.sightings.prove(t, r.name, log, 0, load.trims)
		require.Equal(t, uint64(len(h.acks)), uint64(len(r.seen))+r.missed, "%s: %d seen, %d missed (I6, I7)", r.name, len(r.seen), r.missed)
		if load.trims {
			r.proveRetained(t, log, finalTime-minRetention.Milliseconds(), load)
		}
	}
	if !load.trims {
		require.Len(t, iterated.seen, len(h.acks))
		require.Len(t, followed.seen, len(h.acks))
		require.Len(t, paged.seen, len(h.acks))
	}
	iterated.prove(t, "Records", log, 0, load.trims)
	followed.prove(t, "cursors", log, 0, load.trims)
	paged.prove(t, "pages", log, 0, load.trims)
	require.NotEmpty(t, late)
	for _, r := range late {
		r.sightings.prove(t, r.name, log, r.from, load.trims)
	}
	h.proveSuffix(t, log)
	require.NotEmpty(t, snapshots)
	for _, snap := range snapshots {
		snap.prove(t, log, load.trims)
	}
	require.NoError(t, s.Close())
}

// Writing.

// produce puts the records of one producer, by all ways there are, and returns
// those that were stored.
func (h *history) produce(ctx context.Context, p int, load workload, progress []chan struct{}) ([]ack, error) {
	const keys = 6
	rng := rand.New(rand.NewPCG(uint64(p), 11))
	pins := make([]*hashkey.Key, keys) // explicit hash keys of some partition keys
	for i := range pins {
		if i%3 == 1 {
			pins[i] = &hashkey.Key{Hi: rng.Uint64(), Lo: rng.Uint64()}
		}
	}
	var acks []ack
	value := uint64(p)<<40 + 1
	entry := func() (stream.Entry, ack) {
		k := rng.IntN(keys + 1)
		a := ack{value: value, key: fmt.Sprintf("producer-%d-key-%d", p, k), pinned: k < keys}
		value++
		e := stream.Entry{PartitionKey: a.key, Data: content(a.value)}
		if k < keys {
			e.ExplicitHashKey = pins[k]
		} else {
			e.ExplicitHashKey = &hashkey.Key{Hi: rng.Uint64(), Lo: rng.Uint64()}
		}
		a.hash = hashkey.FromPartitionKey(a.key)
		if e.ExplicitHashKey != nil {
			a.hash = *e.ExplicitHashKey
		}
		return e, a
	}
	done := func(a ack, called int64, since int64, receipt stream.Receipt, err error) error {
		refused := errors.Is(err, stream.ErrFull) && load.config.AtMaxBytes == stream.Refuse
		if err != nil && !refused {
			return err
		}
		if !refused {
			a.called, a.returned, a.since, a.receipt = called, h.tick.Add(1), since, receipt
			acks = append(acks, a)
		}
		for _, c := range progress {
			select {
			case c <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	var results []stream.PutResult
	for put := 0; put < load.records; {
		called, since := h.tick.Add(1), h.clock.Now().UnixMilli()
		if rng.IntN(3) > 0 {
			e, a := entry()
			receipt, err := h.stream.Put(ctx, e)
			if err := done(a, called, since, receipt, err); err != nil {
				return nil, err
			}
			put++
			continue
		}
		entries, of := make([]stream.Entry, 1+rng.IntN(30)), []ack{}
		for i := range entries {
			e, a := entry()
			entries[i], of = e, append(of, a)
		}
		result, err := h.stream.PutBatchInto(ctx, entries, results)
		if err != nil {
			return nil, err
		}
		results = result.Results
		for i, r := range results {
			if err := done(of[i], called, since, r.Receipt, r.Err); err != nil {
				return nil, err
			}
		}
		put += len(entries)
	}
	return acks, nil
}

// putEnds tells all readers that nothing more comes: a record in each shard
// that is open, with the number of them.
func (h *history) putEnds(t *testing.T) {
	t.Helper()
	open := h.openShards(t)
	for _, info := range open {
		_, err := h.stream.Put(t.Context(), stream.Entry{
			PartitionKey:    "end",
			ExplicitHashKey: &info.HashKeyRange.Start,
			Data:            content(endValue + uint64(len(open))),
		})
		require.NoError(t, err)
	}
}

func (h *history) openShards(t *testing.T) []stream.ShardInfo {
	t.Helper()
	infos, err := h.shards(t.Context(), stream.AtLatest)
	require.NoError(t, err)
	return infos
}

// shards lists all shards that pass a filter.
func (h *history) shards(ctx context.Context, filter stream.ShardFilterType) ([]stream.ShardInfo, error) {
	var infos []stream.ShardInfo
	req := stream.ListShardsRequest{MaxResults: 50, Filter: stream.ShardFilter{Type: filter}}
	for {
		page, err := h.stream.ListShards(ctx, req)
		if err != nil {
			return nil, err
		}
		infos = append(infos, page.Shards...)
		if page.Next == "" {
			return infos, nil
		}
		req.After = page.Next
	}
}

// Resharding.

// reshard splits, merges and resizes at the pace of the producers.
func (h *history) reshard(ctx context.Context, seed uint64, load workload, progress <-chan struct{}) error {
	const mostOpen = 12
	rng := rand.New(rand.NewPCG(seed, 13))
	pace := max(1, load.producers*load.records/load.reshards)
	seen := 0
	for range progress {
		if seen++; seen%pace != 0 {
			continue
		}
		infos, err := h.shards(ctx, stream.AtLatest)
		if err != nil {
			return err
		}
		slices.SortFunc(infos, func(a, b stream.ShardInfo) int {
			return a.HashKeyRange.Start.Compare(b.HashKeyRange.Start)
		})
		i := rng.IntN(len(infos))
		switch n := rng.IntN(5); {
		case n == 0:
			if err := h.stream.Resize(ctx, 1+rng.IntN(6)); err != nil && !errors.Is(err, stream.ErrResizing) {
				return fmt.Errorf("resize: %w", err)
			}
		case n < 3 && len(infos) < mostOpen:
			keys := infos[i].HashKeyRange
			_, _, err = h.stream.Split(ctx, infos[i].ID, keys.Midpoint())
		case i+1 < len(infos):
			_, err = h.stream.Merge(ctx, infos[i].ID, infos[i+1].ID)
		}
		// The other resharder, or the trimmer, may have come first.
		if err != nil && !errors.Is(err, stream.ErrShardClosed) && !errors.Is(err, stream.ErrShardNotFound) && !errors.Is(err, stream.ErrSplit) {
			return err
		}
		if err := h.noteClosed(ctx); err != nil {
			return err
		}
		if load.trims {
			if err := h.trim(rng, load); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteClosed writes down which shards are closed by now.
func (h *history) noteClosed(ctx context.Context) error {
	infos, err := h.shards(ctx, stream.FromTrimHorizon)
	if err != nil {
		return err
	}
	now := h.tick.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, info := range infos {
		if _, known := h.closed[info.ID]; !known && !info.Open() {
			h.closed[info.ID] = now
		}
	}
	return nil
}

const (
	minRetention = 800 * time.Millisecond
	maxRetention = 3 * time.Second
)

// trim lets time pass and changes the retention.
func (h *history) trim(rng *rand.Rand, load workload) error {
	load.manual.Advance(time.Duration(rng.IntN(300)) * time.Millisecond)
	if load.config.Retention > 0 && rng.IntN(4) == 0 {
		if err := h.stream.SetRetention(minRetention + time.Duration(rng.Int64N(int64(maxRetention-minRetention)))); err != nil {
			return err
		}
	}
	if rng.IntN(4) == 0 {
		h.stream.Trim()
	}
	for _, st := range h.stream.Stats().Shards {
		if load.config.MaxBytes > 0 && st.MemoryBytes > load.config.MaxBytes {
			return fmt.Errorf("shard %s takes %d bytes (I10)", st.ShardID, st.MemoryBytes)
		}
	}
	return nil
}

// Reading.

// sightings is what one reader saw, in its order.
type sightings struct {
	history *history
	seen    []sighting
	ends    map[int32]bool
	wanted  int // ends to come; 0 until one has
	held    []stream.Record
}

func newSightings(h *history) *sightings {
	return &sightings{history: h, ends: map[int32]bool{}}
}

// add notes records and reports whether all ends have been seen.
func (o *sightings) add(records []stream.Record) (done bool, err error) {
	for i := range records {
		rec := &records[i]
		value, err := valueOf(rec.Data)
		if err != nil {
			return false, err
		}
		f, err := rec.SequenceNumber.Fields()
		if err != nil {
			return false, err
		}
		if value > endValue {
			o.wanted = int(value - endValue)
			o.ends[f.ShardIndex] = true
			continue
		}
		o.seen = append(o.seen, sighting{value: value, number: rec.SequenceNumber, shard: f.ShardIndex})
		if len(o.seen)%7 == 0 {
			o.held = append(o.held, *rec)
		}
	}
	return o.wanted > 0 && len(o.ends) == o.wanted, nil
}

// wholeReader is a Reader that runs until the end.
type wholeReader struct {
	*sightings

	name   string
	from   int64 // puts that were called later are seen
	missed uint64
}

func startReader(t *testing.T, h *history, c *crew, name string, pos stream.Position, buffer int, progress <-chan struct{}) *wholeReader {
	t.Helper()
	r, err := newReader(h, c, name, pos, buffer, progress)
	require.NoError(t, err)
	return r
}

// newReader starts a reader. With a progress it is slow: it lets the producers
// put several bufferfuls for each that it reads.
func newReader(h *history, c *crew, name string, pos stream.Position, buffer int, progress <-chan struct{}) (*wholeReader, error) {
	r, err := h.stream.Reader(pos)
	if err != nil {
		return nil, err
	}
	w := &wholeReader{sightings: newSightings(h), name: name, from: h.tick.Add(1)}
	pause := 0
	if progress != nil {
		pause = 8 * buffer
	}
	c.run(name, func() error {
		defer r.Close()
		buf := make([]stream.Record, buffer)
		for {
			for range pause {
				<-progress
			}
			n, err := r.Next(c.ctx, buf)
			if err != nil {
				return fmt.Errorf("after %d records: %w", len(w.seen), err)
			}
			if n == 0 {
				return errors.New("Next returned nothing")
			}
			done, err := w.add(buf[:n])
			if err != nil {
				return err
			}
			if done {
				w.missed = r.Missed()
				return nil
			}
		}
	})
	return w, nil
}

// iterate reads by Records.
func (o *sightings) iterate(ctx context.Context) error {
	for rec, err := range o.history.stream.Records(ctx, stream.TrimHorizon()) {
		if err != nil {
			return err
		}
		if done, err := o.add([]stream.Record{rec}); done || err != nil {
			return err
		}
	}
	return errors.New("the iteration ended by itself")
}

// follow reads each shard by a cursor of its own, children when all their
// parents have been read to their end.
func (o *sightings) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		mu    sync.Mutex // guards o and ended
		ended = map[string]int{}
		wg    sync.WaitGroup
		start func(id string)
	)
	finish := func(end *shard.EndOfShardError) {
		mu.Lock()
		defer mu.Unlock()
		for _, child := range end.Children {
			if ended[child.ShardID]++; ended[child.ShardID] == len(child.ParentShards) {
				start(child.ShardID)
			}
		}
	}
	read := func(id string) error {
		c, err := o.history.stream.Cursor(id, stream.TrimHorizon())
		if err != nil {
			return err
		}
		buf := make([]stream.Record, 40)
		for {
			n, err := c.Next(ctx, buf)
			if end, ok := errors.AsType[*shard.EndOfShardError](err); ok {
				finish(end)
				return nil
			}
			if err != nil {
				return err
			}
			mu.Lock()
			before := len(o.ends)
			_, err = o.add(buf[:n])
			last := len(o.ends) > before // nothing follows in this shard
			mu.Unlock()
			if err != nil || last {
				return err
			}
		}
	}
	start = func(id string) {
		wg.Go(func() {
			if err := read(id); err != nil {
				cancel(fmt.Errorf("shard %s: %w", id, err))
			}
		})
	}
	infos, err := o.history.shards(ctx, stream.FromTrimHorizon)
	if err != nil {
		return err
	}
	mu.Lock() // until all are started that have no parents
	for _, info := range infos {
		if info.ParentID == "" {
			start(info.ID)
		}
	}
	mu.Unlock()
	wg.Wait()
	return context.Cause(ctx)
}

// page reads page by page with iterators.
func (o *sightings) page(ctx context.Context) error {
	infos, err := o.history.shards(ctx, stream.FromTrimHorizon)
	if err != nil {
		return err
	}
	var open []stream.Iterator
	for _, info := range infos {
		if info.ParentID == "" {
			it, err := o.history.stream.Iterator(ctx, info.ID, stream.TrimHorizon())
			if err != nil {
				return err
			}
			open = append(open, it)
		}
	}
	ended := map[string]int{}
	for done := false; !done; {
		var next []stream.Iterator
		for _, it := range open {
			page, err := o.history.stream.Get(ctx, it, 25)
			if err != nil {
				return err
			}
			if done, err = o.add(page.Records); done || err != nil {
				return err
			}
			if !page.AtEnd() {
				next = append(next, page.Next)
				continue
			}
			for _, child := range page.Children {
				if ended[child.ShardID]++; ended[child.ShardID] < len(child.ParentShards) {
					continue
				}
				it, err := o.history.stream.Iterator(ctx, child.ShardID, stream.TrimHorizon())
				if err != nil {
					return err
				}
				next = append(next, it)
			}
		}
		open = next
		runtime.Gosched()
	}
	return nil
}

// snapshot is one reading of all that was stored at a time.
type snapshot struct {
	*sightings

	from int64 // puts that had returned before are in it
}

// look starts readers at the latest record and takes snapshots while the
// producers work.
func (h *history) look(
	ctx context.Context, load workload, progress <-chan struct{}, start func(stream.Position) (*wholeReader, error),
) (late []*wholeReader, snapshots []snapshot, err error) {
	const looks = 5
	pace := max(1, load.producers*load.records/looks)
	seen := 0
	for range progress {
		if seen++; seen%pace != 1 {
			continue
		}
		r, err := start(stream.Latest())
		if err != nil {
			return nil, nil, err
		}
		late = append(late, r)
		snap := snapshot{newSightings(h), h.tick.Add(1)}
		for rec, err := range h.stream.RecordsToLatest(ctx, stream.TrimHorizon()) {
			if err != nil {
				return nil, nil, err
			}
			if _, err := snap.add([]stream.Record{rec}); err != nil {
				return nil, nil, err
			}
		}
		snapshots = append(snapshots, snap)
	}
	return late, snapshots, nil
}

// Proofs.

// provenLog is what the producers' receipts say is stored.
type provenLog struct {
	byValue map[uint64]*ack
	byShard map[string][]*ack // in the order of their numbers
	parents map[int32][]int32
}

// prove checks the receipts of all puts against each other and against the
// shards: I1 to I5.
func (h *history) prove(t *testing.T, load workload) *provenLog {
	t.Helper()
	log := &provenLog{byValue: map[uint64]*ack{}, byShard: map[string][]*ack{}, parents: map[int32][]int32{}}
	infos, err := h.shards(t.Context(), stream.FromTrimHorizon)
	require.NoError(t, err)
	byID := map[string]stream.ShardInfo{}
	for _, info := range infos {
		byID[info.ID] = info
	}
	h.proveLineage(t, infos, byID, log)

	last := map[string]*ack{}
	for i := range h.acks {
		a := &h.acks[i]
		require.Nil(t, log.byValue[a.value])
		log.byValue[a.value] = a
		log.byShard[a.receipt.ShardID] = append(log.byShard[a.receipt.ShardID], a)

		// A producer's records are in the order of its puts.
		if before := last[a.key]; a.pinned && before != nil && before.receipt.SequenceNumber.Compare(a.receipt.SequenceNumber) >= 0 {
			require.Fail(t, "I4", "key %s: %s, then %s", a.key, before.receipt.SequenceNumber, a.receipt.SequenceNumber)
		}
		last[a.key] = a

		if closed, ok := h.closed[a.receipt.ShardID]; ok && closed < a.called {
			require.Fail(t, "I5", "shard %s took a record after it was closed", a.receipt.ShardID)
		}
		info, listed := byID[a.receipt.ShardID]
		if !listed {
			require.True(t, load.trims, "shard %s has vanished", a.receipt.ShardID)
			continue
		}
		if !info.HashKeyRange.Contains(a.hash) {
			require.Fail(t, "I2", "key %s of %s in shard %s with %s", a.hash, a.key, info.ID, info.HashKeyRange)
		}
		if a.receipt.SequenceNumber.Compare(info.StartingSequenceNumber) <= 0 ||
			!info.Open() && a.receipt.SequenceNumber.Compare(info.EndingSequenceNumber) >= 0 {
			require.Fail(t, "I4", "number %s of shard %s outside %s to %s", a.receipt.SequenceNumber, info.ID, info.StartingSequenceNumber, info.EndingSequenceNumber)
		}
	}
	for id, acks := range log.byShard {
		slices.SortFunc(acks, func(a, b *ack) int { return a.receipt.SequenceNumber.Compare(b.receipt.SequenceNumber) })
		latest := int64(0) // when the last put so far was called
		for i, a := range acks {
			f, err := a.receipt.SequenceNumber.Fields()
			require.NoError(t, err)
			require.Equal(t, id, shard.ID(f.ShardIndex))
			require.Equal(t, uint64(i+1), f.RecordIndex, "I3: shard %s has a gap or a number twice", id)
			require.GreaterOrEqual(t, a.returned, latest, "I3: a put that was called later is numbered before one that had returned")
			latest = max(latest, a.called)
		}
	}
	return log
}

// proveLineage checks the shards among themselves: I1, I4 and I5.
func (h *history) proveLineage(t *testing.T, infos []stream.ShardInfo, byID map[string]stream.ShardInfo, log *provenLog) {
	t.Helper()
	var open []hashkey.Range
	for _, info := range infos {
		index, _ := shard.ParseID(info.ID)
		for _, id := range []string{info.ParentID, info.AdjacentParentID} {
			if id == "" {
				continue
			}
			parent, _ := shard.ParseID(id)
			log.parents[index] = append(log.parents[index], parent)
			if p, listed := byID[id]; listed {
				require.False(t, p.Open(), "I5")
				require.Negative(t, p.EndingSequenceNumber.Compare(info.StartingSequenceNumber), "I4: %s and its child %s", p.ID, info.ID)
				require.False(t, info.Created.Before(p.Closed))
			}
		}
		if info.Open() {
			open = append(open, info.HashKeyRange)
		}
	}
	slices.SortFunc(open, func(a, b hashkey.Range) int { return a.Start.Compare(b.Start) })
	all := open[0]
	for _, r := range open[1:] {
		var err error
		all, err = all.Merge(r)
		require.NoError(t, err, "I1")
	}
	require.Equal(t, hashkey.Full(), all, "I1")
}

// prove checks what a reader saw: only what was stored, nothing twice, all in
// order, and all puts that were called after a tick (I3 to I6).
func (o *sightings) prove(t *testing.T, name string, log *provenLog, from int64, trims bool) {
	t.Helper()
	seen := o.proveOrder(t, name, log)
	for value, a := range log.byValue {
		if !trims && a.called > from && from > 0 && !seen[value] {
			require.Fail(t, "I6", "%s has not seen record %x, which was put after it had begun", name, value)
		}
	}
}

func (o *sightings) proveOrder(t *testing.T, name string, log *provenLog) map[uint64]bool {
	t.Helper()
	seen := make(map[uint64]bool, len(o.seen))
	lastOfKey, lastOfShard, finished := map[string]uint64{}, map[int32]stream.SequenceNumber{}, map[int32]bool{}
	for _, got := range o.seen {
		a := log.byValue[got.value]
		require.NotNil(t, a, "%s saw record %x, which nobody put", name, got.value)
		if seen[got.value] {
			require.Fail(t, "I6", "%s saw record %x twice", name, got.value)
		}
		seen[got.value] = true
		if a.receipt.SequenceNumber != got.number {
			require.Fail(t, "I3", "%s saw record %x as %s, put as %s", name, got.value, got.number, a.receipt.SequenceNumber)
		}
		if a.pinned && got.value <= lastOfKey[a.key] {
			require.Fail(t, "I4", "%s saw record %x of key %s after %x", name, got.value, a.key, lastOfKey[a.key])
		}
		lastOfKey[a.key] = got.value
		if lastOfShard[got.shard].Compare(got.number) >= 0 {
			require.Fail(t, "I3", "%s saw %s after %s", name, got.number, lastOfShard[got.shard])
		}
		lastOfShard[got.shard] = got.number
		if finished[got.shard] {
			require.Fail(t, "I6", "%s saw a record of shard %d after one of its children's", name, got.shard)
		}
		for _, p := range log.parents[got.shard] {
			finished[p] = true
		}
	}
	for i := range o.held {
		_, err := valueOf(o.held[i].Data)
		require.NoError(t, err, "I8: %s", name)
	}
	return seen
}

// proveRetained checks that nothing was missed that retention and the bound on
// memory had no right to.
func (r *wholeReader) proveRetained(t *testing.T, log *provenLog, horizon int64, load workload) {
	t.Helper()
	if load.config.MaxBytes > 0 && load.config.AtMaxBytes == stream.TrimOldest {
		return
	}
	seen := map[uint64]bool{}
	for _, got := range r.seen {
		seen[got.value] = true
	}
	for value, a := range log.byValue {
		if a.since >= horizon && !seen[value] {
			require.Fail(t, "I7", "%s missed record %x, which was within retention", r.name, value)
		}
	}
}

// proveSuffix checks that what is left of each shard is its newest records, all
// of them (I7).
func (h *history) proveSuffix(t *testing.T, log *provenLog) {
	t.Helper()
	infos, err := h.shards(t.Context(), stream.FromTrimHorizon)
	require.NoError(t, err)
	for _, info := range infos {
		c, err := h.stream.Cursor(info.ID, stream.TrimHorizon())
		require.NoError(t, err)
		var values []uint64
		buf := make([]stream.Record, 100)
		for n := 1; n > 0; {
			n, err = c.Read(t.Context(), buf)
			if err != nil {
				require.ErrorIs(t, err, stream.ErrEndOfShard)
			}
			for i := range buf[:n] {
				if value := binary.BigEndian.Uint64(buf[i].Data); value < endValue {
					values = append(values, value)
				}
			}
		}
		acks := log.byShard[info.ID]
		require.LessOrEqual(t, len(values), len(acks))
		for i, a := range acks[len(acks)-len(values):] {
			require.Equal(t, a.value, values[i], "I7: shard %s", info.ID)
		}
	}
}

func (s snapshot) prove(t *testing.T, log *provenLog, trims bool) {
	t.Helper()
	seen := s.proveOrder(t, "a snapshot", log)
	for value, a := range log.byValue {
		if !trims && a.returned < s.from && !seen[value] {
			require.Fail(t, "I3", "record %x was put before a snapshot that lacks it", value)
		}
	}
}

// Memory.

// Records that were handed out stay as they are (I8), though a small bound has
// the stream use the memory of what it trims over and over. Readers come and
// go, so that some of the memory was seen by a reader and some was not; those
// that begin at the trim horizon meet the trimming.
func TestHeldRecordsStayUnchanged(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]stream.Config{
		"small segments":      {Shards: 1, MaxBytes: 7 << 10},
		"larger segments":     {Shards: 1, MaxBytes: 100 << 10},
		"shared by 3 shards":  {Shards: 3, MaxBytes: 30 << 10},
		"trimmed by time too": {Shards: 2, MaxBytes: 50 << 10, Retention: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := stream.New("held", cfg)
			require.NoError(t, err)
			defer s.Close()
			var writing atomic.Int64
			c := newCrew(t)
			numbers := make([][]stream.SequenceNumber, 2)
			for p := range numbers {
				writing.Add(1)
				c.run("producer", func() error {
					defer writing.Add(-1)
					// Until the memory has been used many times, with readers about.
					for i := range uint64(size(40_000, 8000)) {
						value := uint64(p)<<32 | i
						receipt, err := s.Put(c.ctx, stream.Entry{PartitionKey: keyOf(value), Data: content(value)})
						if err != nil {
							return err
						}
						numbers[p] = append(numbers[p], receipt.SequenceNumber)
					}
					return nil
				})
			}
			held := make([][]stream.Record, 3)
			for r := range held {
				c.run("reader", func() error {
					var err error
					held[r], err = readNowAndThen(c.ctx, s, uint64(r), &writing)
					return err
				})
			}
			c.wait(t)
			for r := range held {
				for i := range held[r] {
					rec := &held[r][i]
					require.NoError(t, intact(rec), "I8")
					value := binary.BigEndian.Uint64(rec.Data)
					require.Equal(t, numbers[value>>32][value&(1<<32-1)], rec.SequenceNumber, "I3: another record's memory")
				}
			}
			require.NoError(t, s.Check())
		})
	}
}

func keyOf(value uint64) string { return fmt.Sprintf("key-%d", value%50) }

func intact(rec *stream.Record) error {
	value, err := valueOf(rec.Data)
	if err == nil && rec.PartitionKey != keyOf(value) {
		err = fmt.Errorf("record %x is damaged: key %q", value, rec.PartitionKey)
	}
	return err
}

// readNowAndThen opens readers of all kinds, reads a little with each, and
// returns what they gave.
func readNowAndThen(ctx context.Context, s *stream.Stream, seed uint64, writing *atomic.Int64) ([]stream.Record, error) {
	const mostHeld = 20_000
	rng := rand.New(rand.NewPCG(seed, 17))
	var held []stream.Record
	var lasting *stream.Cursor // falls behind, and is overtaken by trimming
	buf := make([]stream.Record, 64)
	for writing.Load() > 0 {
		id := s.Route(hashkey.Key{Hi: rng.Uint64()}).ID
		pos := stream.TrimHorizon()
		switch rng.IntN(8) {
		case 0:
			pos = stream.Latest()
		case 1:
			pos = stream.AtTimestamp(time.Now().Add(-time.Duration(rng.IntN(20)) * time.Millisecond))
		}
		c, err := s.Cursor(id, pos)
		if err != nil {
			return nil, err
		}
		if lasting == nil || rng.IntN(64) == 0 {
			lasting = c
		}
		if rng.IntN(4) == 0 {
			c = lasting
		}
		if rng.IntN(4) == 0 {
			c.Lag()
		}
		n, err := c.Read(ctx, buf[:1+rng.IntN(len(buf))])
		if err != nil {
			return nil, err
		}
		for i := range buf[:n] {
			if err := intact(&buf[i]); err != nil {
				return nil, err
			}
		}
		held = append(held, buf[:n]...)
		if len(held) > mostHeld {
			held = append(held[:0], held[len(held)/2:]...)
		}
		for range rng.IntN(4) * rng.IntN(20) {
			runtime.Gosched() // so that some memory is used again unseen
		}
	}
	return held, nil
}

// A reader that comes to a segment just as it is trimmed, and its memory used
// again, must not read what is there now (I3, I8). One writer, and readers that
// do nothing but that: the value of each record is its index.
func TestTrimmedMemoryIsNotRead(t *testing.T) {
	t.Parallel()
	s := shard.New(shard.Config{Range: hashkey.Full(), Budget: shard.NewBudget(8<<10, shard.TrimOldest)})
	var done atomic.Bool
	c := newCrew(t)
	c.run("writer", func() error {
		defer done.Store(true)
		data := make([]byte, 200)
		for i := range uint64(size(400_000, 100_000)) {
			binary.BigEndian.PutUint64(data, i+1)
			binary.BigEndian.PutUint64(data[192:], i+1)
			if _, err := s.Append("k", data, false); err != nil {
				return err
			}
		}
		return nil
	})
	for range 2 {
		c.run("reader", func() error {
			buf := make([]stream.Record, 8)
			for !done.Load() {
				n, err := s.CursorAt(0).Read(c.ctx, buf)
				if err != nil {
					return err
				}
				for _, rec := range buf[:n] {
					f, err := rec.SequenceNumber.Fields()
					if err != nil {
						return err
					}
					first, last := binary.BigEndian.Uint64(rec.Data), binary.BigEndian.Uint64(rec.Data[192:])
					if len(rec.Data) != 200 || rec.PartitionKey != "k" || first != f.RecordIndex || last != f.RecordIndex {
						return fmt.Errorf("record %d has become %d and %d", f.RecordIndex, first, last)
					}
				}
			}
			return nil
		})
	}
	c.wait(t)
	require.NoError(t, s.Check())
}

// The bound on memory holds at every moment (I10), and a shard that finds all
// of it taken by others still takes records.
func TestMaxBytesOverManyShards(t *testing.T) {
	t.Parallel()
	const bound = 256 << 10
	for _, shards := range []int{1, 8, 100} {
		t.Run(fmt.Sprintf("shards=%d", shards), func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s, err := stream.New("bound", stream.Config{Shards: shards, MaxBytes: bound})
			require.NoError(t, err)
			defer s.Close()
			rng := rand.New(rand.NewPCG(1, 19))
			for value := range uint64(size(6000, 2000)) {
				e := stream.Entry{PartitionKey: "k", Data: content(value)}
				// Now one shard takes all, now all take some, now each a lot.
				switch value / 500 % 3 {
				case 0:
					e.ExplicitHashKey = &hashkey.Key{}
				case 1:
					e.ExplicitHashKey = &hashkey.Key{Hi: rng.Uint64()}
				default:
					e.ExplicitHashKey = &hashkey.Key{Hi: value / 50 << 58}
				}
				receipt, err := s.Put(ctx, e)
				require.NoError(t, err)
				stats := s.Stats()
				require.LessOrEqual(t, stats.MemoryBytes, int64(bound), "I10")
				if stats.TrimmedRecords > 0 {
					require.Greater(t, stats.MemoryBytes, int64(bound*3/4), "much was trimmed, and for nothing")
				}
				c, err := s.Cursor(receipt.ShardID, stream.AtSequenceNumber(receipt.SequenceNumber))
				require.NoError(t, err)
				var got [1]stream.Record
				n, err := c.Read(ctx, got[:])
				require.NoError(t, err)
				require.Equal(t, 1, n, "what was put last is there")
				require.Equal(t, e.Data, got[0].Data)
			}
			require.NoError(t, s.Check())
		})
	}
}

// What is trimmed is the oldest of the whole stream: a shard whose records are
// young loses none while others hold old ones.
func TestMaxBytesTrimsTheOldestFirst(t *testing.T) {
	t.Parallel()
	manual := clock.NewManual(time.UnixMilli(1700000000_000))
	s, err := stream.New("oldest", stream.Config{Shards: 4, Clock: manual, MaxBytes: 1 << 20})
	require.NoError(t, err)
	defer s.Close()
	data := make([]byte, 100)
	put := func(hi uint64) {
		_, err := s.Put(t.Context(), stream.Entry{PartitionKey: "k", ExplicitHashKey: &hashkey.Key{Hi: hi}, Data: data})
		require.NoError(t, err)
	}
	for range 12_000 {
		put(0) // more than the bound
	}
	manual.Advance(time.Hour)
	for range 2000 {
		put(1 << 63)
	}
	stats := s.Stats()
	require.Zero(t, stats.Shards[2].TrimmedRecords, "young records were trimmed before old ones")
	require.Equal(t, uint64(2000), stats.Shards[2].Records)
	require.Greater(t, stats.Shards[0].Records, uint64(5000))
}

// Many producers at the bound all make progress, and at the end the accounts
// are right (I7, I10).
func TestMaxBytesUnderLoad(t *testing.T) {
	t.Parallel()
	for _, atBound := range []stream.AtBound{stream.TrimOldest, stream.Refuse} {
		t.Run(atBound.String(), func(t *testing.T) {
			t.Parallel()
			const bound = 128 << 10
			s, err := stream.New("load", stream.Config{Shards: 16, MaxBytes: bound, AtMaxBytes: atBound})
			require.NoError(t, err)
			defer s.Close()
			c := newCrew(t)
			var stored, refused atomic.Int64
			var mu sync.Mutex // guards values
			values := map[uint64]bool{}
			for p := range uint64(4) {
				c.run("producer", func() error {
					for i := range uint64(size(2000, 500)) {
						value := p<<32 | i
						hash := hashkey.Key{Hi: value * 0x9e3779b97f4a7c15}
						_, err := s.Put(c.ctx, stream.Entry{PartitionKey: "k", ExplicitHashKey: &hash, Data: content(value)})
						switch {
						case err == nil:
							stored.Add(1)
							mu.Lock()
							values[value] = true
							mu.Unlock()
						case atBound == stream.Refuse && errors.Is(err, stream.ErrFull):
							refused.Add(1)
						default:
							return err
						}
					}
					return nil
				})
			}
			c.wait(t)
			stats := s.Stats()
			require.NoError(t, s.Check())
			require.LessOrEqual(t, stats.MemoryBytes, int64(bound), "I10")
			require.Equal(t, uint64(stored.Load()), stats.IncomingRecords)
			live, bytes := uint64(0), int64(0)
			for rec, err := range s.RecordsToLatest(t.Context(), stream.TrimHorizon()) {
				require.NoError(t, err)
				value, err := valueOf(rec.Data)
				require.NoError(t, err)
				require.True(t, values[value], "a record that was refused has left a trace")
				live++
				bytes += int64(len(rec.PartitionKey)+len(rec.Data)) + shard.RecordOverhead
			}
			require.Equal(t, live, stats.Records)
			require.Equal(t, bytes, stats.MemoryBytes, "I7")
			if atBound == stream.Refuse {
				require.Positive(t, refused.Load())
				require.Zero(t, stats.TrimmedRecords)
				require.Equal(t, uint64(stored.Load()), live)
			}
		})
	}
}

// A stream that refuses has room again when what it holds has expired, though
// nobody touches the shards that hold it.
func TestRefuseUntilExpired(t *testing.T) {
	t.Parallel()
	manual := clock.NewManual(time.UnixMilli(1700000000_000))
	s, err := stream.New("refuse", stream.Config{
		Shards: 8, Clock: manual, Retention: time.Minute, MaxBytes: 16 << 10, AtMaxBytes: stream.Refuse,
	})
	require.NoError(t, err)
	defer s.Close()
	low, high := hashkey.Key{}, hashkey.Max()
	fill := func(key *hashkey.Key) (stored int) {
		for {
			_, err := s.Put(t.Context(), stream.Entry{PartitionKey: "k", ExplicitHashKey: key, Data: make([]byte, 100)})
			if err != nil {
				full, ok := errors.AsType[*shard.FullError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, int64(16<<10), full.Bound)
				require.Equal(t, int64(101+shard.RecordOverhead), full.Need)
				return stored
			}
			stored++
		}
	}
	first := fill(&low)
	require.Greater(t, first, 100)
	require.LessOrEqual(t, fill(&high), 10)
	manual.Advance(time.Minute)
	require.Zero(t, fill(&high), "a record as old as the retention stays")
	manual.Advance(time.Millisecond)
	require.Greater(t, fill(&high), 100)
	require.NoError(t, s.Check())
}

// The heap stays near the bound (I10). Not parallel: it measures the heap of
// the process.
func TestMaxBytesBoundsTheHeap(t *testing.T) {
	const bound, shards = 8 << 20, 4
	before := heapInUse()
	s, err := stream.New("heap", stream.Config{Shards: shards, MaxBytes: bound})
	require.NoError(t, err)
	defer s.Close()
	data := make([]byte, 1000)
	for i := range size(200_000, 60_000) {
		key := hashkey.Key{Hi: uint64(i) * 0x9e3779b97f4a7c15}
		_, err := s.Put(t.Context(), stream.Entry{PartitionKey: "k", ExplicitHashKey: &key, Data: data})
		require.NoError(t, err)
	}
	// Two segments of a shard that are not full, and buffers for reuse.
	const slack = shards*2<<20 + 4<<20 + 2<<20
	grown := heapInUse() - before
	require.LessOrEqual(t, grown, int64(bound+slack), "I10: the heap has grown by %d bytes", grown)
	require.NoError(t, s.Check())
	runtime.KeepAlive(s)
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Shards that come and go leave nothing behind. Not parallel: see above.
func TestReshardingForEverNeedsNoMemory(t *testing.T) {
	for name, cfg := range map[string]stream.Config{
		"unbounded": {},
		"trimming":  {MaxBytes: 1 << 20},
		"refusing":  {MaxBytes: 1 << 20, AtMaxBytes: stream.Refuse},
	} {
		t.Run(name, func(t *testing.T) {
			manual := clock.NewManual(time.UnixMilli(1700000000_000))
			cfg.Clock, cfg.Retention = manual, time.Second
			s, err := stream.New("forever", cfg)
			require.NoError(t, err)
			defer s.Close()
			cycle := func(n int) {
				for i := range n {
					require.NoError(t, s.Resize(t.Context(), 1+i%2))
					_, err := s.Put(t.Context(), stream.Entry{PartitionKey: "k", Data: make([]byte, 100)})
					require.NoError(t, err)
					manual.Advance(time.Second)
				}
			}
			cycle(100)
			before := heapInUse()
			cycle(size(10_000, 4000))
			require.Less(t, heapInUse()-before, int64(1<<20))
			runtime.KeepAlive(s)
		})
	}
}

// Waiting.

// Every call that waits ends at once when its context ends or the stream is
// closed, and leaves no goroutine and no timer behind (I9): the bubble of
// synctest fails if one remains.
func TestBlockedReadsEnd(t *testing.T) {
	t.Parallel()
	calls := map[string]func(ctx context.Context, s *stream.Stream) error{
		"Cursor.Next": func(ctx context.Context, s *stream.Stream) error {
			c, err := s.Cursor("shardId-000000000000", stream.TrimHorizon())
			if err != nil {
				return err
			}
			_, err = c.Next(ctx, make([]stream.Record, 1))
			return err
		},
		"Reader.Next": func(ctx context.Context, s *stream.Stream) error {
			r, err := s.Reader(stream.TrimHorizon())
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = r.Next(ctx, make([]stream.Record, 1))
			return err
		},
		"Records": func(ctx context.Context, s *stream.Stream) error {
			for _, err := range s.Records(ctx, stream.Latest()) {
				return err
			}
			return nil
		},
		"ShardRecords": func(ctx context.Context, s *stream.Stream) error {
			for _, err := range s.ShardRecords(ctx, "0", stream.Latest()) {
				return err
			}
			return nil
		},
	}
	reads := shard.Limits{ReadCalls: 1}
	for name, cfg := range map[string]stream.Config{
		"at the tip": {Shards: 3},
		"observed":   {Shards: 3, MeasureLatency: true},
		"throttled":  {Shards: 3, Limits: stream.Limits{Shard: reads}},
	} {
		for call, read := range calls {
			t.Run(name+", "+call, func(t *testing.T) {
				t.Parallel()
				for ending, want := range map[string]error{"cancel": context.Canceled, "deadline": context.DeadlineExceeded, "close": stream.ErrClosed} {
					synctest.Test(t, func(t *testing.T) {
						s, err := stream.New("wait", cfg)
						require.NoError(t, err)
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						if ending == "deadline" {
							var stop context.CancelFunc
							ctx, stop = context.WithTimeout(ctx, 17*time.Millisecond)
							defer stop()
						}
						const waiters = 5
						var errs [waiters]error
						var wg sync.WaitGroup
						for i := range errs {
							wg.Go(func() { errs[i] = read(ctx, s) })
						}
						began := time.Now()
						synctest.Wait()
						switch ending {
						case "cancel":
							cancel()
						case "close":
							require.NoError(t, s.Close())
						}
						wg.Wait()
						if ending != "close" || name != "throttled" {
							require.LessOrEqual(t, time.Since(began), 17*time.Millisecond, "it has waited on")
						}
						for _, err := range errs {
							require.ErrorIs(t, err, want, ending)
						}
						require.NoError(t, s.Close())
					})
				}
			})
		}
	}
}

// A put wakes all who wait, and so does the end of a shard.
func TestBlockedReadsWake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := stream.New("wake", stream.Config{Shards: 2})
		require.NoError(t, err)
		defer s.Close()
		first := s.Route(hashkey.Key{})
		const waiters = 20
		var woken, ended atomic.Int64
		var wg sync.WaitGroup
		for range waiters {
			wg.Go(func() {
				c, err := s.Cursor(first.ID, stream.TrimHorizon())
				buf := make([]stream.Record, 10)
				for err == nil {
					var n int
					n, err = c.Next(t.Context(), buf)
					woken.Add(int64(n))
				}
				if errors.Is(err, stream.ErrEndOfShard) {
					ended.Add(1)
				}
			})
			wg.Go(func() {
				for _, err := range s.Records(t.Context(), stream.TrimHorizon()) {
					if err != nil {
						return
					}
					woken.Add(1)
				}
			})
		}
		synctest.Wait()
		require.Zero(t, woken.Load())
		for i := range 3 {
			_, err = s.Put(t.Context(), stream.Entry{PartitionKey: "k", ExplicitHashKey: &hashkey.Key{}})
			require.NoError(t, err)
			synctest.Wait()
			require.Equal(t, int64((i+1)*2*waiters), woken.Load())
		}
		_, _, err = s.Split(t.Context(), first.ID, first.HashKeyRange.Midpoint())
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, int64(waiters), ended.Load())
		_, err = s.Put(t.Context(), stream.Entry{PartitionKey: "k", ExplicitHashKey: &hashkey.Key{}})
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, int64(7*waiters), woken.Load(), "Records goes on with the child")
		require.NoError(t, s.Close())
		wg.Wait()
	})
}

// Close amid everything: each call ends, with ErrClosed if with an error, Close
// can be called by many, and nothing is left running (I9).
func TestCloseAmidLoad(t *testing.T) {
	t.Parallel()
	for round := range uint64(size(6, 2)) {
		synctest.Test(t, func(t *testing.T) {
			s, err := stream.New("close", stream.Config{Shards: 3, MaxBytes: 64 << 10})
			require.NoError(t, err)
			var wg sync.WaitGroup
			var stored atomic.Int64
			enough := make(chan struct{}, 1<<16)
			errs := make(chan error, 100)
			loop := func(f func(rng *rand.Rand) error) {
				wg.Go(func() {
					rng := rand.New(rand.NewPCG(round, 23))
					for {
						if err := f(rng); err != nil {
							errs <- err
							return
						}
					}
				})
			}
			for p := range uint64(3) {
				value := p << 32
				loop(func(*rand.Rand) error {
					value++
					_, err := s.Put(t.Context(), stream.Entry{PartitionKey: keyOf(value), Data: content(value)})
					if stored.Add(1) == 100+int64(round)*20 {
						close(enough)
					}
					return err
				})
				loop(func(*rand.Rand) error {
					entries := make([]stream.Entry, 5)
					for i := range entries {
						entries[i] = stream.Entry{PartitionKey: keyOf(uint64(i)), Data: content(uint64(i))}
					}
					result, err := s.PutBatch(t.Context(), entries)
					for _, r := range result.Results {
						err = errors.Join(err, r.Err)
					}
					return err
				})
				loop(func(*rand.Rand) error {
					for _, err := range s.Records(t.Context(), stream.TrimHorizon()) {
						if err != nil {
							return err
						}
					}
					return nil
				})
			}
			loop(func(rng *rand.Rand) error { return s.Resize(t.Context(), 1+rng.IntN(5)) })
			loop(func(rng *rand.Rand) error {
				return s.SetRetention(time.Hour + time.Duration(rng.IntN(1000))*time.Second)
			})
			<-enough
			for range 3 {
				wg.Go(func() {
					if err := s.Close(); err != nil {
						errs <- err
					}
				})
			}
			wg.Wait()
			close(errs)
			for err := range errs {
				require.ErrorIs(t, err, stream.ErrClosed)
			}
			require.NoError(t, s.Check())
		})
	}
}
