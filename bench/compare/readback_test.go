package compare

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The benchmarks believe their peers. These tests do not: what was put must come
// back, all of it, unchanged, and in the order of its key.

// readbackCapacity leaves room for a shard that gets most of the records.
const readbackCapacity = 1 << 15

func TestEveryRecordPutIsReadBack(t *testing.T) {
	t.Parallel()
	for _, p := range peers() {
		for _, shards := range []int{1, 8} {
			t.Run(fmt.Sprintf("%s with %d shards", p.name, shards), func(t *testing.T) {
				t.Parallel()
				be := openFor(t, p, shards, readbackCapacity)
				t.Cleanup(func() { closeFor(t, be) })

				put := putNumbered(t, be)
				require.Empty(t, readBack(t, p, be, put))
				if !p.consumes {
					require.Empty(t, readBack(t, p, be, put), "a second reader gets the same")
				}
			})
		}
	}
}

func TestReadBackNoticesALostRecord(t *testing.T) {
	t.Parallel()
	p := chanPeer()
	inner := openFor(t, p, 1, readbackCapacity)
	be := &lossy{backend: inner}
	put := putNumbered(t, be)
	require.NotEmpty(t, readBack(t, p, be, put))
}

func TestAWaitingReaderGetsEachRecordAsItIsPut(t *testing.T) {
	t.Parallel()
	for _, p := range peers() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			be := openFor(t, p, 1, wakeupCapacity)
			t.Cleanup(func() { closeFor(t, be) })
			rd := readerFor(t, be)
			loop := startReadLoop(t.Context(), rd)
			for i := range 50 {
				r := numbered("device", i)
				require.NoError(t, be.put(t.Context(), r))
				select {
				case got := <-loop.arrivals:
					require.NoError(t, got.err)
					require.Equal(t, r.data, got.data)
				case <-time.After(20 * time.Second):
					require.FailNow(t, "the reader still waits", "record %d", i)
				}
			}
			loop.stop.Store(true)
			require.NoError(t, be.put(t.Context(), numbered("device", 50)))
			<-loop.done
			require.NoError(t, rd.close())
		})
	}
}

// numbered is a record that differs from all others of its key.
func numbered(key string, i int) record {
	data := make([]byte, 100)
	binary.BigEndian.PutUint64(data, uint64(i)+1)
	data[len(data)-1] = byte(i)
	return record{key: key, data: data}
}

// putNumbered puts records from several goroutines one by one, then more in
// batches whose size is no divisor of anything, and returns all of them with
// those of a key in the order they were put.
func putNumbered(t *testing.T, be backend) []record {
	t.Helper()
	const producers, each, keys = 4, 200, 16

	var mu sync.Mutex
	var all []record
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				r := numbered(fmt.Sprintf("single-%d-%d", p, i%keys), i)
				if err := be.put(t.Context(), r); err != nil {
					t.Errorf("put: %v", err)
					return
				}
				mu.Lock()
				all = append(all, r)
				mu.Unlock()
			}
		})
	}
	wg.Wait()

	next := 0
	for _, n := range []int{1, putBatchRecords, 137, putBatchRecords, putBatchRecords} {
		batch := make([]record, n)
		for i := range batch {
			batch[i] = numbered(fmt.Sprintf("batch-%d", next%keys), next)
			next++
		}
		require.NoError(t, be.putBatch(t.Context(), batch))
		all = append(all, batch...)
	}
	return all
}

// readBack drains be and says how what came back differs from want.
func readBack(t *testing.T, p peer, be backend, want []record) []string {
	t.Helper()
	// A peer that lost a record may wait for it.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	byKey := make(map[string][]string)
	got := tally{visit: func(key string, data []byte) { byKey[key] = append(byKey[key], string(data)) }}
	rd := readerFor(t, be)
	require.NoError(t, rd.drain(ctx, len(want), &got))
	require.NoError(t, rd.close())

	var wantTally tally
	wantTally.addAll(want)
	var diffs []string
	if got.records != wantTally.records || got.sum != wantTally.sum {
		diffs = append(diffs, fmt.Sprintf("%d records of sum %d, want %d of sum %d",
			got.records, got.sum, wantTally.records, wantTally.sum))
	}
	return append(diffs, compareKeys(byKey, want, p.unordered)...)
}

// compareKeys compares the payloads of each key, as sets if unordered.
func compareKeys(got map[string][]string, want []record, unordered bool) []string {
	wantByKey := make(map[string][]string)
	for _, r := range want {
		wantByKey[r.key] = append(wantByKey[r.key], string(r.data))
	}
	var diffs []string
	for key, payloads := range wantByKey {
		if sameSequence(got[key], payloads, unordered) {
			continue
		}
		diffs = append(diffs, fmt.Sprintf("key %s: %d payloads differ from the %d put", key, len(got[key]), len(payloads)))
	}
	for key := range got {
		if _, ok := wantByKey[key]; !ok {
			diffs = append(diffs, fmt.Sprintf("key %s was never put", key))
		}
	}
	return diffs
}

func sameSequence(got, want []string, unordered bool) bool {
	if unordered {
		got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	}
	return slices.Equal(got, want)
}

// lossy is a peer that claims to have put every record and forgets one.
type lossy struct {
	backend

	once sync.Once
}

func (l *lossy) put(ctx context.Context, r record) error {
	lost := false
	l.once.Do(func() { lost = true })
	if lost {
		return nil
	}
	return l.backend.put(ctx, r)
}
