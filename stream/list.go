package stream

import (
	"context"
	"time"

	"github.com/seed-187400e4/millrace/hashkey"
	"github.com/seed-187400e4/millrace/shard"
)

// ShardInfo describes a shard of a stream.
type ShardInfo struct {
	ID string

	// ParentID is the shard that this one came from by a split, or the lower of
	// two that were merged; AdjacentParentID is then the upper one. Both are
	// empty in a shard that the stream was made with. A parent may have expired.
	ParentID         string
	AdjacentParentID string

	HashKeyRange hashkey.Range

	// StartingSequenceNumber is below that of every record of the shard.
	// EndingSequenceNumber is above, and zero while the shard is open.
	StartingSequenceNumber SequenceNumber
	EndingSequenceNumber   SequenceNumber

	// Created and Closed are when the shard was made and closed. Closed is zero
	// while the shard is open.
	Created, Closed time.Time
}

// Open reports whether the shard takes records.
func (i ShardInfo) Open() bool { return i.EndingSequenceNumber.IsZero() }

// ShardFilterType chooses which shards are listed.
type ShardFilterType int

// The service's filters, by its names. AFTER_SHARD_ID is
// ListShardsRequest.After. A shard is open from its Created to its Closed, both
// included.
const (
	FromTrimHorizon    ShardFilterType = iota // all that have not expired
	AtTrimHorizon                             // open at the trim horizon
	AtLatest                                  // open now
	AtShardTimestamp                          // open at Timestamp
	FromShardTimestamp                        // open at Timestamp or later
)

// ShardFilter chooses which shards are listed; the zero value is all.
type ShardFilter struct {
	Type      ShardFilterType
	Timestamp time.Time // for the last two types
}

// ListShardsRequest asks for a page of shards.
type ListShardsRequest struct {
	// After is the ID of a shard, as the service's ExclusiveStartShardId or a
	// page's Next: only those after it are listed. The shard may have expired.
	After string
	// MaxResults is 1 to [MaxListShards]; 0 is [DefaultListShards].
	MaxResults int
	Filter     ShardFilter
}

// Bounds of a page of shards, as the service's.
const (
	DefaultListShards = 1000
	MaxListShards     = 10000
)

// ListShardsPage is a page of shards in ascending order of their IDs.
type ListShardsPage struct {
	Shards []ShardInfo
	Next   string // After for the next page, empty on the last one
}

// ListShards returns a page of the shards that have not expired, open ones and
// closed ones. Errors: the error of ctx, [*LimitError], [*FilterError],
// [*ShardNotFoundError] for an After that is not a shard's ID. It mirrors the
// service's ListShards.
func (s *Stream) ListShards(ctx context.Context, req ListShardsRequest) (ListShardsPage, error) {
	if err := ctx.Err(); err != nil {
		return ListShardsPage{}, err
	}
	if req.MaxResults < 0 || req.MaxResults > MaxListShards {
		return ListShardsPage{}, &LimitError{Limit: req.MaxResults, Max: MaxListShards}
	}
	if req.MaxResults == 0 {
		req.MaxResults = DefaultListShards
	}
	after := int32(-1)
	if req.After != "" {
		index, ok := shard.ParseID(req.After)
		if !ok {
			return ListShardsPage{}, &ShardNotFoundError{Stream: s.name, ShardID: req.After}
		}
		after = index
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropExpiredLocked()
	var page ListShardsPage
	listed, err := s.filterLocked(req.Filter)
	if err != nil {
		return ListShardsPage{}, err
	}
	s.ascendAfter(after, func(n *node) bool {
		if !listed(n) {
			return true
		}
		if len(page.Shards) == req.MaxResults {
			page.Next = page.Shards[len(page.Shards)-1].ID
			return false
		}
		page.Shards = append(page.Shards, info(n.shard))
		return true
	})
	return page, nil
}

// Shard describes one shard. Errors: [*ShardNotFoundError].
func (s *Stream) Shard(shardID string) (ShardInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropExpiredLocked()
	n, err := s.node(shardID)
	if err != nil {
		return ShardInfo{}, err
	}
	return info(n.shard), nil
}

// OpenShards is how many shards take records.
func (s *Stream) OpenShards() int { return len(s.topology.Load().shards) }

// Route describes the open shard that a record with this hash key would go to.
func (s *Stream) Route(key hashkey.Key) ShardInfo {
	t := s.topology.Load()
	return info(t.shards[t.route(key)])
}

// ascendAfter calls f with the listed nodes behind index until it returns false.
func (s *Stream) ascendAfter(index int32, f func(*node) bool) {
	s.listed.AscendGreaterOrEqual(&node{index: index}, func(n *node) bool {
		return n.index == index || f(n)
	})
}

// node finds a shard by ID. The caller holds s.mu.
func (s *Stream) node(id string) (*node, error) {
	index, ok := shard.ParseID(id)
	if ok {
		if n, found := s.listed.Get(&node{index: index}); found {
			return n, nil
		}
	}
	return nil, &ShardNotFoundError{Stream: s.name, ShardID: id}
}

// filterLocked is the test that a filter stands for.
func (s *Stream) filterLocked(f ShardFilter) (func(*node) bool, error) {
	created := func(n *node) int64 { return n.shard.Created().UnixMilli() }
	closedBefore := func(n *node, ms int64) bool {
		end := n.shard.End()
		return end != nil && end.ClosedAt.UnixMilli() < ms
	}
	horizon := max(s.millis.Now()-s.retention.Load(), s.created)
	at := f.Timestamp.UnixMilli()
	switch f.Type {
	case AtLatest:
		return func(n *node) bool { return n.shard.End() == nil }, nil
	case AtTrimHorizon:
		at = horizon
		fallthrough
	case AtShardTimestamp:
		return func(n *node) bool { return created(n) <= at && !closedBefore(n, at) }, nil
	case FromShardTimestamp:
		at = max(at, horizon)
		return func(n *node) bool { return !closedBefore(n, at) }, nil
	case FromTrimHorizon:
		return func(*node) bool { return true }, nil
	default:
		return nil, &FilterError{Type: f.Type}
	}
}

func info(s *shard.Shard) ShardInfo {
	i := ShardInfo{
		ID:                     s.ID(),
		HashKeyRange:           s.Range(),
		StartingSequenceNumber: s.StartingSequenceNumber(),
		EndingSequenceNumber:   s.EndingSequenceNumber(),
		Created:                s.Created(),
	}
	if p := s.Parents(); len(p) > 0 {
		i.ParentID = p[0]
		if len(p) > 1 {
			i.AdjacentParentID = p[1]
		}
	}
	if end := s.End(); end != nil {
		i.Closed = end.ClosedAt
	}
	return i
}

func infos(nodes []*node) []ShardInfo {
	list := make([]ShardInfo, len(nodes))
	for i, n := range nodes {
		list[i] = info(n.shard)
	}
	return list
}
