package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
)

// put stores the records of a source in the given order.
func put(t *testing.T, src source, order []int) *stream.Stream {
	t.Helper()
	s, err := stream.New("test", stream.Config{Shards: 2})
	require.NoError(t, err)
	for _, i := range order {
		_, err := s.Put(t.Context(), stream.Entry{PartitionKey: src.clients()[src.client(i)], Data: src.data(nil, i)})
		require.NoError(t, err)
	}
	return s
}

func inOrder(src source) []int {
	order := make([]int, src.len())
	for i := range order {
		order[i] = i
	}
	return order
}

func TestVerifierTakesWhatIsRight(t *testing.T) {
	t.Parallel()
	log, _ := parseLog("the built-in log", builtin)
	for _, src := range []source{log, newGenerated(100, 20)} {
		v := newVerifier(src)
		require.NoError(t, v.readBack(t.Context(), put(t, src, inOrder(src))))
		require.Equal(t, src.len(), v.read)

		// Order holds for each client, not between them.
		order := inOrder(src)
		slices.SortStableFunc(order, func(a, b int) int { return src.client(a) - src.client(b) })
		require.NoError(t, newVerifier(src).readBack(t.Context(), put(t, src, order)))
	}
}

// Each way in which a stream could fail shows, in both sources.
func TestVerifierRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	log, _ := parseLog("the built-in log", builtin)
	for _, src := range []source{log, newGenerated(100, 20)} {
		second, ok := src.nth(0, 1)
		require.True(t, ok)
		third, ok := src.nth(0, 2)
		require.True(t, ok)
		for _, tt := range []struct {
			name, want string
			damage     func(order []int) []int
		}{
			{"a pair is swapped", "out of order or altered", func(o []int) []int {
				o[second], o[third] = o[third], o[second]
				return o
			}},
			{"a record is doubled", "out of order or altered", func(o []int) []int {
				return slices.Insert(o, second, second)
			}},
			{"a record is missing in the middle", "out of order or altered", func(o []int) []int {
				return slices.Delete(o, second, second+1)
			}},
			{"the last record is missing", "is missing", func(o []int) []int { return o[:len(o)-1] }},
			{"the last record is doubled", "more records of", func(o []int) []int { return append(o, o[len(o)-1]) }},
			{"nothing came", "read 0 of", func([]int) []int { return nil }},
		} {
			s := put(t, src, tt.damage(inOrder(src)))
			require.ErrorContains(t, newVerifier(src).readBack(t.Context(), s), tt.want, tt.name)
		}
	}
}

func TestVerifierRefusesRecordsOfStrangersAndAlteredOnes(t *testing.T) {
	t.Parallel()
	src := newGenerated(10, 20)
	key := src.clients()[0]
	first, second := stream.Record{PartitionKey: key, Data: src.data(nil, 0)}, stream.Record{PartitionKey: key, Data: src.data(nil, 1)}
	for rec := range put(t, src, inOrder(src)).RecordsToLatest(t.Context(), stream.TrimHorizon()) {
		first.SequenceNumber = rec.SequenceNumber
		break
	}

	v := newVerifier(src)
	require.ErrorContains(t, v.record(stream.Record{PartitionKey: "192.0.2.1"}), `"192.0.2.1", who put none`)
	altered := first
	altered.Data = slices.Concat(first.Data[:19], []byte("!"))
	require.ErrorContains(t, v.record(altered), "altered")
	require.NoError(t, v.record(first))
	second.SequenceNumber = first.SequenceNumber
	require.ErrorContains(t, v.record(second), "not above")
}
