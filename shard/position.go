package shard

import "time"

// PositionType is one of the five kinds of shard iterator.
type PositionType int

// The kinds of position. The zero value is the trim horizon, so that a zero
// [Position] reads everything.
const (
	PositionTrimHorizon PositionType = iota
	PositionLatest
	PositionAtSequenceNumber
	PositionAfterSequenceNumber
	PositionAtTimestamp
)

// String is the API's name of the type.
func (t PositionType) String() string {
	switch t {
	case PositionTrimHorizon:
		return "TRIM_HORIZON"
	case PositionLatest:
		return "LATEST"
	case PositionAtSequenceNumber:
		return "AT_SEQUENCE_NUMBER"
	case PositionAfterSequenceNumber:
		return "AFTER_SEQUENCE_NUMBER"
	case PositionAtTimestamp:
		return "AT_TIMESTAMP"
	default:
		return "UNKNOWN"
	}
}

// Position says where in a shard to start reading. Make one with [TrimHorizon],
// [Latest], [AtSequenceNumber], [AfterSequenceNumber] or [AtTimestamp].
type Position struct {
	Type           PositionType
	SequenceNumber SequenceNumber // for the two kinds that have one
	Timestamp      time.Time      // for PositionAtTimestamp
}

// TrimHorizon is the oldest record that retention still holds.
func TrimHorizon() Position { return Position{} }

// Latest is just after the newest record at the moment when the position is
// resolved: what is put afterwards is read.
func Latest() Position { return Position{Type: PositionLatest} }

// AtSequenceNumber is the record with the number n, or the first one after it.
// The numbers that start and end a shard are legal, and so are those of records
// that have been trimmed, which mean the trim horizon. A number that the shard
// has not come to yet is waited for.
func AtSequenceNumber(n SequenceNumber) Position {
	return Position{Type: PositionAtSequenceNumber, SequenceNumber: n}
}

// AfterSequenceNumber is the first record after the one with the number n. The
// number that ends a closed shard is refused, as by the service.
func AfterSequenceNumber(n SequenceNumber) Position {
	return Position{Type: PositionAfterSequenceNumber, SequenceNumber: n}
}

// AtTimestamp is the first record that arrived at t or later, to the
// millisecond. A time before the trim horizon means the trim horizon; with no
// such record yet, it means the next one to come; a time after now is refused.
func AtTimestamp(t time.Time) Position {
	return Position{Type: PositionAtTimestamp, Timestamp: t}
}

// resolve finds the index of the record that p names in s. The index may lie
// before the trim horizon, so that a reader can count what it missed.
func (s *Shard) resolve(p Position) (uint64, error) {
	switch p.Type {
	case PositionLatest:
		return s.tail.Load(), nil
	case PositionAtSequenceNumber, PositionAfterSequenceNumber:
		return s.resolveNumber(p)
	case PositionAtTimestamp:
		now := s.clock.Now()
		if p.Timestamp.UnixMilli() > now {
			return 0, &TimestampError{Timestamp: p.Timestamp, Now: time.UnixMilli(now)}
		}
		s.expire(now)
		return s.indexAtTime(p.Timestamp.UnixMilli()), nil
	case PositionTrimHorizon:
		s.expire(s.clock.Now())
		return s.head.Load(), nil
	default:
		return 0, &PositionError{Type: p.Type}
	}
}

func (s *Shard) resolveNumber(p Position) (uint64, error) {
	n := p.SequenceNumber
	fail := func(reason SequenceNumberReason, encodes string) (uint64, error) {
		return 0, &SequenceNumberError{Text: n.String(), ShardID: s.id, EncodesShard: encodes, Reason: reason}
	}
	f, err := n.Fields()
	if err != nil {
		return fail(Malformed, "")
	}
	if f.ShardIndex != s.index {
		return fail(OtherShard, ID(f.ShardIndex))
	}
	if f.Version != sequenceVersion || f.Creation.Unix() != s.prefix.creation {
		return fail(OtherStream, "")
	}
	index := f.RecordIndex
	if p.Type == PositionAfterSequenceNumber {
		if index == endIndex && s.end.Load() != nil {
			return fail(PastEnd, "")
		}
		index++
	}
	return max(index, firstIndex), nil
}
