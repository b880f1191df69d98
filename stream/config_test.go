package stream_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
	"github.com/seed-187400e4/millrace/stream"
)

func TestZeroConfigIsAnUnboundedShardForADay(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{})
	require.Equal(t, "orders", r.Name())
	require.Equal(t, 1, r.OpenShards())
	require.Equal(t, 24*time.Hour, r.Retention())
	require.Equal(t, hashkey.Full(), r.openShards(t)[0].HashKeyRange)
	for range 3000 {
		r.put(t, "key", "") // a second's worth of the service three times over
	}
}

func TestConfigBounds(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	tests := []struct {
		field string
		set   func(c *stream.Config, v int64)
		good  []int64
		bad   []int64
		ends  string // of the message
	}{
		{
			"Shards", func(c *stream.Config, v int64) { c.Shards, c.MaxShards = int(v), 100 },
			[]int64{0, 1, 100}, []int64{-1, 101}, "give a value from 1 to 100, or leave it zero for the default",
		},
		{
			"Retention", func(c *stream.Config, v int64) { c.Retention = time.Duration(v) },
			[]int64{0, 1e6, 8760 * 3600e9}, []int64{-1, 1, 1e6 - 1, 8760*3600e9 + 1},
			"give a value from 1ms to 8760h0m0s, or leave it zero for the default",
		},
		{
			"MaxBytes", func(c *stream.Config, v int64) { c.MaxBytes = v },
			[]int64{0, 1, 1 << 40}, []int64{-1}, "give a value from 0 to any, or leave it zero for the default",
		},
		{
			"AtMaxBytes", func(c *stream.Config, v int64) { c.AtMaxBytes = stream.AtBound(v) },
			[]int64{0, 1}, []int64{-1, 2}, "give a value from TrimOldest to Refuse, or leave it zero for the default",
		},
		{
			"MaxRecordBytes", func(c *stream.Config, v int64) { c.MaxRecordBytes = int(v) },
			[]int64{0, 1, 10 * mib}, []int64{-1, 10*mib + 1}, "give a value from 1 to 10485760, or leave it zero for the default",
		},
		{
			"MaxBatchRecords", func(c *stream.Config, v int64) { c.MaxBatchRecords = int(v) },
			[]int64{0, 1, mib}, []int64{-1, mib + 1}, "give a value from 1 to 1048576, or leave it zero for the default",
		},
		{
			"MaxBatchBytes", func(c *stream.Config, v int64) { c.MaxBatchBytes = int(v) },
			[]int64{0, 1, 1 << 30}, []int64{-1, 1<<30 + 1}, "give a value from 1 to 1073741824, or leave it zero for the default",
		},
		{
			"MaxShards", func(c *stream.Config, v int64) { c.MaxShards = int(v) },
			[]int64{0, 1, mib}, []int64{-1, mib + 1}, "give a value from 1 to 1048576, or leave it zero for the default",
		},
		{
			"Limits.MinRetention", func(c *stream.Config, v int64) { c.Limits.MinRetention = time.Duration(v) },
			[]int64{0, 1, 8760 * 3600e9}, []int64{-1, 8760*3600e9 + 1}, "give a value from 0s to 8760h0m0s, or leave it zero for the default",
		},
		{
			"Limits.MaxResizeFactor", func(c *stream.Config, v int64) { c.Limits.MaxResizeFactor = int(v) },
			[]int64{0, 1, mib}, []int64{-1, mib + 1}, "give a value from 0 to 1048576, or leave it zero for the default",
		},
		{
			"Limits.Shard.WriteBytes", func(c *stream.Config, v int64) { c.Limits.Shard.WriteBytes = v },
			[]int64{0, 1, 1 << 40}, []int64{-1, 1<<40 + 1}, "give a value from 0 to 1099511627776, or leave it zero for the default",
		},
		{
			"Limits.Shard.WriteRecords", func(c *stream.Config, v int64) { c.Limits.Shard.WriteRecords = v },
			[]int64{0, 1, 1 << 40}, []int64{-1, 1<<40 + 1}, "give a value from 0 to 1099511627776, or leave it zero for the default",
		},
		{
			"Limits.Shard.ReadBytes", func(c *stream.Config, v int64) { c.Limits.Shard.ReadBytes = v },
			[]int64{0, 1, 1 << 40}, []int64{-1, 1<<40 + 1}, "give a value from 0 to 1099511627776, or leave it zero for the default",
		},
		{
			"Limits.Shard.ReadCalls", func(c *stream.Config, v int64) { c.Limits.Shard.ReadCalls = v },
			[]int64{0, 1, 1 << 40}, []int64{-1, 1<<40 + 1}, "give a value from 0 to 1099511627776, or leave it zero for the default",
		},
		{
			"Limits.Shard.ReadBytesPerCall", func(c *stream.Config, v int64) { c.Limits.Shard.ReadBytesPerCall = v },
			[]int64{0, 1, 1 << 40}, []int64{-1, 1<<40 + 1}, "give a value from 0 to 1099511627776, or leave it zero for the default",
		},
	}
	for _, tt := range tests {
		t.Run(tt.field, func(t *testing.T) {
			t.Parallel()
			for _, v := range tt.good {
				var c stream.Config
				tt.set(&c, v)
				_, err := stream.New("orders", c)
				require.NoError(t, err, "%d", v)
			}
			for _, v := range tt.bad {
				var c stream.Config
				tt.set(&c, v)
				s, err := stream.New("orders", c)
				require.Nil(t, s)
				require.ErrorIs(t, err, stream.ErrConfig, "%d", v)
				bad, ok := errors.AsType[*stream.ConfigError](err)
				require.True(t, ok)
				require.Equal(t, tt.field, bad.Field)
				// The message has the value as its caller wrote it, the bound, and
				// what to do.
				require.EqualError(t, err, fmt.Sprintf("stream: Config.%s is %v: %s", tt.field, bad.Value, tt.ends))
				switch value := bad.Value.(type) {
				case int:
					require.EqualValues(t, v, value)
				case int64:
					require.Equal(t, v, value)
				case time.Duration:
					require.Equal(t, time.Duration(v), value)
				default:
					t.Fatalf("the value is a %T", bad.Value)
				}
			}
		})
	}
}

func TestRetentionBelowTheLimitsIsRefused(t *testing.T) {
	t.Parallel()
	_, err := stream.New("orders", stream.Config{Limits: stream.KinesisLimits(), Retention: 24*time.Hour - 1})
	require.EqualError(t, err, "stream: Config.Retention is 23h59m59.999999999s: give a value from 24h0m0s to 8760h0m0s, or leave it zero for the default")
	r := newRig(t, stream.Config{Limits: stream.KinesisLimits()})
	require.Equal(t, 24*time.Hour, r.Retention())
	r = newRig(t, stream.Config{Limits: stream.Limits{MinRetention: 48 * time.Hour}})
	require.Equal(t, 48*time.Hour, r.Retention(), "the default is raised to what is allowed")
}

func TestKinesisLimitsAreThoseOfTheService(t *testing.T) {
	t.Parallel()
	require.Equal(t, stream.Limits{
		Shard: shard.Limits{
			WriteBytes:       1 << 20,
			WriteRecords:     1000,
			ReadBytes:        2 << 20,
			ReadCalls:        5,
			ReadBytesPerCall: 10 << 20,
		},
		MinRetention:    24 * time.Hour,
		MaxResizeFactor: 2,
	}, stream.KinesisLimits())
}

func TestNewCopiesItsConfig(t *testing.T) {
	t.Parallel()
	var calls int
	hooks := &stream.Hooks{Resharded: func(stream.ReshardEvent) { calls++ }}
	cfg := stream.Config{Hooks: hooks}
	r := newRig(t, cfg)
	*hooks = stream.Hooks{}
	require.Equal(t, stream.Config{Hooks: hooks}, cfg, "New wrote to it")
	r.halve(t, "0")
	require.Equal(t, 1, calls)
}

func TestStreamNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "0", "_", ".", "-", "Orders-2026_eu.west", strings.Repeat("x", 128)} {
		s, err := stream.New(name, stream.Config{})
		require.NoError(t, err, "%q", name)
		require.Equal(t, name, s.Name())
	}
	for _, name := range []string{"", " ", "a b", "a/b", "a:b", "ü", "a\n", "\x00", strings.Repeat("x", 129)} {
		s, err := stream.New(name, stream.Config{})
		require.Nil(t, s)
		require.ErrorIs(t, err, stream.ErrName, "%q", name)
		require.Equal(t, &stream.NameError{Name: name}, err)
	}
	_, err := stream.New(strings.Repeat("/", 1<<20), stream.Config{})
	require.Less(t, len(err.Error()), 400, "a long name is not repeated as a whole")
}

// The shards of a new stream are those of the service.
func TestNewStreamDividesTheHashKeysEvenly(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 5, 64, 1000} {
		r := newRig(t, stream.Config{Shards: n})
		shards := r.listed(t, stream.ShardFilter{})
		require.Len(t, shards, n)
		for i, s := range shards {
			require.Equal(t, stream.ShardInfo{
				ID:                     long(i),
				HashKeyRange:           hashkey.EvenAt(n, i),
				StartingSequenceNumber: s.StartingSequenceNumber,
				Created:                begun,
			}, s)
			require.True(t, s.Open())
			f, err := s.StartingSequenceNumber.Fields()
			require.NoError(t, err)
			require.Equal(t, shard.SequenceFields{Version: 2, Creation: begun, ShardIndex: int32(i), Arrival: begun}, f)
			require.Equal(t, s, r.Route(s.HashKeyRange.Start))
			require.Equal(t, s, r.Route(s.HashKeyRange.End))
			one, err := r.Shard(s.ID)
			require.NoError(t, err)
			require.Equal(t, s, one)
		}
	}
}
