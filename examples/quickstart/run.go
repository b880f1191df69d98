package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed-187400e4/millrace/stream"
)

// run does what cfg asks for and writes the report to stdout. Progress goes to
// stderr. It ends when ctx does.
func run(ctx context.Context, cfg config, stdout, stderr io.Writer) error {
	out, err := measure(ctx, cfg, stderr)
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return fmt.Errorf("interrupted: %w", err)
	case err != nil:
		return err
	}
	_, err = io.WriteString(stdout, out.String())
	return err
}

// measure is run without its report.
func measure(ctx context.Context, cfg config, stderr io.Writer) (*report, error) {
	src, skip, err := open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s, err := stream.New("access-log", stream.Config{Shards: cfg.shards})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	initial, err := listShards(ctx, s)
	if err != nil {
		return nil, err
	}
	parts := assign(src, cfg.producers)
	live, again := newVerifier(src), newVerifier(src)

	// Producers, the resharder and a reader, all at once. The first failure
	// ends the others.
	p := newPace(src.len())
	hideProgress := showProgress(stderr, p)
	defer hideProgress()
	resharder := &resharder{stream: s, pace: p, notes: make(map[string]string)}
	g, gctx := errgroup.WithContext(ctx)
	for _, part := range parts {
		g.Go(func() error {
			return newProducer(s, src, p, batchSize(src.len(), cfg.producers)).produce(gctx, part)
		})
	}
	g.Go(func() error { return resharder.reshard(gctx) })
	var followed time.Duration
	g.Go(func() error {
		err := live.follow(gctx, s, p)
		followed = time.Since(p.started)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}

	// Reading consumes nothing: once more, by itself and to the end, to see
	// that there is nothing else and how fast it goes.
	start := time.Now()
	if err := again.readBack(ctx, s); err != nil {
		return nil, err
	}
	readBack := time.Since(start)
	if err := s.Check(); err != nil {
		return nil, err
	}
	shards, err := listShards(ctx, s)
	if err != nil {
		return nil, err
	}
	return &report{
		cfg:      cfg,
		src:      src,
		skipped:  skip,
		initial:  initial,
		shards:   shards,
		notes:    resharder.notes,
		stats:    s.Stats(),
		seen:     again.seen,
		read:     again.read,
		put:      p.took,
		followed: max(followed-p.took, 0),
		readBack: readBack,
	}, nil
}

// listShards are all shards, open and closed. There are few, so they are on one
// page.
func listShards(ctx context.Context, s *stream.Stream) ([]stream.ShardInfo, error) {
	page, err := s.ListShards(ctx, stream.ListShardsRequest{})
	return page.Shards, err
}
