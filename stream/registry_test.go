package stream_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
)

func TestRegistryKeepsStreamsByName(t *testing.T) {
	t.Parallel()
	r := stream.NewRegistry()
	_, err := r.Stream("orders")
	require.Equal(t, &stream.NotFoundError{Name: "orders"}, err)

	s, err := r.Create(t.Context(), "orders", stream.Config{Shards: 3})
	require.NoError(t, err)
	require.Equal(t, "orders", s.Name())
	require.Equal(t, 3, s.OpenShards())
	found, err := r.Stream("orders")
	require.NoError(t, err)
	require.Same(t, s, found)

	_, err = r.Create(t.Context(), "orders", stream.Config{})
	require.Equal(t, &stream.ExistsError{Name: "orders"}, err)
	_, err = r.Create(t.Context(), "no name", stream.Config{})
	require.ErrorIs(t, err, stream.ErrName)
	_, err = r.Create(t.Context(), "bad", stream.Config{Shards: -1})
	require.ErrorIs(t, err, stream.ErrConfig)
	_, err = r.Stream("bad")
	require.ErrorIs(t, err, stream.ErrNotFound, "what could not be made is not kept")

	require.NoError(t, r.Delete(t.Context(), "orders"))
	_, err = s.Put(t.Context(), stream.Entry{PartitionKey: "k"})
	require.ErrorIs(t, err, stream.ErrClosed, "a deleted stream is closed")
	require.Equal(t, &stream.NotFoundError{Name: "orders"}, r.Delete(t.Context(), "orders"))
	again, err := r.Create(t.Context(), "orders", stream.Config{})
	require.NoError(t, err)
	require.NotSame(t, s, again)
}

func TestRegistryListsInPages(t *testing.T) {
	t.Parallel()
	r := stream.NewRegistry()
	for _, name := range []string{"b", "a", "B", "a-1", "a.1", "_", "10", "9"} {
		_, err := r.Create(t.Context(), name, stream.Config{})
		require.NoError(t, err)
	}
	all := []string{"10", "9", "B", "_", "a", "a-1", "a.1", "b"} // as bytes sort
	for _, tt := range []struct {
		name string
		req  stream.ListStreamsRequest
		want []string
		more bool
	}{
		{"all", stream.ListStreamsRequest{}, all, false},
		{"the first three", stream.ListStreamsRequest{Limit: 3}, all[:3], true},
		{"three after the third", stream.ListStreamsRequest{After: "B", Limit: 3}, all[3:6], true},
		{"the last two", stream.ListStreamsRequest{After: "a-1", Limit: 2}, all[6:], false},
		{"after a name that does not exist", stream.ListStreamsRequest{After: "a-"}, all[5:], false},
		{"after the last", stream.ListStreamsRequest{After: "b"}, nil, false},
		{"as many as there are", stream.ListStreamsRequest{Limit: 8}, all, false},
		{"as many as can be asked for", stream.ListStreamsRequest{Limit: stream.MaxListStreams}, all, false},
	} {
		page, err := r.List(t.Context(), tt.req)
		require.NoError(t, err, tt.name)
		var got []string
		for _, s := range page.Streams {
			got = append(got, s.Name())
		}
		require.Equal(t, tt.want, got, tt.name)
		require.Equal(t, tt.more, page.HasMore, tt.name)
	}
	for _, limit := range []int{-1, stream.MaxListStreams + 1} {
		_, err := r.List(t.Context(), stream.ListStreamsRequest{Limit: limit})
		require.Equal(t, &stream.LimitError{Limit: limit, Max: 10000}, err)
	}
}

func TestRegistryListsAHundredUnlessAsked(t *testing.T) {
	t.Parallel()
	r := stream.NewRegistry()
	for i := range 101 {
		_, err := r.Create(t.Context(), fmt.Sprint("s-", i), stream.Config{})
		require.NoError(t, err)
	}
	page, err := r.List(t.Context(), stream.ListStreamsRequest{})
	require.NoError(t, err)
	require.Len(t, page.Streams, stream.DefaultListStreams)
	require.True(t, page.HasMore)
}

func TestRegistryHeedsItsContext(t *testing.T) {
	t.Parallel()
	r := stream.NewRegistry()
	_, err := r.Create(t.Context(), "orders", stream.Config{})
	require.NoError(t, err)
	ctx := cancelledContext(t)
	_, err = r.Create(ctx, "other", stream.Config{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = r.List(ctx, stream.ListStreamsRequest{})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, r.Delete(ctx, "orders"), context.Canceled)
	_, err = r.Stream("orders")
	require.NoError(t, err)
}

func TestRegistryClose(t *testing.T) {
	t.Parallel()
	r := stream.NewRegistry()
	s, err := r.Create(t.Context(), "orders", stream.Config{})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())
	_, err = s.Put(t.Context(), stream.Entry{PartitionKey: "k"})
	require.ErrorIs(t, err, stream.ErrClosed)
	_, err = r.Create(t.Context(), "other", stream.Config{})
	require.ErrorIs(t, err, stream.ErrClosed)
}

// Of many who create one name, one does.
func TestRegistryIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	r := stream.NewRegistry()
	var mu sync.Mutex
	made := map[string]int{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 50 {
				name := fmt.Sprint("s-", i)
				if _, err := r.Create(t.Context(), name, stream.Config{}); err == nil {
					mu.Lock()
					made[name]++
					mu.Unlock()
				}
				if s, err := r.Stream(name); err != nil || s.Name() != name {
					t.Errorf("stream %s: %v", name, err)
				}
				if _, err := r.List(t.Context(), stream.ListStreamsRequest{}); err != nil {
					t.Errorf("list: %v", err)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, made, 50)
	for name, n := range made {
		require.Equal(t, 1, n, name)
	}
}
