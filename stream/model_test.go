package stream_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/internal/model"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

// A program is a configuration and a list of operations, in steps of eight
// bytes. It is run on a stream and on the oracle of package model side by side,
// and everything that can be observed is compared on the way.
const (
	stepSize = 8
	maxSteps = 400
)

// FuzzModel runs programs that the fuzzer makes up. Its seeds have each
// operation in every configuration.
func FuzzModel(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		for op := range modelOps() {
			program := binary.LittleEndian.AppendUint64(nil, rng.Uint64()) // the configuration
			for i := range byte(6) {
				program = append(program, 0, i, 2*i, i, 3*i, 0, 0, 0) // put
				for j := range byte(2) {
					program = append(program, byte(op), 7*i+j, i+3*j, 5*i+j, 11*i, 2*j, i, j)
				}
			}
			f.Add(program)
		}
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		if failure := runModel(program); failure != "" {
			t.Fatal(failure)
		}
	})
}

// TestModelPrograms runs many programs of random bytes, always the same ones.
func TestModelPrograms(t *testing.T) {
	t.Parallel()
	const chunks = 4
	programs := 400
	if testing.Short() {
		programs = 100
	}
	for chunk := range chunks {
		t.Run(fmt.Sprintf("chunk %d", chunk), func(t *testing.T) {
			t.Parallel()
			for i := chunk; i < programs; i += chunks {
				rng := rand.New(rand.NewPCG(uint64(i), 1))
				program := make([]byte, stepSize*(20+rng.IntN(120)))
				for j := range program {
					program[j] = byte(rng.Uint32())
				}
				if runModel(program) != "" {
					program = shrink(program)
					t.Fatalf("%s\nprogram %d, shrunk: %q", runModel(program), i, program)
				}
			}
		})
	}
}

// shrink drops steps from a failing program for as long as it fails.
func shrink(program []byte) []byte {
	for size := len(program) / stepSize / 2; size > 0; size /= 2 {
		for at := stepSize; at < len(program); {
			end := min(at+size*stepSize, len(program))
			shorter := slices.Concat(program[:at], program[end:])
			if runModel(shorter) != "" {
				program = shorter
			} else {
				at = end
			}
		}
	}
	return program
}

// runModel runs a program and returns what failed, or nothing.
func runModel(program []byte) (failure string) {
	w := newWorld(program)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case modelFailure:
			failure = w.describe()
		default:
			w.Errorf("panic: %v\n%s", r, debug.Stack())
			failure = w.describe()
		}
	}()
	ops := modelOps()
	for at := stepSize; at < len(program) && at < stepSize*maxSteps; at += stepSize {
		w.arg = newArgs(program[at:min(at+stepSize, len(program))])
		op := ops[w.arg.pick(len(ops))]
		w.logf("%s", op.name)
		op.run(w)
		require.NoError(w, w.real.Check())
		if w.looks == 1 || w.arg.pick(w.looks) == 0 {
			w.compare()
		}
	}
	w.finish()
	return ""
}

type modelOp struct {
	name string
	run  func(w *world)
}

// modelOps are the operations by their number in a program. Those that are
// named often come up often.
func modelOps() []modelOp {
	return []modelOp{
		{"put", (*world).put},
		{"put", (*world).put},
		{"batch", (*world).batch},
		{"batch", (*world).batch},
		{"split", (*world).split},
		{"merge", (*world).merge},
		{"resize", (*world).resize},
		{"advance", (*world).advance},
		{"advance", (*world).advance},
		{"retention", (*world).setRetention},
		{"list", (*world).list},
		{"shard", (*world).describeShard},
		{"cursor", (*world).openCursor},
		{"read cursor", (*world).readCursor},
		{"read cursor", (*world).readCursor},
		{"iterator", (*world).openIterator},
		{"get", (*world).get},
		{"get", (*world).get},
		{"reader", (*world).openReader},
		{"read reader", (*world).readReader},
		{"read reader", (*world).readReader},
		{"records", (*world).records},
		{"shard records", (*world).shardRecords},
		{"trim", (*world).trim},
		{"cancelled", (*world).cancelled},
		{"flood", (*world).flood},
		{"close", (*world).close},
	}
}

// args are the seven bytes that follow the operation's, and after them random
// ones that depend on the step.
type args struct {
	bytes []byte
	more  *rand.PCG
}

func newArgs(step []byte) *args {
	var seed [stepSize]byte
	copy(seed[:], step)
	return &args{bytes: step, more: rand.NewPCG(binary.LittleEndian.Uint64(seed[:]), 0)}
}

// pick is a number below n.
func (a *args) pick(n int) int {
	if len(a.bytes) > 0 {
		b := a.bytes[0]
		a.bytes = a.bytes[1:]
		return int(b) % n
	}
	return int(a.more.Uint64() % uint64(n))
}

// one is one of some values.
func one[T any](a *args, values ...T) T { return values[a.pick(len(values))] }

// world is a stream, its oracle, and what reads them.
type world struct {
	arg   *args
	clock *clock.Manual
	real  *stream.Stream
	model *model.Stream

	refuses  bool
	looks    int  // after every step, or after one in so many: to look can put right what is done late
	thorough bool // to look is to read all shards, after which no buffer is used twice
	observed bool
	puts     int // seen by the hook
	stored   int
	bytes    uint64 // of keys and data, stored
	largest  int64  // of the records stored, with overhead

	numbers   map[*model.Record]stream.SequenceNumber // as receipts gave them
	infos     map[*model.Shard]stream.ShardInfo       // that were right
	ends      map[*model.Shard]*shard.EndOfShardError // likewise
	buf       []stream.Record
	cursors   [3]cursorPair
	readers   [2]readerPair
	iterators [3]stream.Iterator
	held      []heldRecord
	serial    int

	log    []string
	failed []string
}

type cursorPair struct {
	real  *stream.Cursor
	model *model.Cursor
}

type readerPair struct {
	real  *stream.Reader
	model *model.Reader
}

// heldRecord is a record that a reader was given, and what it must stay (I8).
type heldRecord struct {
	real stream.Record
	want *model.Record
}

// Bounds that keep a program short.
const (
	mostHeld   = 4000
	mostShards = 400
	mostStored = 4000
)

// newWorld reads the configuration from the first step of a program.
func newWorld(program []byte) *world {
	a := newArgs(program[:min(stepSize, len(program))])
	w := &world{
		clock:    clock.NewManual(time.UnixMilli(1700000000_123)),
		numbers:  map[*model.Record]stream.SequenceNumber{},
		infos:    map[*model.Shard]stream.ShardInfo{},
		ends:     map[*model.Shard]*shard.EndOfShardError{},
		buf:      make([]stream.Record, 1000),
		arg:      a,
		thorough: a.pick(2) == 0,
		looks:    one(a, 1, 1, 8),
	}
	cfg := stream.Config{
		Clock:           w.clock,
		Shards:          one(a, 1, 2, 3, 4, 5, 16),
		Retention:       one(a, time.Second, time.Minute, time.Hour, 24*time.Hour),
		MaxBytes:        one[int64](a, 0, 0, 0, 1<<10, 8<<10, 100_000, 300_000),
		AtMaxBytes:      one(a, stream.TrimOldest, stream.TrimOldest, stream.Refuse),
		MaxRecordBytes:  4096,
		MaxBatchRecords: 20,
		MaxBatchBytes:   16 << 10,
		MaxShards:       one(a, 16, 40),
	}
	w.refuses = cfg.AtMaxBytes == stream.Refuse
	if w.observed = a.pick(2) == 1; w.observed {
		cfg.MeasureLatency = true
		cfg.Hooks = &stream.Hooks{AfterPut: func(_ context.Context, _ stream.PutEvent, r stream.PutResult) {
			if r.Err == nil {
				w.puts++
			}
		}}
	}
	var err error
	w.real, err = stream.New("model", cfg)
	require.NoError(w, err)
	w.model = model.New(model.Config{
		Shards:          cfg.Shards,
		Retention:       cfg.Retention.Milliseconds(),
		MinRetention:    1,
		MaxRetention:    stream.MaxRetention.Milliseconds(),
		MaxRecordBytes:  cfg.MaxRecordBytes,
		MaxBatchRecords: cfg.MaxBatchRecords,
		MaxBatchBytes:   cfg.MaxBatchBytes,
		MaxShards:       cfg.MaxShards,
		MaxBytes:        cfg.MaxBytes,
		Overhead:        shard.RecordOverhead,
	}, w.now())
	w.logf("%+v", cfg)
	return w
}

// modelFailure ends a program.
type modelFailure struct{}

// Errorf and FailNow make w a require.TestingT.
func (w *world) Errorf(format string, args ...any) {
	w.failed = append(w.failed, fmt.Sprintf(format, args...))
}

func (w *world) FailNow() { panic(modelFailure{}) }

func (w *world) logf(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

func (w *world) describe() string {
	const most = 40
	return strings.Join(w.log[max(0, len(w.log)-most):], "\n") + "\n" + strings.Join(w.failed, "\n")
}

func (w *world) now() int64 { return w.clock.Now().UnixMilli() }

// ctx never ends: a program does not belong to one test.
func (w *world) ctx() context.Context { return context.Background() }

// Conversions at the border.

func toKey(n *big.Int) hashkey.Key {
	var b [16]byte
	n.FillBytes(b[:])
	return hashkey.FromBytes(b)
}

func millis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// kind is the model's word for an error of the library.
func (w *world) kind(err error) model.Kind {
	if err == nil {
		return model.OK
	}
	if number, ok := errors.AsType[*shard.SequenceNumberError](err); ok {
		require.ErrorIs(w, err, stream.ErrSequenceNumber)
		return map[shard.SequenceNumberReason]model.Kind{
			shard.Malformed:   model.Malformed,
			shard.OtherShard:  model.OtherShard,
			shard.OtherStream: model.OtherStream,
			shard.PastEnd:     model.PastEnd,
		}[number.Reason]
	}
	if errors.Is(err, stream.ErrEndOfShard) {
		return model.EndOfShard
	}
	for target, kind := range map[error]model.Kind{
		stream.ErrPartitionKey:   model.PartitionKey,
		stream.ErrRecordTooLarge: model.RecordTooLarge,
		stream.ErrBatchTooLarge:  model.BatchTooLarge,
		stream.ErrFull:           model.Full,
		stream.ErrShardNotFound:  model.ShardNotFound,
		stream.ErrShardClosed:    model.ShardClosed,
		stream.ErrSplit:          model.Split,
		stream.ErrNotAdjacent:    model.NotAdjacent,
		stream.ErrShardCount:     model.ShardCount,
		stream.ErrRetention:      model.Retention,
		stream.ErrTimestamp:      model.Future,
		stream.ErrPosition:       model.Position,
		stream.ErrLimit:          model.Limit,
		stream.ErrFilter:         model.Filter,
		stream.ErrClosed:         model.Closed,
	} {
		if errors.Is(err, target) {
			return kind
		}
	}
	require.NoError(w, err, "an error of no known kind")
	return model.OK
}

func (w *world) requireKind(want model.Kind, err error) {
	if want != model.OK && w.model.Closed && errors.Is(err, stream.ErrClosed) {
		return // whatever else is wrong
	}
	require.Equal(w, want, w.kind(err), "error: %v", err)
}

// Choices.

// entry makes up a record, now and then one that cannot be put.
func (w *world) entry() model.Entry {
	a := w.arg
	w.serial++
	var e model.Entry
	switch n := a.pick(40); n {
	case 0:
		e.Key = ""
	case 1:
		e.Key = strings.Repeat("\u00e9", 257)
	case 2:
		e.Key = strings.Repeat("\U0001f600", 256)
	case 3:
		e.Key = "\xff\xfe"
	case 4:
		e.Key = fmt.Sprint("new-", w.serial)
	default:
		e.Key = fmt.Sprint("key-", n%12)
	}
	size := one(a, 0, 1, 17, 100, 100, 500, 1500, 3000, 4096-len(e.Key), 4097)
	content := fmt.Sprintf("%d,", w.serial)
	e.Data = []byte(strings.Repeat(content, size/len(content)+1)[:max(0, size)])
	if a.pick(4) == 0 {
		e.HashKey = w.hashKey()
	}
	return e
}

// hashKey is a key on or beside a border, or any.
func (w *world) hashKey() *big.Int {
	sh := one(w.arg, w.model.OpenShards()...)
	switch w.arg.pick(8) {
	case 0:
		return new(big.Int)
	case 1:
		return model.MaxKey()
	case 2:
		return sh.Start
	case 3:
		return sh.End
	case 4:
		return new(big.Int).Rsh(new(big.Int).Add(sh.Start, sh.End), 1)
	case 5: // just beside, where there is something
		n := new(big.Int).Add(sh.Start, big.NewInt(int64(w.arg.pick(4))))
		return minInt(n, model.MaxKey())
	case 6:
		n := new(big.Int).Sub(sh.End, big.NewInt(int64(w.arg.pick(4))))
		return maxInt(n, new(big.Int))
	default:
		return model.HashKey(fmt.Sprint(w.arg.pick(256)))
	}
}

func minInt(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func maxInt(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

func toEntry(e model.Entry) stream.Entry {
	out := stream.Entry{PartitionKey: e.Key, Data: e.Data}
	if e.HashKey != nil {
		key := toKey(e.HashKey)
		out.ExplicitHashKey = &key
	}
	return out
}

// shardID is the ID of a shard: most often an open one, at times a closed or
// expired one, written oddly, or no shard's at all.
func (w *world) shardID() string {
	index := w.arg.pick(len(w.model.Shards) + 1)
	if w.arg.pick(4) > 0 {
		index = one(w.arg, w.model.OpenShards()...).Index
	}
	switch w.arg.pick(12) {
	case 0:
		return fmt.Sprintf("shardId-%d", index)
	case 1:
		return fmt.Sprintf("%d", index)
	case 2:
		return one(w.arg, "", "shardId", "shardId-x", "shardId-", "shardId--1", "nonsense", "shardId-99999999999999999999")
	}
	return shard.ID(int32(index))
}

// moment is a point in time that something depends on.
func (w *world) moment() int64 {
	m := w.model
	at := m.Now
	sh := m.Shards[w.arg.pick(len(m.Shards))]
	switch w.arg.pick(7) {
	case 0:
		at = m.Created
	case 1:
		at = sh.Created
	case 2:
		at = sh.ClosedAt
	case 3:
		at = m.Now - m.Config.Retention
	case 4:
		if len(sh.Records) > 0 {
			at = sh.Records[w.arg.pick(len(sh.Records))].Arrival
		}
	case 5:
		at = 0
	}
	return at + int64(w.arg.pick(3)-1)
}

// number is a sequence number: of a record of the shard with the ID, most
// often, and else one that is special or wrong.
func (w *world) number(id string) *big.Int {
	sh, kind := w.model.Find(id)
	if kind != model.OK {
		sh = w.model.Shards[w.arg.pick(len(w.model.Shards))]
	}
	arrival := sh.Created/1000 + int64(w.arg.pick(3))
	switch w.arg.pick(16) {
	case 0:
		return sh.First()
	case 1:
		if !sh.Open {
			return sh.Last()
		}
	case 2:
		return model.Number(sh.Creation, sh.Index, sh.Tail()+uint64(w.arg.pick(3)), arrival)
	case 3:
		return w.model.Shards[w.arg.pick(len(w.model.Shards))].First()
	case 4:
		return model.Number(sh.Creation+1, sh.Index, 1, arrival)
	case 5: // another version
		return new(big.Int).Add(sh.First(), big.NewInt(int64(w.arg.pick(4)-2)))
	case 6:
		return new(big.Int).Lsh(big.NewInt(int64(w.arg.pick(5))), uint(one(w.arg, 0, 64, 122, 123, 124, 184, 185, 186)))
	case 7:
		return model.Number(sh.Creation, sh.Index, one[uint64](w.arg, model.EndIndex, model.EndIndex+1), arrival)
	}
	if len(sh.Records) == 0 {
		return sh.First()
	}
	return sh.Records[w.arg.pick(len(sh.Records))].Number
}

// place is one of the five positions.
func (w *world) place(id string) (model.Place, stream.Position) {
	p := model.Place{From: model.From(w.arg.pick(5))}
	switch p.From {
	case model.FromLatest:
		return p, stream.Latest()
	case model.FromNumber, model.AfterNumber:
		p.Number = w.number(id)
		n, err := shard.ParseSequenceNumber(p.Number.String())
		require.NoError(w, err)
		require.Equal(w, p.Number.String(), n.String())
		if p.From == model.FromNumber {
			return p, stream.AtSequenceNumber(n)
		}
		return p, stream.AfterSequenceNumber(n)
	case model.FromTime:
		p.Time = w.moment()
		return p, stream.AtTimestamp(millis(p.Time))
	default:
		return p, stream.TrimHorizon()
	}
}

// Puts.

func (w *world) put() {
	if w.stored > mostStored {
		return
	}
	e := w.entry()
	data := append([]byte(nil), e.Data...)
	given := toEntry(e)
	given.Data = data
	before := w.used()
	receipt, err := w.real.Put(w.ctx(), given)
	for i := range data {
		data[i] = '!' // Put copies (I8)
	}
	r := w.putOne(e, before, receipt, err)
	if r != nil {
		w.settle(before, r)
	}
}

func (w *world) batch() {
	entries := make([]model.Entry, w.arg.pick(24))
	w.putAll(entries)
}

// flood puts enough for segments to fill and bounds to be reached.
func (w *world) flood() {
	entries := make([]model.Entry, 20)
	for range 1 + w.arg.pick(6) {
		w.putAll(entries)
	}
}

func (w *world) putAll(entries []model.Entry) {
	if w.stored > mostStored {
		return
	}
	given := make([]stream.Entry, len(entries))
	for i := range entries {
		entries[i] = w.entry()
		given[i] = toEntry(entries[i])
	}
	before := w.used()
	result, err := w.real.PutBatch(w.ctx(), given)
	want := w.model.AdmitBatch(entries)
	w.requireKind(want, err)
	if want != model.OK {
		return
	}
	require.Len(w, result.Results, len(entries))
	var stored []*model.Record
	failed, all := 0, int64(0)
	for i, r := range result.Results {
		if r.Err != nil {
			failed++
		} else {
			all += w.model.Need(entries[i])
		}
	}
	used := before
	if len(w.model.Shards) > 1 {
		used += all // the batch goes in shard by shard, not in its own order
	}
	for i, r := range result.Results {
		if rec := w.putOne(entries[i], used, r.Receipt, r.Err); rec != nil {
			stored = append(stored, rec)
			if len(w.model.Shards) == 1 {
				used += w.model.Need(entries[i])
			}
		}
	}
	require.Equal(w, failed, result.Failed)
	if len(stored) > 0 {
		w.settle(before, stored...)
	}
}

// putOne compares what became of one entry, with at most used bytes taken
// before it, and returns the record if it was stored.
func (w *world) putOne(e model.Entry, used int64, receipt stream.Receipt, err error) *model.Record {
	want := w.model.Admit(e)
	if want == model.OK && w.bounded() && w.refuses {
		accept, refuse := w.model.Room(w.model.Need(e), max(used, w.model.Bytes()), w.idle())
		if w.kind(err) == model.Full {
			require.True(w, refuse, "refused at %d of %d bytes: %v", used, w.model.MaxBytes, err)
			return nil
		}
		require.True(w, accept, "stored beyond the bound of %d", w.model.MaxBytes)
	}
	w.requireKind(want, err)
	if want != model.OK {
		require.Zero(w, receipt)
		return nil
	}
	r, _ := w.model.Put(e)
	require.Equal(w, shard.ID(int32(r.Shard.Index)), receipt.ShardID)
	require.Equal(w, r.Number.String(), receipt.SequenceNumber.String())
	w.numbers[r] = receipt.SequenceNumber
	w.stored++
	w.bytes += uint64(len(r.Key) + len(r.Data))
	w.largest = max(w.largest, w.model.Need(e))
	return r
}

func (w *world) bounded() bool { return w.model.MaxBytes > 0 }

// idle is how many bytes of the bound may lie idle in shards that have drawn
// them: none with one shard, else chunks, and in each shard what is left where a
// large record was trimmed for a smaller one.
func (w *world) idle() int64 {
	if len(w.model.Shards) == 1 {
		return 0
	}
	return w.model.MaxBytes/16 + int64(len(w.model.OpenShards()))*w.largest
}

// used is how many bytes are taken, which expired records may be among.
func (w *world) used() int64 {
	if !w.bounded() {
		return 0
	}
	used := w.real.Stats().MemoryBytes
	if len(w.model.Shards) == 1 {
		used = w.model.Bytes() // the shard that is put to expires its own
	}
	return used
}

// settle takes over what was trimmed to make room for records that were put
// when used bytes were taken, and judges it (I7, I10).
func (w *world) settle(used int64, stored ...*model.Record) {
	if !w.bounded() {
		return
	}
	need := int64(0)
	for _, r := range stored {
		need += w.size(r)
	}
	stats := w.real.Stats()
	require.LessOrEqual(w, stats.MemoryBytes, w.model.MaxBytes, "I10")
	early := map[*model.Shard][]*model.Record{}
	for _, st := range stats.Shards {
		sh, _ := w.model.Find(st.ShardID)
		if sh == nil {
			continue // expired, but nobody has noticed yet
		}
		require.LessOrEqual(w, st.TrimmedRecords, uint64(len(sh.Records)))
		horizon := sh.Horizon
		if n := w.model.Trimmed(sh, st.TrimmedRecords); n > 0 {
			early[sh] = sh.Records[horizon-1:][:n]
		}
	}
	if len(early) == 0 {
		return
	}
	require.False(w, w.refuses, "trimmed before its time (I7)")
	require.Greater(w, used+need, w.model.MaxBytes-w.idle(), "trimmed without need")
	slack := min(4096, w.model.MaxBytes/256) + 2*w.largest
	require.GreaterOrEqual(w, stats.MemoryBytes, w.model.MaxBytes-slack-2*w.idle(), "trimmed more than was needed")

	// Oldest first: of each shard that was trimmed, only the last portion may be
	// younger than what is left of the others.
	oldest := w.model.Now
	for _, sh := range w.model.Shards {
		if live := sh.Live(); len(live) > 0 {
			oldest = min(oldest, live[0].Arrival+1) // a millisecond's grace
		}
	}
	for sh, records := range early {
		require.LessOrEqual(w, records[0].Arrival, oldest, "shard %d was trimmed, though there are older records", sh.Index)
		young := int64(0)
		for _, r := range records {
			if r.Arrival > oldest {
				young += w.size(r)
			}
		}
		require.LessOrEqual(w, young, slack, "so much of shard %d was trimmed, though there are older records", sh.Index)
	}
}

func (w *world) size(r *model.Record) int64 {
	return int64(len(r.Key)+len(r.Data)) + w.model.Overhead
}

// Resharding.

func (w *world) split() {
	if len(w.model.Shards) > mostShards {
		return
	}
	id, at := w.shardID(), w.hashKey()
	w.logf("  %q at %s", id, at)
	next := len(w.model.Shards)
	lower, upper, err := w.real.Split(w.ctx(), id, toKey(at))
	want := w.model.Split(id, at)
	w.requireKind(want, err)
	if want == model.OK {
		w.sameInfo(w.model.Shards[next], lower)
		w.sameInfo(w.model.Shards[next+1], upper)
	}
}

func (w *world) merge() {
	if len(w.model.Shards) > mostShards {
		return
	}
	first, second := w.shardID(), w.shardID()
	if open := w.model.OpenShards(); len(open) > 1 && w.arg.pick(4) > 0 {
		i := w.arg.pick(len(open) - 1)
		first, second = shard.ID(int32(open[i].Index)), shard.ID(int32(open[i+1].Index))
		if w.arg.pick(8) == 0 {
			first, second = second, first
		}
	}
	w.logf("  %q and %q", first, second)
	merged, err := w.real.Merge(w.ctx(), first, second)
	want := w.model.Merge(first, second)
	w.requireKind(want, err)
	if want == model.OK {
		w.sameInfo(w.model.Shards[len(w.model.Shards)-1], merged)
	}
}

func (w *world) resize() {
	if len(w.model.Shards) > mostShards {
		return
	}
	n := w.arg.pick(w.model.MaxShards + 2)
	w.logf("  to %d", n)
	w.requireKind(w.model.Resize(n), w.real.Resize(w.ctx(), n))
}

// Time.

func (w *world) advance() {
	m := w.model
	ms := one(w.arg, 1, 10, 999, 1000, 5000, m.Config.Retention/4, m.Config.Retention, m.Config.Retention+1, -1)
	if ms < 0 { // until the oldest record of some shard is just within retention
		ms = 0
		if live := one(w.arg, m.Shards...).Live(); len(live) > 0 {
			ms = max(0, live[0].Arrival+m.Config.Retention-m.Now)
		}
	}
	w.logf("  by %d ms", ms)
	w.clock.Advance(time.Duration(ms) * time.Millisecond)
	m.Advance(ms)
}

func (w *world) setRetention() {
	m := w.model
	ms := one(w.arg, 1, 1000, 60_000, 3600_000, m.Config.Retention, m.Config.Retention-1, m.Config.Retention+1,
		m.Config.Retention/2, m.MaxRetention, m.MaxRetention+1, 0, -1)
	d := time.Duration(ms) * time.Millisecond
	var err error
	least, most := int64(0), m.MaxRetention
	switch w.arg.pick(3) {
	case 0:
		least = m.Config.Retention
		err = w.real.IncreaseRetention(d)
	case 1:
		most = m.Config.Retention
		err = w.real.DecreaseRetention(d)
	default:
		err = w.real.SetRetention(d)
	}
	w.logf("  to %d ms of %d to %d", ms, least, most)
	w.requireKind(m.SetRetention(ms, least, most), err)
	require.Equal(w, m.Config.Retention, w.real.Retention().Milliseconds())
}

// trim has the stream trim what it would only trim when it is used, after which
// its accounts are those of the records that can be read (I7).
func (w *world) trim() {
	w.real.Trim()
	if w.model.Closed {
		return
	}
	stats := w.real.Stats()
	live := uint64(0)
	for _, sh := range w.model.Shards {
		live += uint64(len(sh.Live()))
	}
	listed, _ := w.model.List(-1, 1<<20, model.FromTrimHorizon, 0)
	require.Len(w, stats.Shards, len(listed))
	for i, sh := range listed {
		w.sameInfo(sh, stats.Shards[i].ShardInfo)
		require.Equal(w, uint64(len(sh.Live())), stats.Shards[i].Records)
		require.Equal(w, sh.Horizon-1, stats.Shards[i].TrimmedRecords)
	}
	require.Equal(w, live, stats.Records)
	require.Equal(w, w.model.Bytes(), stats.MemoryBytes)
	require.Equal(w, uint64(w.stored)-live, stats.TrimmedRecords)
	require.Equal(w, uint64(w.stored), stats.IncomingRecords)
	require.Equal(w, w.bytes, stats.IncomingBytes)
	require.Equal(w, w.model.Bytes()-int64(live)*w.model.Overhead, stats.Bytes)
	require.Equal(w, len(w.model.OpenShards()), stats.OpenShards)
	if w.observed {
		require.Equal(w, w.stored, w.puts)
	}
}

// Listing.

func (w *world) list() {
	after, limit, filter, at := "", one(w.arg, 0, 1, 2, 3, 7, 1000, 10000, -1, 10001), w.arg.pick(6), w.moment()
	if w.arg.pick(3) == 0 {
		after = w.shardID()
	}
	w.logf("  after %q, %d, filter %d at %d", after, limit, filter, at)
	page, err := w.real.ListShards(w.ctx(), stream.ListShardsRequest{
		After:      after,
		MaxResults: limit,
		Filter:     stream.ShardFilter{Type: stream.ShardFilterType(filter), Timestamp: millis(at)},
	})
	index, ok := -1, true
	if after != "" {
		index, ok = model.ParseID(after)
	}
	switch {
	case limit < 0 || limit > 10000:
		w.requireKind(model.Limit, err)
		return
	case !ok:
		w.requireKind(model.ShardNotFound, err)
		return
	case filter > int(model.FromTimestamp):
		w.requireKind(model.Filter, err)
		return
	case limit == 0:
		limit = 1000
	}
	require.NoError(w, err)
	want, more := w.model.List(index, limit, model.FilterType(filter), at)
	w.sameInfos(want, page.Shards)
	if more {
		require.Equal(w, page.Shards[len(page.Shards)-1].ID, page.Next)
	} else {
		require.Empty(w, page.Next)
	}
}

func (w *world) describeShard() {
	id := w.shardID()
	info, err := w.real.Shard(id)
	sh, kind := w.model.Find(id)
	w.requireKind(kind, err)
	if kind == model.OK {
		w.sameInfo(sh, info)
	}
	key := w.hashKey()
	w.sameInfo(w.model.Route(key), w.real.Route(toKey(key)))
}

func (w *world) sameInfos(want []*model.Shard, got []stream.ShardInfo) {
	require.Len(w, got, len(want))
	for i := range want {
		w.sameInfo(want[i], got[i])
	}
}

func (w *world) sameInfo(want *model.Shard, got stream.ShardInfo) {
	if w.infos[want] == got && want.Open == got.Open() {
		return // as it was found right before
	}
	info := stream.ShardInfo{
		ID:                     shard.ID(int32(want.Index)),
		HashKeyRange:           hashkey.Range{Start: toKey(want.Start), End: toKey(want.End)},
		StartingSequenceNumber: got.StartingSequenceNumber,
		EndingSequenceNumber:   got.EndingSequenceNumber,
		Created:                millis(want.Created),
	}
	if len(want.Parents) > 0 {
		info.ParentID = shard.ID(int32(want.Parents[0].Index))
	}
	if len(want.Parents) > 1 {
		info.AdjacentParentID = shard.ID(int32(want.Parents[1].Index))
	}
	last := new(big.Int)
	if !want.Open {
		info.Closed = millis(want.ClosedAt)
		last = want.Last()
	}
	require.Equal(w, info, got)
	require.Equal(w, want.Open, got.Open())
	require.Equal(w, want.First().String(), got.StartingSequenceNumber.String())
	require.Equal(w, last.String(), got.EndingSequenceNumber.String())
	w.infos[want] = got
}

// Reading.

func (w *world) openCursor() {
	id := w.shardID()
	place, pos := w.place(id)
	w.logf("  %q at %+v", id, place)
	got, err := w.real.Cursor(id, pos)
	want, kind := w.model.Cursor(id, place)
	w.requireKind(kind, err)
	if kind != model.OK {
		return
	}
	if w.arg.pick(2) == 0 {
		w.sameLag(want, got.Lag())
	}
	w.cursors[w.arg.pick(len(w.cursors))] = cursorPair{got, want}
}

func (w *world) readCursor() {
	c := w.cursors[w.arg.pick(len(w.cursors))]
	if c.real == nil {
		return
	}
	if w.arg.pick(8) == 0 {
		w.sameLag(c.model, c.real.Lag())
	}
	w.readBoth(c, one(w.arg, 0, 1, 2, 10, 100, 1000), w.arg.pick(3) == 0)
}

// readBoth reads with a cursor on both sides, if it can without waiting by
// Next, and reports whether there is more to read.
func (w *world) readBoth(c cursorPair, limit int, next bool) bool {
	if c.model.Stream.Closed && c.model.Shard.Expired {
		return false // nothing there, whatever the error
	}
	want, kind := c.model.Read(limit)
	if kind == model.OK && len(want) == 0 {
		next = false
	}
	read := c.real.Read
	if next {
		read = c.real.Next
	}
	buf := w.buf[:limit]
	n, err := read(w.ctx(), buf)
	if kind != model.OK || err != nil {
		w.requireKind(kind, err)
	}
	w.sameRecords(want, buf[:n])
	if c.model.Missed != c.real.Missed() {
		require.Equal(w, c.model.Missed, c.real.Missed(), "missed (I7)")
	}
	w.sameLag(c.model, c.real.Lag())
	if end, ok := errors.AsType[*shard.EndOfShardError](err); ok {
		w.sameEnd(c.model.Shard, end)
	}
	return n > 0
}

func (w *world) sameEnd(sh *model.Shard, end *shard.EndOfShardError) {
	if w.ends[sh] == end {
		return // the one that was found right before
	}
	require.Equal(w, shard.ID(int32(sh.Index)), end.ShardID)
	require.Equal(w, millis(sh.ClosedAt), end.ClosedAt)
	w.sameChildren(sh, end.Children)
	w.ends[sh] = end
}

func (w *world) sameLag(c *model.Cursor, lag time.Duration) {
	if want := time.Duration(c.Lag()) * time.Millisecond; want != lag && !c.Stream.Closed {
		require.Equal(w, want, lag, "lag")
	}
}

func (w *world) sameChildren(parent *model.Shard, got []shard.ChildShard) {
	require.Len(w, got, len(parent.Children), "I5")
	for i, c := range parent.Children {
		want := shard.ChildShard{
			ShardID:      shard.ID(int32(c.Index)),
			HashKeyRange: hashkey.Range{Start: toKey(c.Start), End: toKey(c.End)},
		}
		for _, p := range c.Parents {
			want.ParentShards = append(want.ParentShards, shard.ID(int32(p.Index)))
		}
		require.Equal(w, want, got[i])
	}
}

func (w *world) sameRecords(want []*model.Record, got []stream.Record) {
	if len(want) != len(got) {
		require.Len(w, got, len(want), "I6")
	}
	for i := range want {
		w.sameRecord(want[i], &got[i])
		w.hold(want[i], got[i])
	}
}

// sameRecord compares without require where that would cost time.
func (w *world) sameRecord(want *model.Record, got *stream.Record) {
	if w.numbers[want] != got.SequenceNumber || want.Key != got.PartitionKey || string(want.Data) != string(got.Data) ||
		got.ArrivalTime != millis(want.Arrival) || got.Data == nil {
		require.Equal(w, stream.Record{
			SequenceNumber: w.numbers[want],
			PartitionKey:   want.Key,
			Data:           want.Data,
			ArrivalTime:    millis(want.Arrival),
		}, *got)
		require.NotNil(w, got.Data)
		require.Fail(w, "records differ")
	}
}

func (w *world) hold(want *model.Record, got stream.Record) {
	if len(w.held) < mostHeld {
		w.held = append(w.held, heldRecord{got, want})
	}
}

func (w *world) openIterator() {
	id := w.shardID()
	place, pos := w.place(id)
	it, err := w.real.Iterator(w.ctx(), id, pos)
	want, kind := w.model.Cursor(id, place)
	w.requireKind(kind, err)
	if kind != model.OK {
		return
	}
	require.Equal(w, fmt.Sprintf("%s:%d", shard.ID(int32(want.Shard.Index)), want.Next), it.String())
	again, err := stream.ParseIterator(it.String())
	require.NoError(w, err)
	require.Equal(w, it, again)
	w.iterators[w.arg.pick(len(w.iterators))] = it
}

func (w *world) get() {
	slot, limit := w.arg.pick(len(w.iterators)), one(w.arg, 0, 1, 5, 50, 10000, -1, 10001)
	it := w.iterators[slot]
	got, err := w.real.Get(w.ctx(), it, limit)
	if limit < 0 || limit > stream.MaxGet {
		w.requireKind(model.Limit, err)
		return
	}
	if limit == 0 {
		limit = stream.MaxGet
	}
	if it == (stream.Iterator{}) {
		require.ErrorIs(w, err, stream.ErrIterator)
		return
	}
	sh, kind := w.model.Find(it.ShardID())
	if kind == model.OK && w.model.Closed {
		kind = model.Closed
	}
	w.requireKind(kind, err)
	if kind != model.OK {
		return
	}
	index := uint64(0)
	_, err = fmt.Sscanf(it.String(), shard.ID(int32(sh.Index))+":%d", &index)
	require.NoError(w, err)
	c := &model.Cursor{Stream: w.model, Shard: sh, Next: index}
	records, _ := c.Read(limit)
	w.sameRecords(records, got.Records)
	require.Equal(w, c.Missed, got.Missed)
	w.sameLag(c, got.Lag)
	require.Equal(w, c.AtEnd(), got.AtEnd())
	if got.AtEnd() {
		w.sameChildren(sh, got.Children)
		return
	}
	require.Empty(w, got.Children)
	require.Equal(w, fmt.Sprintf("%s:%d", shard.ID(int32(sh.Index)), c.Next), got.Next.String())
	if w.arg.pick(4) > 0 {
		w.iterators[slot] = got.Next
	}
}

// streamPlace is a position for a whole stream, now and then one that is none.
func (w *world) streamPlace() (model.Place, stream.Position) {
	switch w.arg.pick(8) {
	case 0, 1:
		return model.Place{From: model.FromLatest}, stream.Latest()
	case 2, 3:
		at := w.moment()
		return model.Place{From: model.FromTime, Time: at}, stream.AtTimestamp(millis(at))
	case 4:
		return model.Place{From: model.FromNumber}, stream.AtSequenceNumber(stream.SequenceNumber{})
	default:
		return model.Place{}, stream.TrimHorizon()
	}
}

func (w *world) openReader() {
	place, pos := w.streamPlace()
	w.logf("  at %+v", place)
	got, err := w.real.Reader(pos)
	want, kind := w.model.Reader(place)
	w.requireKind(kind, err)
	if kind != model.OK {
		return
	}
	slot := w.arg.pick(len(w.readers))
	if old := w.readers[slot].real; old != nil {
		old.Close()
		old.Close()
	}
	w.readers[slot] = readerPair{got, want}
}

func (w *world) readReader() {
	r := w.readers[w.arg.pick(len(w.readers))]
	if r.real == nil {
		return
	}
	buf := make([]stream.Record, one(w.arg, 0, 1, 2, 10, 100, 1000))
	n, err := r.real.Read(w.ctx(), buf)
	if w.model.Closed && len(buf) > 0 {
		w.requireKind(model.Closed, err)
		return
	}
	require.NoError(w, err)
	w.yielded(r.model, buf[:n])
	if n < len(buf) {
		require.NoError(w, r.model.Drained(), "I6")
		require.Equal(w, r.model.Missed, r.real.Missed(), "missed (I7)")
	}
}

// yielded compares what a reader of the whole stream gave.
func (w *world) yielded(r *model.Reader, got []stream.Record) {
	for i := range got {
		f, err := got[i].SequenceNumber.Fields()
		require.NoError(w, err)
		want, err := r.Yielded(int(f.ShardIndex))
		require.NoError(w, err, "I6")
		w.sameRecord(want, &got[i])
		w.hold(want, got[i])
	}
}

// records iterates over all that is stored.
func (w *world) records() {
	place, pos := w.streamPlace()
	judge, kind := w.model.Reader(place)
	most := one(w.arg, 1<<30, 1<<30, 1, 10)
	for rec, err := range w.real.RecordsToLatest(w.ctx(), pos) {
		if err != nil {
			w.requireKind(kind, err)
			require.NotEqual(w, model.OK, kind)
			return
		}
		w.yielded(judge, []stream.Record{rec})
		if most--; most == 0 {
			return
		}
	}
	require.Equal(w, model.OK, kind, "an iteration without an error")
	require.NoError(w, judge.Drained(), "I6")
}

// shardRecords iterates over a closed shard to its end, or over as much of an
// open one as there is.
func (w *world) shardRecords() {
	id := w.shardID()
	place, pos := w.place(id)
	c, kind := w.model.Cursor(id, place)
	var want []*model.Record
	if kind == model.OK {
		want, _ = c.Read(1 << 20)
		if c.Shard.Open && len(want) == 0 {
			return // it would wait
		}
	}
	var got []stream.Record
	for rec, err := range w.real.ShardRecords(w.ctx(), id, pos) {
		if err != nil {
			w.requireKind(kind, err)
			require.NotEqual(w, model.OK, kind)
			return
		}
		got = append(got, rec)
		if c != nil && c.Shard.Open && len(got) == len(want) {
			break
		}
	}
	require.Equal(w, model.OK, kind, "an iteration without an error")
	w.sameRecords(want, got)
}

// The rest.

// cancelled calls with a context that has ended, which must do nothing.
func (w *world) cancelled() {
	ctx, cancel := context.WithCancel(w.ctx())
	cancel()
	e := stream.Entry{PartitionKey: "k"}
	_, err := w.real.Put(ctx, e)
	require.ErrorIs(w, err, context.Canceled)
	_, err = w.real.PutBatch(ctx, []stream.Entry{e})
	require.ErrorIs(w, err, context.Canceled)
	id := w.shardID()
	_, _, err = w.real.Split(ctx, id, toKey(w.hashKey()))
	require.ErrorIs(w, err, context.Canceled)
	_, err = w.real.Merge(ctx, id, id)
	require.ErrorIs(w, err, context.Canceled)
	require.ErrorIs(w, w.real.Resize(ctx, 1+w.arg.pick(w.model.MaxShards)), context.Canceled)
	_, err = w.real.ListShards(ctx, stream.ListShardsRequest{})
	require.ErrorIs(w, err, context.Canceled)
	_, err = w.real.Iterator(ctx, id, stream.TrimHorizon())
	require.ErrorIs(w, err, context.Canceled)
	_, err = w.real.Open(ctx, id, stream.TrimHorizon())
	require.ErrorIs(w, err, context.Canceled)
	buf := make([]stream.Record, 3)
	for _, c := range w.cursors {
		if c.real != nil {
			_, err = c.real.Read(ctx, buf)
			require.ErrorIs(w, err, context.Canceled)
			_, err = c.real.Next(ctx, buf)
			require.ErrorIs(w, err, context.Canceled)
		}
	}
	for _, r := range w.readers {
		if r.real != nil {
			_, err = r.real.Read(ctx, buf)
			require.ErrorIs(w, err, context.Canceled)
			_, err = r.real.Next(ctx, buf)
			require.ErrorIs(w, err, context.Canceled)
		}
	}
}

func (w *world) close() {
	if w.arg.pick(8) != 0 {
		return // seldom
	}
	require.NoError(w, w.real.Close())
	w.model.Closed = true
}

// compare looks at everything: the list of shards and, in thorough programs,
// every record.
func (w *world) compare() {
	require.Equal(w, len(w.model.OpenShards()), w.real.OpenShards())
	page, err := w.real.ListShards(w.ctx(), stream.ListShardsRequest{})
	require.NoError(w, err)
	require.Empty(w, page.Next)
	want, _ := w.model.List(-1, 1<<20, model.FromTrimHorizon, 0)
	w.sameInfos(want, page.Shards)
	if w.thorough {
		w.compareRecords()
	}
}

// compareRecords reads every shard.
func (w *world) compareRecords() {
	if w.model.Closed {
		return
	}
	listed, _ := w.model.List(-1, 1<<20, model.FromTrimHorizon, 0)
	for _, sh := range listed {
		id := shard.ID(int32(sh.Index))
		got, err := w.real.Cursor(id, stream.TrimHorizon())
		require.NoError(w, err)
		want, kind := w.model.Cursor(id, model.Place{})
		require.Equal(w, model.OK, kind)
		for pair := (cursorPair{got, want}); w.readBoth(pair, 64, false); {
			continue
		}
	}
}

// finish reads everything once more, and looks at what was read before (I8).
func (w *world) finish() {
	for i := range w.readers {
		if r := w.readers[i]; r.real != nil && !w.model.Closed {
			buf := make([]stream.Record, w.stored+1)
			n, err := r.real.Read(w.ctx(), buf)
			require.NoError(w, err)
			w.yielded(r.model, buf[:n])
			require.NoError(w, r.model.Drained(), "I6")
			require.Equal(w, r.model.Missed, r.real.Missed(), "missed (I7)")
			r.real.Close()
		}
	}
	for _, c := range w.cursors {
		for c.real != nil && !w.model.Closed && w.readBoth(c, 100, false) {
			continue
		}
	}
	w.compareRecords()
	for i := range w.held {
		w.sameRecord(w.held[i].want, &w.held[i].real)
	}
	require.NoError(w, w.real.Close())
	require.NoError(w, w.real.Close())
	require.Zero(w, w.clock.Timers(), "I9")
	_, err := w.real.Put(w.ctx(), stream.Entry{PartitionKey: "k"})
	require.ErrorIs(w, err, stream.ErrClosed)
}

// The same puts give every partition key the same records in the same order,
// however many shards there are, whether they are split and merged on the way,
// put one by one or in batches, and by whatever way they are read.
func TestMetamorphic(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 29))
	entries := make([]stream.Entry, size(3000, 600))
	want := map[string][]string{}
	for i := range entries {
		key := fmt.Sprint("key-", rng.IntN(40))
		data := fmt.Sprintf("%d %s", i, strings.Repeat("x", rng.IntN(100)))
		entries[i] = stream.Entry{PartitionKey: key, Data: []byte(data)}
		if key == "key-7" {
			entries[i].ExplicitHashKey = &hashkey.Key{Hi: 7 << 60}
		}
		want[key] = append(want[key], data)
	}
	writers := map[string]func(ctx context.Context, s *stream.Stream, part []stream.Entry) error{
		"put": func(ctx context.Context, s *stream.Stream, part []stream.Entry) error {
			for _, e := range part {
				if _, err := s.Put(ctx, e); err != nil {
					return err
				}
			}
			return nil
		},
		"batch": func(ctx context.Context, s *stream.Stream, part []stream.Entry) error {
			result, err := s.PutBatch(ctx, part)
			if err == nil && result.Failed > 0 {
				err = fmt.Errorf("%d failed", result.Failed)
			}
			return err
		},
	}
	reshard := func(ctx context.Context, s *stream.Stream, part int) error {
		return s.Resize(ctx, []int{2, 5, 3, 16, 1, 7}[part%6])
	}
	stay := func(context.Context, *stream.Stream, int) error { return nil }
	configs := map[string]stream.Config{
		"one shard":  {Shards: 1},
		"16 shards":  {Shards: 16},
		"16, looked": {Shards: 16, MeasureLatency: true, Hooks: &stream.Hooks{}},
		"bounded":    {Shards: 4, MaxBytes: 1 << 30},
		"limited":    {Shards: 4, Limits: stream.Limits{Shard: shard.Limits{WriteRecords: 1 << 30, ReadBytesPerCall: 500}}},
	}
	for config, cfg := range configs {
		for writer, write := range writers {
			for name, between := range map[string]func(context.Context, *stream.Stream, int) error{"resharded": reshard, "as it is": stay} {
				t.Run(strings.Join([]string{config, writer, name}, ", "), func(t *testing.T) {
					t.Parallel()
					s, err := stream.New("metamorphic", cfg)
					require.NoError(t, err)
					defer s.Close()
					const part = 150
					for i := 0; i < len(entries); i += part {
						require.NoError(t, write(t.Context(), s, entries[i:i+part]))
						require.NoError(t, between(t.Context(), s, i/part))
					}
					for reader, read := range metamorphicReaders() {
						got := map[string][]string{}
						require.NoError(t, read(t.Context(), s, func(rec stream.Record) {
							got[rec.PartitionKey] = append(got[rec.PartitionKey], string(rec.Data))
						}), reader)
						require.Equal(t, want, got, reader)
					}
				})
			}
		}
	}
}

// metamorphicReaders are the ways to read all that is stored, parents before
// their children.
func metamorphicReaders() map[string]func(context.Context, *stream.Stream, func(stream.Record)) error {
	all := func(ctx context.Context, s *stream.Stream, read func(id string) error) error {
		page, err := s.ListShards(ctx, stream.ListShardsRequest{})
		for _, info := range page.Shards { // children have higher IDs
			if err == nil {
				err = read(info.ID)
			}
		}
		return err
	}
	return map[string]func(context.Context, *stream.Stream, func(stream.Record)) error{
		"RecordsToLatest": func(ctx context.Context, s *stream.Stream, take func(stream.Record)) error {
			for rec, err := range s.RecordsToLatest(ctx, stream.TrimHorizon()) {
				if err != nil {
					return err
				}
				take(rec)
			}
			return nil
		},
		"Reader": func(ctx context.Context, s *stream.Stream, take func(stream.Record)) error {
			r, err := s.Reader(stream.AtTimestamp(time.UnixMilli(0)))
			if err != nil {
				return err
			}
			defer r.Close()
			buf := make([]stream.Record, 3)
			for {
				n, err := r.Read(ctx, buf)
				for _, rec := range buf[:n] {
					take(rec)
				}
				if n == 0 {
					return err
				}
			}
		},
		"cursors": func(ctx context.Context, s *stream.Stream, take func(stream.Record)) error {
			return all(ctx, s, func(id string) error {
				c, err := s.Open(ctx, id, stream.TrimHorizon())
				if err != nil {
					return err
				}
				buf := make([]stream.Record, 100)
				for {
					n, err := c.Read(ctx, buf)
					for _, rec := range buf[:n] {
						take(rec)
					}
					if errors.Is(err, stream.ErrEndOfShard) || n == 0 && err == nil {
						return nil
					}
					if err != nil {
						return err
					}
				}
			})
		},
		"Get": func(ctx context.Context, s *stream.Stream, take func(stream.Record)) error {
			return all(ctx, s, func(id string) error {
				it, err := s.Iterator(ctx, id, stream.TrimHorizon())
				for err == nil {
					var page stream.GetResult
					page, err = s.Get(ctx, it, 70)
					for _, rec := range page.Records {
						take(rec)
					}
					if page.AtEnd() || len(page.Records) == 0 {
						break
					}
					it = page.Next
				}
				return err
			})
		},
	}
}
