package shard

import (
	"context"
	"sync"
	"time"

	"github.com/seed-187400e4/millrace/clock"
)

// Watch lets one goroutine wait for news from any number of shards. A shard
// that it is armed on fires once, when a record is appended or the shard is
// closed, and must then be armed again: a busy reader costs its writers
// nothing. Make one with [NewWatch]. Wait is for one goroutine at a time.
type Watch struct {
	news chan struct{} // holds a token while fired is not empty
	solo bool          // for one shard, so that there is nothing to say but that there is news

	mu    sync.Mutex // guards fired
	fired []int
}

// registration is a Watch armed on a shard. It belongs to the shard while it is
// in the shard's waiting list, and to whoever fires it afterwards.
type registration struct {
	watch *Watch
	tag   int
	next  *registration
}

// NewWatch returns a Watch that is armed on nothing.
func NewWatch() *Watch { return &Watch{news: make(chan struct{}, 1)} }

// Wait blocks until a shard has fired, and appends the tags of all that have
// to tags. It returns the error of ctx if that ends first.
func (w *Watch) Wait(ctx context.Context, tags []int) ([]int, error) {
	if err := w.wait(ctx); err != nil {
		return tags, err
	}
	return w.Fired(tags), nil
}

func (w *Watch) wait(ctx context.Context) error {
	done := ctx.Done()
	if done == nil {
		<-w.news
		return nil
	}
	select {
	case <-w.news:
		return nil
	case <-done:
		return ctx.Err()
	}
}

// WaitFor is Wait that also ends, without an error and maybe without tags, when
// d has passed on c or stop is closed.
func (w *Watch) WaitFor(ctx context.Context, c clock.Clock, d time.Duration, stop <-chan struct{}, tags []int) ([]int, error) {
	passed := make(chan struct{})
	timer := c.AfterFunc(d, func() { close(passed) })
	defer timer.Stop()
	select {
	case <-w.news:
	case <-passed:
	case <-stop:
	case <-ctx.Done():
		return tags, ctx.Err()
	}
	return w.Fired(tags), nil
}

// Fired is Wait without waiting: it appends the tags of the shards that have
// fired since the last call.
func (w *Watch) Fired(tags []int) []int {
	w.mu.Lock()
	tags = append(tags, w.fired...)
	w.fired = w.fired[:0]
	w.mu.Unlock()
	return tags
}

func (w *Watch) fire(tag int) {
	if !w.solo {
		w.mu.Lock()
		w.fired = append(w.fired, tag)
		w.mu.Unlock()
	}
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// fireAll wakes the readers of a detached waiting list, which the lock of the
// shard no longer guards. It never blocks.
func (r *registration) fireAll() {
	for r != nil {
		next := r.next // a woken reader may arm r again at once
		r.next = nil
		r.watch.fire(r.tag)
		r = next
	}
}

// arm puts r on the waiting list, or fires it at once if there is news beyond
// index, and reports whether it has to be waited for.
func (s *Shard) arm(r *registration, index uint64) (waits bool) {
	s.mu.Lock()
	fresh := s.tail.Load() > index || s.end.Load() != nil || s.stopped.Load()
	if !fresh {
		r.next = s.waiting
		s.waiting = r
	}
	s.mu.Unlock()
	if fresh {
		r.watch.fire(r.tag)
	}
	return !fresh
}

// disarm takes r off the waiting list. It reports false if r has been detached,
// so that its Watch has been or is about to be fired and r must not be reused.
func (s *Shard) disarm(r *registration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at := &s.waiting; *at != nil; at = &(*at).next {
		if *at == r {
			*at = r.next
			r.next = nil
			return true
		}
	}
	return false
}
