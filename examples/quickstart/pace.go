package main

import (
	"context"
	"sync/atomic"
	"time"
)

// pace counts what is put and read, and makes the producers and the resharder
// meet.
//
// Resharding is meant to happen in the middle of the puts. But a small log is
// put in a millisecond or two, before the resharder has had a look. So the count
// of records put reaches milestones, which the resharder waits for, and two
// gates hold the producers back if it is late:
//
//	records put  0         1/3   1/2   2/3   5/6   all
//	producers    |----------------+-----------+-----|
//	resharder               split ^     merge ^
//
// A split or merge takes microseconds, so in a longer run the gates are open
// when the producers come to them, and puts go on while it happens. Nobody waits
// for ever: what may be put before a gate is enough to reach the milestone that
// the resharder needs to open it.
type pace struct {
	total   int64
	started time.Time
	claimed atomic.Int64 // records that are put or on their way
	put     atomic.Int64
	read    atomic.Int64

	toSplit, toMerge milestone
	split, merged    gate

	took time.Duration // all puts; set by the last one
}

// milestone is reached when so many records have been put.
type milestone struct {
	at      int64
	reached chan struct{}
}

// gate holds back records from a number on until it is opened.
type gate struct {
	from int64
	open chan struct{}
}

func newPace(total int) *pace {
	n := int64(total)
	part := func(numerator, denominator int64) int64 { // rounded up
		return (n*numerator + denominator - 1) / denominator
	}
	return &pace{
		total:   n,
		toSplit: milestone{part(1, 3), make(chan struct{})},
		toMerge: milestone{part(2, 3), make(chan struct{})},
		split:   gate{part(1, 2), make(chan struct{})},
		merged:  gate{part(5, 6), make(chan struct{})},
		started: time.Now(),
	}
}

// begin waits until n more records may be put.
func (p *pace) begin(ctx context.Context, n int) error {
	first := p.claimed.Add(int64(n)) - int64(n)
	for _, g := range []gate{p.split, p.merged} {
		if first < g.from {
			break
		}
		if err := wait(ctx, g.open); err != nil {
			return err
		}
	}
	return nil
}

// done says that n more records have been put.
func (p *pace) done(n int) {
	after := p.put.Add(int64(n))
	before := after - int64(n)
	for _, m := range []milestone{p.toSplit, p.toMerge} {
		if before < m.at && m.at <= after { // for one caller only
			close(m.reached)
		}
	}
	if after == p.total {
		p.took = time.Since(p.started)
	}
}

func wait(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
