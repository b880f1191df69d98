package model

// Advance moves the time on by ms milliseconds.
func (s *Stream) Advance(ms int64) {
	s.Now += ms
	s.expire()
}

// SetRetention changes how long records are kept. What has been trimmed does
// not come back.
func (s *Stream) SetRetention(ms, least, most int64) Kind {
	switch {
	case s.Closed:
		return Closed
	case ms < max(least, s.MinRetention) || ms > most:
		return Retention
	}
	s.Config.Retention = ms
	s.expire()
	return OK
}

// expire trims the records that are older than the retention, and takes the
// shards off the list that were closed longer ago than that.
func (s *Stream) expire() {
	oldest := s.Now - s.Config.Retention
	for _, sh := range s.Shards {
		for sh.Horizon < sh.Tail() && sh.Records[sh.Horizon-1].Arrival < oldest {
			sh.Horizon++
		}
		if !sh.Open && sh.ClosedAt < oldest {
			sh.Expired = true
		}
	}
}

// Trimmed takes note that the n oldest records of a shard have been trimmed,
// for whatever reason. It returns how many of them retention would have kept.
func (s *Stream) Trimmed(sh *Shard, n uint64) uint64 {
	if n+1 <= sh.Horizon {
		return 0
	}
	early := n + 1 - sh.Horizon
	sh.Horizon = n + 1
	return early
}

// Room judges a stream that refuses records at its bound: whether a record that
// takes need bytes may be stored, and whether it may be refused. At most used
// bytes are taken, at least those of the records that can be read, and slack
// bytes may lie idle in other shards.
func (s *Stream) Room(need, used, slack int64) (accept, refuse bool) {
	return s.Bytes()+need <= s.MaxBytes, used+need > s.MaxBytes-slack
}
