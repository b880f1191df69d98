package compare

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func jetstreamPeer() peer {
	return peer{
		name:     "jetstream",
		open:     openJetstream,
		round:    500,
		overhead: 384,
		maxHeap:  1_000_000,
	}
}

// jetstreamServer is a NATS server and a client of it in this process.
type jetstreamServer struct {
	dir  string
	srv  *server.Server
	conn *nats.Conn
	js   jetstream.JetStream

	mu  sync.Mutex
	err error // the first asynchronous publish that failed
}

func startJetstream() (*jetstreamServer, error) {
	// JetStream wants a directory even if every stream is in memory.
	dir, err := os.MkdirTemp("", "compare-jetstream-")
	if err != nil {
		return nil, err
	}
	s := &jetstreamServer{dir: dir}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *jetstreamServer) start() error {
	var err error
	s.srv, err = server.NewServer(&server.Options{
		DontListen:         true,
		JetStream:          true,
		JetStreamMaxMemory: 4 << 30,
		StoreDir:           s.dir,
		NoLog:              true,
		NoSigs:             true,
	})
	if err != nil {
		return err
	}
	s.srv.Start()
	if !s.srv.ReadyForConnections(10 * time.Second) {
		return errors.New("nats server is not ready")
	}
	if s.conn, err = nats.Connect("", nats.InProcessServer(s.srv)); err != nil {
		return err
	}
	s.js, err = jetstream.New(s.conn, jetstream.WithPublishAsyncErrHandler(
		func(_ jetstream.JetStream, _ *nats.Msg, err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.err = err
		}))
	return err
}

func (s *jetstreamServer) createStream(ctx context.Context, name string) (jetstream.Stream, error) {
	return s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:     name,
		Subjects: []string{name + ".*"},
		Storage:  jetstream.MemoryStorage,
	})
}

func (s *jetstreamServer) asyncErr() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *jetstreamServer) close() error {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.srv != nil {
		s.srv.Shutdown()
		s.srv.WaitForShutdown()
	}
	return os.RemoveAll(s.dir)
}

// jetstreamBackend is a memory stream a shard, with the key as the last token of
// the subject. One connection serves all producers, as in a program.
type jetstreamBackend struct {
	*jetstreamServer

	router   router
	streams  []jetstream.Stream
	subjects []string
}

func openJetstream(shards, _ int) (backend, error) {
	s, err := startJetstream()
	if err != nil {
		return nil, err
	}
	be := &jetstreamBackend{jetstreamServer: s, router: newRouter(shards)}
	for i := range shards {
		name := "shard-" + strconv.Itoa(i)
		stream, err := s.createStream(context.Background(), name)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		be.streams = append(be.streams, stream)
		be.subjects = append(be.subjects, name+".")
	}
	return be, nil
}

func (be *jetstreamBackend) subject(key string) string {
	return be.subjects[be.router.shard(key)] + key
}

func (be *jetstreamBackend) put(ctx context.Context, r record) error {
	_, err := be.js.Publish(ctx, be.subject(r.key), r.data)
	return err
}

// putBatch publishes without waiting and then waits for the last acknowledgement.
func (be *jetstreamBackend) putBatch(ctx context.Context, rs []record) error {
	for _, r := range rs {
		if _, err := be.js.PublishAsync(be.subject(r.key), r.data); err != nil {
			return err
		}
	}
	select {
	case <-be.js.PublishAsyncComplete():
		return be.asyncErr()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (be *jetstreamBackend) reader() (reader, error) { return &jetstreamReader{be: be}, nil }

type jetstreamReader struct {
	be *jetstreamBackend

	waiting jetstream.MessagesContext
}

// consumer reads a stream from its oldest message without acknowledgements.
func (r *jetstreamReader) consumer(ctx context.Context, s jetstream.Stream) (jetstream.Consumer, error) {
	return s.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckNonePolicy,
		MemoryStorage: true,
	})
}

func (r *jetstreamReader) drain(ctx context.Context, n int, t *tally) error {
	for _, s := range r.be.streams {
		info, err := s.Info(ctx)
		if err != nil {
			return err
		}
		if err := r.drainStream(ctx, s, min(int(info.State.Msgs), n-t.records), t); err != nil {
			return err
		}
	}
	return nil
}

// drainStream uses Consume, which takes half the time of Fetch: the server sends
// the next messages while these are handled.
func (r *jetstreamReader) drainStream(ctx context.Context, s jetstream.Stream, n int, t *tally) error {
	if n == 0 {
		return nil
	}
	c, err := r.consumer(ctx, s)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	failed := make(chan error, 1)
	until := t.records + n
	consuming, err := c.Consume(
		func(msg jetstream.Msg) {
			t.add(msg.Data())
			if t.visit != nil {
				_, key, _ := strings.Cut(msg.Subject(), ".")
				t.visit(key, msg.Data())
			}
			if t.records == until {
				close(done)
			}
		},
		jetstream.PullMaxMessages(drainBatch),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			select {
			case failed <- err:
			default:
			}
		}),
	)
	if err != nil {
		return err
	}
	select {
	case <-done:
	case err = <-failed:
	case <-ctx.Done():
		err = ctx.Err()
	}
	// The callback must not touch t any more when the caller does.
	consuming.Stop()
	<-consuming.Closed()
	return errors.Join(err, s.DeleteConsumer(ctx, c.CachedInfo().Name))
}

func (r *jetstreamReader) next(ctx context.Context) ([]byte, error) {
	if r.waiting == nil {
		c, err := r.consumer(ctx, r.be.streams[0])
		if err != nil {
			return nil, err
		}
		if r.waiting, err = c.Messages(); err != nil {
			return nil, err
		}
	}
	msg, err := r.waiting.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, err
	}
	return msg.Data(), nil
}

func (r *jetstreamReader) close() error {
	if r.waiting != nil {
		r.waiting.Stop()
	}
	return nil
}
