package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// showProgress draws a bar on w, ten times a second, if w is a terminal that
// somebody looks at. It reads two counters, so the run is not slower for it.
// The returned function takes the bar away; it may be called twice.
func showProgress(w io.Writer, p *pace) (stop func()) {
	if !isTerminal(w) || os.Getenv("CI") != "" {
		return func() {}
	}
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		drawProgress(w, p, tick.C, done)
	})
	return sync.OnceFunc(func() {
		close(done)
		running.Wait()
	})
}

// drawProgress draws the bar at each tick, and takes it away when done.
func drawProgress(w io.Writer, p *pace, tick <-chan time.Time, done <-chan struct{}) {
	width := 0
	for {
		select {
		case <-tick:
			line := progressLine(p.put.Load(), p.read.Load(), p.total)
			fmt.Fprint(w, "\r"+line)
			width = utf8.RuneCountInString(line)
		case <-done:
			if width > 0 {
				fmt.Fprint(w, "\r"+strings.Repeat(" ", width)+"\r")
			}
			return
		}
	}
}

// progressLine is the bar. Its length does not change in a run, so that each
// covers the last.
func progressLine(put, read, total int64) string {
	const width = 30
	done := int(put * width / total)
	bar := strings.Repeat("█", done) + strings.Repeat("░", width-done)
	return fmt.Sprintf("put %s %3d%%  read %3d%%", bar, put*100/total, read*100/total)
}

// isTerminal reports whether w is a file that is a character device.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
