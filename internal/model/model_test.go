package model_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/internal/model"
)

const (
	start = int64(1700000000_000)
	hour  = int64(3600_000)
)

func newStream(shards int) *model.Stream {
	return model.New(model.Config{
		Shards:          shards,
		Retention:       24 * hour,
		MinRetention:    1,
		MaxRetention:    8760 * hour,
		MaxRecordBytes:  1 << 20,
		MaxBatchRecords: 500,
		MaxBatchBytes:   10 << 20,
		MaxShards:       1000,
		Overhead:        16,
	}, start)
}

func ids(shards []*model.Shard) string {
	var b strings.Builder
	for _, sh := range shards {
		fmt.Fprintf(&b, " %d", sh.Index)
	}
	return strings.TrimSpace(b.String())
}

// The oracle must be right by other witnesses than the code it judges: values
// seen on the service, or computed from its documentation.

func TestEven(t *testing.T) {
	t.Parallel()
	for n, ends := range map[int][]string{
		1: {"340282366920938463463374607431768211455"},
		3: {"113427455640312821154458202477256070484", "226854911280625642308916404954512140969", "340282366920938463463374607431768211455"},
		4: {"85070591730234615865843651857942052863", "170141183460469231731687303715884105727", "255211775190703847597530955573826158591"},
		5: {"68056473384187692692674921486353642290", "136112946768375385385349842972707284581"},
		6: {"56713727820156410577229101238628035241", "113427455640312821154458202477256070483", "170141183460469231731687303715884105725"},
	} {
		next := "0"
		for i, want := range ends {
			first, last := model.Even(n, i)
			require.Equal(t, next, first.String())
			require.Equal(t, want, last.String())
			next = new(big.Int).Add(last, big.NewInt(1)).String()
		}
	}
}

func TestRoute(t *testing.T) {
	t.Parallel()
	require.Equal(t, "16955237001963240173058271559858726497", model.HashKey("a").String())
	for key, shards := range map[string][4]int{ // of 2, 3, 4 and 5
		"a": {0, 0, 0, 0}, "b": {1, 1, 2, 2}, "e": {1, 2, 3, 4}, "f": {1, 1, 2, 2},
		"\u00fc": {1, 2, 3, 3}, "\u65e5\u672c": {0, 0, 1, 1}, "\U0001f600": {0, 0, 0, 0},
	} {
		for i, want := range shards {
			require.Equal(t, want, newStream(i+2).Route(model.HashKey(key)).Index, "key %q, %d shards", key, i+2)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	second := start / 1000
	for _, v := range []struct {
		want     string
		creation int64
		shard    int
		index    uint64
		second   int64
	}{
		{"49646437577108476416916876405825929425585429676275269634", second, 0, 0, second},
		{"49646437577130777162115407028967465143858078037781250066", second, 1, 0, second},
		{"49646437577442987594894835752948965199675155098864976114", second, 15, 0, second},
		{"49646437577108476416916876405825929425585429676275269890", second, 16, 0, second},
		{"49646437577130777162115407028968674069677693010553339922", second, 1, 1, second + 5},
		{"49646437577119626789516141717395488358902146099801227266", second, 0, model.EndIndex, second + 100},
		{"49646437613280285128933547141396864463821078979642654818", second + 101, 6, 0, 0},
		// Seen on the service.
		{"49549167410945534708633744510750617797212193316405248018", 1427390931, 1, 0, 1427390931},
		{"49549167410956685081233009822320176730553508082787287058", 1427390931, 1, model.EndIndex, 1427748984},
		{"49600902273357540915989931256902715169698037101720764562", 1572382897, 9, 0xa1, 1572383427},
	} {
		require.Equal(t, v.want, model.Number(v.creation, v.shard, v.index, v.second).String())
	}
}

func TestPositionByNumber(t *testing.T) {
	t.Parallel()
	s := newStream(2)
	low := big.NewInt(0)
	for range 3 {
		_, kind := s.Put(model.Entry{Key: "k", HashKey: low})
		require.Equal(t, model.OK, kind)
	}
	sh := s.Shards[0]
	next := func(from model.From, n *big.Int) (uint64, model.Kind) {
		c, kind := s.Cursor("0", model.Place{From: from, Number: n})
		if kind != model.OK {
			return 0, kind
		}
		return c.Next, kind
	}
	index, _ := next(model.FromNumber, sh.Records[1].Number)
	require.Equal(t, uint64(2), index)
	index, _ = next(model.AfterNumber, sh.Records[1].Number)
	require.Equal(t, uint64(3), index)
	index, _ = next(model.FromNumber, sh.First())
	require.Equal(t, uint64(1), index)

	_, kind := next(model.FromNumber, s.Shards[1].First())
	require.Equal(t, model.OtherShard, kind)
	_, kind = next(model.FromNumber, model.Number(sh.Creation+1, 0, 1, sh.Creation+1))
	require.Equal(t, model.OtherStream, kind)
	for _, n := range []*big.Int{
		new(big.Int).Add(sh.First(), big.NewInt(1)), // version digit 3
		model.Number(sh.Creation, 0, 1<<63, sh.Creation),
		model.Number(16025175000, 0, 1, sh.Creation),
		new(big.Int).Lsh(big.NewInt(3), 185),
	} {
		_, kind = next(model.FromNumber, n)
		require.Equal(t, model.Malformed, kind, "number %x", n)
	}
	require.Equal(t, model.OK, s.Split("shardId-000000000000", big.NewInt(99)))
	_, kind = next(model.AfterNumber, sh.Last())
	require.Equal(t, model.PastEnd, kind)
	_, kind = next(model.FromNumber, sh.Last())
	require.Equal(t, model.OK, kind)
}

func TestReshard(t *testing.T) {
	t.Parallel()
	s := newStream(2)
	s.Advance(1234)
	mid, _ := new(big.Int).SetString("85070591730234615865843651857942052863", 10)
	require.Equal(t, model.OK, s.Split("shardId-000000000000", mid))
	lower, upper := s.Shards[2], s.Shards[3]
	require.Equal(t, "85070591730234615865843651857942052862", lower.End.String())
	require.Equal(t, "170141183460469231731687303715884105727", upper.End.String())
	require.Equal(t, start/1000+2, lower.Creation, "the closing second and one more")
	require.Equal(t, start+1234, s.Shards[0].ClosedAt)

	require.Equal(t, model.NotAdjacent, s.Merge("3", "2"))
	require.Equal(t, model.NotAdjacent, s.Merge("2", "2"))
	require.Equal(t, model.NotAdjacent, s.Merge("2", "1"))
	require.Equal(t, model.ShardClosed, s.Merge("0", "1"))
	require.Equal(t, model.ShardNotFound, s.Merge("2", "9"))
	require.Equal(t, model.OK, s.Merge("3", "1"))
	merged := s.Shards[4]
	require.Equal(t, "3 1", ids(merged.Parents))
	require.Equal(t, start/1000+3, merged.Creation, "above the parent that was made last")

	for at, want := range map[int64]model.Kind{0: model.Split, 1: model.Split, 2: model.OK} {
		require.Equal(t, want, newStream(1).Split("0", big.NewInt(at)))
	}
	last := model.MaxKey()
	require.Equal(t, model.Split, newStream(1).Split("0", last))
	require.Equal(t, model.OK, newStream(1).Split("0", last.Sub(last, big.NewInt(1))))
}

// The numbers of shards, and the IDs of 4 to 3, are what the service did.
func TestResize(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		from, to, total int
		open            string
	}{
		{2, 4, 6, "2 3 4 5"},
		{4, 2, 6, "4 5"},
		{4, 3, 11, "6 9 10"},
		{4, 5, 15, ""},
		{3, 3, 3, "0 1 2"},
	} {
		s := newStream(v.from)
		require.Equal(t, model.OK, s.Resize(v.to))
		require.Len(t, s.Shards, v.total, "%d to %d", v.from, v.to)
		open := s.OpenShards()
		require.Len(t, open, v.to)
		for i, sh := range open {
			first, last := model.Even(v.to, i)
			require.Zero(t, first.Cmp(sh.Start))
			require.Zero(t, last.Cmp(sh.End))
		}
		if v.open != "" {
			require.Equal(t, v.open, ids(open))
		}
	}
	s := newStream(4)
	require.Equal(t, model.OK, s.Resize(3))
	for child, parents := range map[int]string{4: "1", 5: "1", 6: "0 4", 7: "2", 8: "2", 9: "5 7", 10: "8 3"} {
		require.Equal(t, parents, ids(s.Shards[child].Parents), "shard %d", child)
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	s := newStream(1)
	put := func() {
		_, kind := s.Put(model.Entry{Key: "k"})
		require.Equal(t, model.OK, kind)
	}
	put()
	c, _ := s.Cursor("0", model.Place{})
	s.Advance(hour)
	put()
	s.Advance(23 * hour)
	require.Len(t, s.Shards[0].Live(), 2, "a record as old as the retention stays")
	s.Advance(1)
	require.Len(t, s.Shards[0].Live(), 1)
	require.Equal(t, model.OK, s.SetRetention(48*hour, 0, s.MaxRetention))
	require.Len(t, s.Shards[0].Live(), 1, "what is gone does not come back")
	records, _ := c.Read(10)
	require.Len(t, records, 1)
	require.Equal(t, uint64(1), c.Missed)
	require.Zero(t, c.Lag())

	require.Equal(t, model.OK, s.Split("0", big.NewInt(5)))
	_, kind := c.Read(10)
	require.Equal(t, model.EndOfShard, kind)
	s.Advance(48 * hour)
	require.Equal(t, 48*hour, c.Lag())
	listed, _ := s.List(-1, 10, model.FromTrimHorizon, 0)
	require.Equal(t, "0 1 2", ids(listed))
	listed, _ = s.List(-1, 10, model.AtLatest, 0)
	require.Equal(t, "1 2", ids(listed))
	s.Advance(1)
	listed, more := s.List(-1, 1, model.FromTrimHorizon, 0)
	require.Equal(t, "1", ids(listed))
	require.True(t, more)
	_, kind = s.Cursor("0", model.Place{})
	require.Equal(t, model.ShardNotFound, kind)
}

func TestReader(t *testing.T) {
	t.Parallel()
	s := newStream(1)
	_, _ = s.Put(model.Entry{Key: "k"})
	r, kind := s.Reader(model.Place{})
	require.Equal(t, model.OK, kind)
	require.Error(t, r.Drained())
	require.Equal(t, model.OK, s.Split("0", big.NewInt(5)))
	child, _ := s.Put(model.Entry{Key: "k"})
	_, err := r.Yielded(child.Shard.Index)
	require.Error(t, err, "the parent comes first")
	first, err := r.Yielded(0)
	require.NoError(t, err)
	require.Equal(t, "k", first.Key)
	_, err = r.Yielded(0)
	require.Error(t, err)
	second, err := r.Yielded(child.Shard.Index)
	require.NoError(t, err)
	require.Same(t, child, second)
	require.NoError(t, r.Drained())
	require.Zero(t, r.Missed)
}

func TestParseID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int{
		"shardId-000000000012": 12, "shardId-0": 0, "shard-7": 7, "x-3-y": 3, "5": 5, "-00002147483647": 2147483647,
		"": -1, "shardId-": -1, "5-": -1, "shardId-x": -1, "2147483648": -1, "shardId--1": -1, "+5": -1,
	} {
		index, ok := model.ParseID(id)
		require.Equal(t, want >= 0, ok, "%q", id)
		if ok {
			require.Equal(t, want, index, "%q", id)
		}
	}
}
