package compare

import (
	"context"
	"strconv"
	"sync/atomic"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
)

func watermillPeer() peer {
	return peer{
		name:     "watermill",
		open:     openWatermill,
		round:    2_000,
		overhead: 1024,
		maxHeap:  500_000,
		// A subscription to a persistent topic starts a goroutine for every
		// message kept.
		maxDrain:  20_000,
		unordered: true,
	}
}

// watermillKey is the metadata entry that carries the key.
const watermillKey = "partition_key"

// watermillBackend is a persistent gochannel with a topic a shard: Watermill
// leaves partitions to the broker, and this broker has none.
type watermillBackend struct {
	router router
	pubsub *gochannel.GoChannel
	topics []string

	// kept counts the messages of each topic, which gochannel does not tell.
	kept []atomic.Int64
}

func openWatermill(shards, _ int) (backend, error) {
	be := &watermillBackend{
		router: newRouter(shards),
		pubsub: gochannel.NewGoChannel(gochannel.Config{Persistent: true}, watermill.NopLogger{}),
		topics: make([]string, shards),
		kept:   make([]atomic.Int64, shards),
	}
	for i := range be.topics {
		be.topics[i] = "shard-" + strconv.Itoa(i)
	}
	return be, nil
}

func (be *watermillBackend) message(r record) *message.Message {
	msg := message.NewMessage(watermill.NewUUID(), r.data)
	msg.Metadata.Set(watermillKey, r.key)
	return msg
}

func (be *watermillBackend) put(_ context.Context, r record) error {
	i := be.router.shard(r.key)
	be.kept[i].Add(1)
	return be.pubsub.Publish(be.topics[i], be.message(r))
}

// putBatch publishes once a topic.
func (be *watermillBackend) putBatch(_ context.Context, rs []record) error {
	byTopic := make([][]*message.Message, len(be.topics))
	for _, r := range rs {
		i := be.router.shard(r.key)
		byTopic[i] = append(byTopic[i], be.message(r))
	}
	for i, msgs := range byTopic {
		if len(msgs) == 0 {
			continue
		}
		be.kept[i].Add(int64(len(msgs)))
		if err := be.pubsub.Publish(be.topics[i], msgs...); err != nil {
			return err
		}
	}
	return nil
}

func (be *watermillBackend) reader() (reader, error) { return &watermillReader{be: be}, nil }

func (be *watermillBackend) close() error { return be.pubsub.Close() }

// watermillReader subscribes late: gochannel starts to deliver when it is asked
// to subscribe.
type watermillReader struct {
	be *watermillBackend

	waiting <-chan *message.Message
	cancel  context.CancelFunc
}

func (r *watermillReader) drain(ctx context.Context, n int, t *tally) error {
	for i, topic := range r.be.topics {
		if err := r.drainTopic(ctx, topic, min(int(r.be.kept[i].Load()), n-t.records), t); err != nil {
			return err
		}
	}
	return nil
}

func (r *watermillReader) drainTopic(ctx context.Context, topic string, n int, t *tally) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msgs, err := r.be.pubsub.Subscribe(ctx, topic)
	if err != nil {
		return err
	}
	for range n {
		select {
		case msg := <-msgs:
			t.add(msg.Payload)
			if t.visit != nil {
				t.visit(msg.Metadata.Get(watermillKey), msg.Payload)
			}
			msg.Ack()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (r *watermillReader) next(ctx context.Context) ([]byte, error) {
	if r.waiting == nil {
		sub, cancel := context.WithCancel(context.Background())
		msgs, err := r.be.pubsub.Subscribe(sub, r.be.topics[0])
		if err != nil {
			cancel()
			return nil, err
		}
		r.waiting, r.cancel = msgs, cancel
	}
	select {
	case msg, ok := <-r.waiting:
		if !ok {
			return nil, context.Canceled
		}
		msg.Ack()
		return msg.Payload, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *watermillReader) close() error {
	if r.cancel != nil {
		r.cancel()
	}
	return nil
}
