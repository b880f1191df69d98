package model

// FilterType chooses which shards are listed.
type FilterType int

// The service's filters. A shard is open from its making to its closing, both
// included.
const (
	FromTrimHorizon FilterType = iota
	AtTrimHorizon
	AtLatest
	AtTimestamp
	FromTimestamp
)

// List returns a page of at most limit shards with an index above after that
// pass a filter, and whether there are more.
func (s *Stream) List(after, limit int, filter FilterType, timestamp int64) (page []*Shard, more bool) {
	for _, sh := range s.Shards {
		if sh.Index <= after || !s.passes(sh, filter, timestamp) {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, sh)
	}
	return page, false
}

func (s *Stream) passes(sh *Shard, filter FilterType, timestamp int64) bool {
	horizon := max(s.Now-s.Config.Retention, s.Created)
	openAt := func(t int64) bool { return sh.Created <= t && (sh.Open || sh.ClosedAt >= t) }
	if sh.Expired {
		return false
	}
	switch filter {
	case AtTrimHorizon:
		return openAt(horizon)
	case AtLatest:
		return sh.Open
	case AtTimestamp:
		return openAt(timestamp)
	case FromTimestamp:
		return sh.Open || sh.ClosedAt >= max(timestamp, horizon)
	default:
		return true
	}
}
