package stream_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/stream"
)

func TestRecordsExpireAtTheMillisecond(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Shards: 2, Retention: time.Minute})
	for i := range 6 {
		r.put(t, fmt.Sprint("key ", i), "old")
	}
	r.clock.Advance(time.Minute)
	require.Len(t, r.all(t, stream.TrimHorizon()), 6, "exactly as old as the retention")
	r.clock.Advance(time.Millisecond)
	require.Empty(t, r.all(t, stream.TrimHorizon()))
}

func TestShorterRetentionHidesOlderRecordsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Retention: time.Hour})
	for i := range 5 {
		r.put(t, "key", fmt.Sprint(i))
		r.clock.Advance(time.Minute)
	}
	require.NoError(t, r.DecreaseRetention(3*time.Minute))
	require.Equal(t, 3*time.Minute, r.Retention())
	require.Equal(t, uint64(3), r.Stats().Records)
	require.Equal(t, []string{"2", "3", "4"}, r.all(t, stream.TrimHorizon()))

	require.NoError(t, r.IncreaseRetention(time.Hour))
	require.Equal(t, []string{"2", "3", "4"}, r.all(t, stream.TrimHorizon()), "what has expired does not come back")
	r.clock.Advance(57 * time.Minute)
	require.Equal(t, []string{"2", "3", "4"}, r.all(t, stream.TrimHorizon()), "what is left stays longer")
	r.clock.Advance(time.Millisecond)
	require.Equal(t, []string{"3", "4"}, r.all(t, stream.TrimHorizon()))
}

// What is past the old period when it is made longer has expired, even where
// nobody has looked since.
func TestLongerRetentionBringsNothingBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Retention: time.Minute})
	r.put(t, "key", "old")
	r.halve(t, long(0))
	r.clock.Advance(time.Minute + time.Millisecond)
	require.NoError(t, r.SetRetention(time.Hour))
	require.Empty(t, r.all(t, stream.TrimHorizon()))
	require.Equal(t, []string{"1", "2"}, shardIDs(r.listed(t, stream.ShardFilter{})))
}

// Shards made later have the retention of then.
func TestRetentionHoldsForNewShards(t *testing.T) {
	t.Parallel()
	r := newRig(t, stream.Config{Retention: time.Hour})
	require.NoError(t, r.SetRetention(time.Minute))
	r.halve(t, long(0))
	r.put(t, "key", "in a child")
	r.clock.Advance(time.Minute)
	require.Len(t, r.all(t, stream.TrimHorizon()), 1)
	r.clock.Advance(time.Millisecond)
	require.Empty(t, r.all(t, stream.TrimHorizon()))
}

func TestRetentionBounds(t *testing.T) {
	t.Parallel()
	const hour, day = time.Hour, 24 * time.Hour
	embedded := newRig(t, stream.Config{Retention: 48 * hour})
	strict := newRig(t, stream.Config{Retention: 48 * hour, Limits: stream.KinesisLimits()})
	for _, tt := range []struct {
		name     string
		call     func(time.Duration) error
		to       time.Duration
		min, max time.Duration // of the error; 0 for none
	}{
		{"set to nothing", embedded.SetRetention, 0, time.Millisecond, stream.MaxRetention},
		{"set below zero", embedded.SetRetention, -hour, time.Millisecond, stream.MaxRetention},
		{"set to less than a millisecond", embedded.SetRetention, time.Millisecond - 1, time.Millisecond, stream.MaxRetention},
		{"set beyond a year", embedded.SetRetention, 365*day + 1, time.Millisecond, 365 * day},
		{"increase to less", embedded.IncreaseRetention, 48*hour - 1, 48 * hour, stream.MaxRetention},
		{"increase beyond a year", embedded.IncreaseRetention, 8761 * hour, 48 * hour, stream.MaxRetention},
		{"decrease to more", embedded.DecreaseRetention, 48*hour + 1, time.Millisecond, 48 * hour},
		{"set below a day under limits", strict.SetRetention, day - 1, day, stream.MaxRetention},
		{"decrease below a day under limits", strict.DecreaseRetention, hour, day, 48 * hour},
		{"increase below a day under limits", strict.IncreaseRetention, hour, 48 * hour, stream.MaxRetention},
	} {
		err := tt.call(tt.to)
		require.ErrorIs(t, err, stream.ErrRetention, tt.name)
		require.Equal(t, &stream.RetentionError{Current: 48 * hour, Requested: tt.to, Min: tt.min, Max: tt.max}, err, tt.name)
	}
	require.Equal(t, 48*hour, embedded.Retention())
	require.Equal(t, 48*hour, strict.Retention())

	// What the bounds include, the present period in particular.
	require.NoError(t, embedded.IncreaseRetention(48*hour))
	require.NoError(t, embedded.DecreaseRetention(48*hour))
	require.NoError(t, embedded.SetRetention(stream.MaxRetention))
	require.NoError(t, embedded.SetRetention(time.Millisecond))
	require.NoError(t, strict.SetRetention(day))
}

// I7: the memory of what has expired in shards that nobody touches comes back,
// by Trim at once, by the growth of others in time.
func TestExpiredRecordsOfQuietShards(t *testing.T) {
	t.Parallel()
	for name, touch := range map[string]func(r rig){
		"by Trim": func(r rig) { r.Trim() },
		"by the growth of another shard": func(r rig) {
			for range 100 {
				r.putAt(t, quietKey(1), string(make([]byte, 10_000)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, stream.Config{Shards: 2, Retention: time.Hour})
			for range 1000 {
				r.putAt(t, quietKey(0), "quiet")
			}
			r.clock.Advance(2 * time.Hour)
			require.Equal(t, uint64(1000), r.Stats().Shards[0].Records, "nobody has looked")
			touch(r)
			require.Zero(t, r.Stats().Shards[0].Records)
			require.Zero(t, r.Stats().Shards[0].MemoryBytes)
		})
	}
}
