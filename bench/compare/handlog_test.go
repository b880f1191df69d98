package compare

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"sync"
	"time"
)

func handlogPeer() peer {
	return peer{
		name:     "handlog",
		open:     openHandlog,
		round:    10_000,
		overhead: 128,
	}
}

// handlog is the log that a program gets when somebody writes one in an
// afternoon: a slice and a mutex a shard.
type handlog struct {
	shards []handlogShard
}

type handlogShard struct {
	mu     sync.Mutex
	grown  *sync.Cond
	seq    uint64
	recs   []handlogRecord
	closed bool
}

type handlogRecord struct {
	seq  uint64
	at   time.Time
	key  string
	data []byte
}

var errHandlogClosed = errors.New("handlog: closed")

func openHandlog(shards, _ int) (backend, error) {
	l := &handlog{shards: make([]handlogShard, shards)}
	for i := range l.shards {
		l.shards[i].grown = sync.NewCond(&l.shards[i].mu)
	}
	return l, nil
}

// shardOf cuts the range of the MD5 into equal parts, which the top 64 bits
// decide.
func (l *handlog) shardOf(key string) *handlogShard {
	sum := md5.Sum([]byte(key))
	i, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), uint64(len(l.shards)))
	return &l.shards[i]
}

func (l *handlog) put(_ context.Context, r record) error {
	data := bytes.Clone(r.data)
	s := l.shardOf(r.key)

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errHandlogClosed
	}
	s.seq++
	s.recs = append(s.recs, handlogRecord{seq: s.seq, at: time.Now(), key: r.key, data: data})
	s.grown.Broadcast()
	return nil
}

func (l *handlog) putBatch(ctx context.Context, rs []record) error {
	for _, r := range rs {
		if err := l.put(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (l *handlog) reader() (reader, error) { return &handlogReader{log: l}, nil }

func (l *handlog) close() error {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		s.closed = true
		s.grown.Broadcast()
		s.mu.Unlock()
	}
	return nil
}

// handlogReader copies records out under the lock and works on them without it.
type handlogReader struct {
	log *handlog
	pos int
}

func (r *handlogReader) drain(_ context.Context, n int, t *tally) error {
	buf := make([]handlogRecord, drainBatch)
	for i := range r.log.shards {
		s := &r.log.shards[i]
		for pos := 0; t.records < n; {
			s.mu.Lock()
			got := copy(buf, s.recs[pos:])
			s.mu.Unlock()
			if got == 0 {
				break
			}
			pos += got
			for _, rec := range buf[:got] {
				t.add(rec.data)
				if t.visit != nil {
					t.visit(rec.key, rec.data)
				}
			}
		}
	}
	return nil
}

// next cannot be given up on: a condition variable knows no context. Closing
// the log ends it.
func (r *handlogReader) next(context.Context) ([]byte, error) {
	s := &r.log.shards[0]
	s.mu.Lock()
	defer s.mu.Unlock()
	for r.pos == len(s.recs) {
		if s.closed {
			return nil, io.EOF
		}
		s.grown.Wait()
	}
	rec := s.recs[r.pos]
	r.pos++
	return rec.data, nil
}

func (r *handlogReader) close() error { return nil }
