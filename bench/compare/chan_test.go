package compare

import "context"

func chanPeer() peer {
	return peer{
		name:     "chan",
		open:     openChan,
		round:    10_000,
		maxLog:   1 << 16,
		consumes: true,
	}
}

// chanBackend is one buffered channel a shard. It hands records over as they
// are: no copy, no number, no time.
type chanBackend struct {
	router router
	shards []chan record
}

func openChan(shards, capacity int) (backend, error) {
	each := capacity
	if shards > 1 {
		// Keys do not spread evenly, and a full channel would block the put.
		each = capacity/shards*3/2 + 1
	}
	be := &chanBackend{router: newRouter(shards), shards: make([]chan record, shards)}
	for i := range be.shards {
		be.shards[i] = make(chan record, each)
	}
	return be, nil
}

func (be *chanBackend) put(ctx context.Context, r record) error {
	select {
	case be.shards[be.router.shard(r.key)] <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (be *chanBackend) putBatch(ctx context.Context, rs []record) error {
	for _, r := range rs {
		if err := be.put(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (be *chanBackend) reader() (reader, error) { return be, nil }

func (be *chanBackend) drain(_ context.Context, n int, t *tally) error {
	for _, c := range be.shards {
		for t.records < n && len(c) > 0 {
			r := <-c
			t.add(r.data)
			if t.visit != nil {
				t.visit(r.key, r.data)
			}
		}
	}
	return nil
}

func (be *chanBackend) next(ctx context.Context) ([]byte, error) {
	select {
	case r := <-be.shards[0]:
		return r.data, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (be *chanBackend) close() error { return nil }
