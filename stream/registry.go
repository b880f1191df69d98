package stream

import (
	"context"
	"sync"

	"github.com/google/btree"
)

// Registry keeps streams by name, as an account in a region does. Make one with
// [NewRegistry]; it is safe for concurrent use.
type Registry struct {
	mu      sync.RWMutex // guards the fields below; taken before the lock of a stream
	streams *btree.BTreeG[*named]
	closed  bool
}

// named is a stream under its name; stream is nil in a name to search for.
type named struct {
	name   string
	stream *Stream
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{streams: btree.NewG(btreeDegree, func(a, b *named) bool { return a.name < b.name })}
}

// Create makes a stream and keeps it. Errors: the error of ctx,
// [*ExistsError], [ErrClosed] and those of [New].
func (r *Registry) Create(ctx context.Context, name string, cfg Config) (*Stream, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	if r.streams.Has(&named{name: name}) {
		return nil, &ExistsError{Name: name}
	}
	s, err := New(name, cfg)
	if err != nil {
		return nil, err
	}
	r.streams.ReplaceOrInsert(&named{name: name, stream: s})
	return s, nil
}

// Stream returns the stream of a name, or a [*NotFoundError].
func (r *Registry) Stream(name string) (*Stream, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if found, ok := r.streams.Get(&named{name: name}); ok {
		return found.stream, nil
	}
	return nil, &NotFoundError{Name: name}
}

// Delete takes a stream out of the registry and closes it. Errors: the error of
// ctx, [*NotFoundError].
func (r *Registry) Delete(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	found, ok := r.streams.Delete(&named{name: name})
	r.mu.Unlock()
	if !ok {
		return &NotFoundError{Name: name}
	}
	return found.stream.Close()
}

// ListStreamsRequest asks for a page of streams.
type ListStreamsRequest struct {
	// After is a name, as the service's ExclusiveStartStreamName: only streams
	// whose name is greater are listed. It need not exist.
	After string
	// Limit is 1 to [MaxListStreams]; 0 is [DefaultListStreams].
	Limit int
}

// Bounds of a page of streams.
const (
	DefaultListStreams = 100
	MaxListStreams     = 10000
)

// ListStreamsPage is a page of streams in ascending order of their names.
type ListStreamsPage struct {
	Streams []*Stream
	HasMore bool
}

// List returns a page of the streams. Errors: the error of ctx, [*LimitError].
// It mirrors the service's ListStreams.
func (r *Registry) List(ctx context.Context, req ListStreamsRequest) (ListStreamsPage, error) {
	if err := ctx.Err(); err != nil {
		return ListStreamsPage{}, err
	}
	if req.Limit < 0 || req.Limit > MaxListStreams {
		return ListStreamsPage{}, &LimitError{Limit: req.Limit, Max: MaxListStreams}
	}
	if req.Limit == 0 {
		req.Limit = DefaultListStreams
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	var page ListStreamsPage
	r.streams.AscendGreaterOrEqual(&named{name: req.After}, func(n *named) bool {
		if n.name == req.After {
			return true
		}
		if len(page.Streams) == req.Limit {
			page.HasMore = true
			return false
		}
		page.Streams = append(page.Streams, n.stream)
		return true
	})
	return page, nil
}

// Close closes all streams and refuses new ones. It may be called twice, and
// always returns nil.
func (r *Registry) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.streams.Ascend(func(n *named) bool {
		n.stream.Close()
		return true
	})
	return nil
}
