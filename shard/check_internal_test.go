package shard

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-187400e4/millrace/clock"
	"github.com/seed-187400e4/millrace/hashkey"
)

// Check finds each kind of damage, and names the invariant. What it reads is
// corrupted by hand, as no caller can.
func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	// setArrival overwrites the arrival of record i of the first segment.
	setArrival := func(s *Shard, i int, millis int64) {
		g := s.dir.Load().segs[0].Load()
		b := g.buf[len(g.buf)-(i+1)*entrySize:]
		low := binary.LittleEndian.Uint64(b[8:]) & (1<<16 - 1)
		binary.LittleEndian.PutUint64(b[8:], uint64(millis)<<16|low)
	}
	tests := []struct {
		invariant, name string
		damage          func(s *Shard)
	}{
		{"", "none", func(*Shard) {}},
		{"I2", "a record whose key belongs to another shard", func(s *Shard) { s.keys = hashkey.Range{} }},
		{"I3", "a record that is stored and not published", func(s *Shard) { s.tail.Store(s.next - 1) }},
		{"I3", "a trim horizon beyond the tail", func(s *Shard) { s.head.Store(s.next + 1) }},
		{"I3", "a trim horizon before the first record", func(s *Shard) { s.head.Store(0) }},
		{"I3", "an arrival before that of the record before", func(s *Shard) { setArrival(s, 2, s.created-5000) }},
		{"I3", "an arrival after the latest", func(s *Shard) { setArrival(s, 0, s.lastArrival+5000) }},
		{"I3", "a gap between two records", func(s *Shard) {
			g := s.dir.Load().segs[0].Load()
			b := g.buf[len(g.buf)-2*entrySize:]
			binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)+1)
		}},
		{"I5", "a record after the end", func(s *Shard) {
			s.gated = true
			s.end.Store(&EndOfShardError{ClosedAt: time.UnixMilli(s.lastArrival - 1)})
		}},
		{"I5", "a closed shard that takes records", func(s *Shard) {
			s.end.Store(&EndOfShardError{ClosedAt: time.UnixMilli(s.lastArrival)})
		}},
		{"I6", "a segment that is missing", func(s *Shard) { s.dir.Load().segs[1].Store(nil) }},
		{"I6", "a segment that begins too late", func(s *Shard) { s.dir.Load().segs[1].Load().base++ }},
		{"I6", "a segment that does not say where it ends", func(s *Shard) { s.dir.Load().segs[0].Load().sealed.Store(0) }},
		{"I6", "a segment that ends too early", func(s *Shard) { s.dir.Load().segs[0].Load().sealed.Add(^uint64(0)) }},
		{"I7", "a byte too many in the accounts", func(s *Shard) { s.bytes++ }},
		{"I10", "more stored than the budget granted", func(s *Shard) { s.granted = s.bytes - 1 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := clock.NewManual(time.Unix(1_700_000_000, 0))
			s := New(Config{Range: hashkey.Full(), Clock: clock.NewMillis(c), Budget: NewBudget(1<<20, Refuse)})
			for range 3 {
				c.Advance(time.Second)
				_, err := s.Append("key", nil, false)
				require.NoError(t, err)
			}
			_, err := s.Append("key", make([]byte, 2*minSegment), false) // a segment of its own
			require.NoError(t, err)
			require.Len(t, s.dir.Load().segs, 2)

			tt.damage(s)
			err = s.Check()
			if tt.invariant == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "shard shardId-000000000000 violates "+tt.invariant+": ")
		})
	}
}

// I9: a cursor that no longer waits has left nothing on the shard.
func TestNobodyIsLeftWaiting(t *testing.T) {
	t.Parallel()
	s := New(Config{Range: hashkey.Full()})
	w := NewWatch()
	var cursors []*Cursor
	for i := range 4 {
		c, err := s.Cursor(Latest())
		require.NoError(t, err)
		c.Arm(w, i)
		cursors = append(cursors, c)
	}
	count := func() (n int) {
		for r := s.waiting; r != nil; r = r.next {
			n++
		}
		return n
	}
	require.Equal(t, 4, count())
	for i, c := range []*Cursor{cursors[1], cursors[3], cursors[0], cursors[2]} {
		c.Disarm()
		require.Equal(t, 3-i, count())
	}
	require.Empty(t, w.Fired(nil))
}
