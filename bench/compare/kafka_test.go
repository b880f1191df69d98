package compare

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func kafkaPeer() peer {
	return peer{
		name:     "kafka",
		open:     openKafka,
		round:    500,
		overhead: 64,
	}
}

const (
	kafkaTopic = "records"

	// kafkaAddr is an address on a network of kfake's own, not of the machine.
	kafkaAddr = "localhost:9092"
	kafkaPort = 9092

	// kafkaMaxWait is how long a fetch waits at the broker for records before it
	// is sent anew. A fetch that waits when the cluster is closed can keep the
	// log in memory for as long, which with the default of 5 s would disturb the
	// measurements of the peers after it.
	kafkaMaxWait = 250 * time.Millisecond
)

// kafkaBackend is a topic with a partition a shard on a kfake broker. One client
// serves all producers, as in a program.
type kafkaBackend struct {
	network *kfake.VirtualNetwork
	cluster *kfake.Cluster
	client  *kgo.Client
}

func openKafka(shards, _ int) (backend, error) { return newKafka(shards) }

func newKafka(shards int) (*kafkaBackend, error) {
	be := &kafkaBackend{network: new(kfake.VirtualNetwork)}
	var err error
	be.cluster, err = kfake.NewCluster(
		kfake.ListenFn(be.network.Listen),
		kfake.Ports(kafkaPort),
		kfake.SeedTopics(int32(shards), kafkaTopic),
	)
	if err != nil {
		return nil, err
	}
	be.client, err = be.newClient(
		kgo.DefaultProduceTopic(kafkaTopic),
		// The default waits for 10 ms whether more comes; one put at a time
		// would measure that.
		kgo.ProducerLinger(0),
		// Snappy, the default, has no network to save here.
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
	if err != nil {
		be.cluster.Close()
		return nil, err
	}
	return be, nil
}

func (be *kafkaBackend) newClient(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(opts,
		kgo.SeedBrokers(kafkaAddr),
		kgo.Dialer(be.network.DialContext),
	)...)
}

func (be *kafkaBackend) put(ctx context.Context, r record) error {
	return be.client.ProduceSync(ctx, &kgo.Record{Key: []byte(r.key), Value: r.data}).FirstErr()
}

func (be *kafkaBackend) putBatch(ctx context.Context, rs []record) error {
	out := make([]*kgo.Record, len(rs))
	for i, r := range rs {
		out[i] = &kgo.Record{Key: []byte(r.key), Value: r.data}
	}
	return be.client.ProduceSync(ctx, out...).FirstErr()
}

func (be *kafkaBackend) reader() (reader, error) { return &kafkaReader{be: be}, nil }

func (be *kafkaBackend) close() error {
	be.client.Close()
	be.cluster.Close()
	return nil
}

// kafkaReader consumes the topic without a group. Its client starts to fetch by
// itself, so it is made at the first read.
type kafkaReader struct {
	be     *kafkaBackend
	client *kgo.Client
}

func (r *kafkaReader) poll(ctx context.Context, most int) (kgo.Fetches, error) {
	if r.client == nil {
		client, err := r.be.newClient(
			kgo.ConsumeTopics(kafkaTopic),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
			kgo.FetchMaxWait(kafkaMaxWait),
		)
		if err != nil {
			return nil, err
		}
		r.client = client
	}
	fetches := r.client.PollRecords(ctx, most)
	return fetches, fetches.Err()
}

func (r *kafkaReader) drain(ctx context.Context, n int, t *tally) error {
	for t.records < n {
		fetches, err := r.poll(ctx, drainBatch)
		if err != nil {
			return err
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			t.add(rec.Value)
			if t.visit != nil {
				t.visit(string(rec.Key), rec.Value)
			}
		})
	}
	return nil
}

func (r *kafkaReader) next(ctx context.Context) ([]byte, error) {
	fetches, err := r.poll(ctx, 1)
	if err != nil {
		return nil, err
	}
	for rec := range fetches.RecordsAll() {
		return rec.Value, nil
	}
	return nil, errors.New("kafka: a poll without records")
}

func (r *kafkaReader) close() error {
	if r.client != nil {
		r.client.Close()
	}
	return nil
}
