package stream

import "time"

// Retention is how long records are kept.
func (s *Stream) Retention() time.Duration {
	return millisToDuration(s.retention.Load())
}

// SetRetention changes how long records are kept, to a whole number of
// milliseconds from one (or Limits.MinRetention) to [MaxRetention]. A shorter
// period makes older records unreadable at once; a longer one never brings back
// what has expired. Errors: [*RetentionError], [ErrClosed].
func (s *Stream) SetRetention(d time.Duration) error {
	return s.changeRetention(d, func(time.Duration) (least, most time.Duration) { return 0, MaxRetention })
}

// IncreaseRetention is [Stream.SetRetention] for a period not shorter than the
// present one, as the service's IncreaseStreamRetentionPeriod has it.
func (s *Stream) IncreaseRetention(d time.Duration) error {
	return s.changeRetention(d, func(current time.Duration) (least, most time.Duration) { return current, MaxRetention })
}

// DecreaseRetention is [Stream.SetRetention] for a period not longer than the
// present one, as the service's DecreaseStreamRetentionPeriod has it.
func (s *Stream) DecreaseRetention(d time.Duration) error {
	return s.changeRetention(d, func(current time.Duration) (least, most time.Duration) { return 0, current })
}

// changeRetention sets the period to d if that is within bounds of the current one.
func (s *Stream) changeRetention(d time.Duration, bounds func(current time.Duration) (least, most time.Duration)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return ErrClosed
	}
	least, most := bounds(s.Retention())
	least = max(least, s.cfg.Limits.MinRetention)
	if d < least || d > most {
		return &RetentionError{Current: millisToDuration(s.retention.Load()), Requested: d, Min: least, Max: most}
	}
	// What is past the old period is dropped first, or a longer one would
	// bring it back.
	s.trimLocked()
	s.retention.Store(d.Milliseconds())
	s.listed.Ascend(func(n *node) bool {
		n.shard.SetRetention(d)
		return true
	})
	s.trimLocked()
	return nil
}
