// Command testsum reads the output of `go test -json` on its standard input,
// prints what a reader of a test log wants to see, and writes the closing lines
// of the run to a file: one "ok" or "FAIL" line a package, then a line alone
// that counts the test functions, "N passed, N failed".
//
// Only functions are counted: tests, examples and the seeds of fuzz targets,
// not their subtests. A package that fails without a failing test (it does not
// build, or it panics before the first test) counts as one failure. Skipped
// tests are listed by name with the closing lines and are in neither number.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build events, which have no Package
	Test       string
	Output     string
}

// summary is the account of one run.
type summary struct {
	passed  int
	failed  int
	skipped []string
	closing []string // the lines of packages, in the order they ended

	output     map[string]*strings.Builder // per package and test, until it ends
	failedIn   map[string]int              // failed functions of a package
	buildLines map[string]*strings.Builder // per import path
}

func main() {
	out := flag.String("out", "", "`file` that takes the closing lines")
	flag.Parse()
	if *out == "" || flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	s := summary{
		output:     map[string]*strings.Builder{},
		failedIn:   map[string]int{},
		buildLines: map[string]*strings.Builder{},
	}
	if err := s.read(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
	if err := os.WriteFile(*out, []byte(s.text()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
	if s.failed > 0 || s.passed == 0 {
		os.Exit(1)
	}
}

// read consumes events until the end of r and prints progress to w.
func (s *summary) read(r io.Reader, w io.Writer) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
				s.add(e, w)
			} else {
				// The go command itself speaks plain text.
				fmt.Fprint(w, line)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) add(e event, w io.Writer) {
	key := e.Package + "\x00" + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(w, e.Output)
	case "output":
		b := s.output[key]
		if b == nil {
			b = &strings.Builder{}
			s.output[key] = b
		}
		b.WriteString(e.Output)
	case "pass", "fail", "skip":
		text := ""
		if b := s.output[key]; b != nil {
			text = b.String()
			delete(s.output, key)
		}
		if e.Test == "" {
			s.endPackage(e, text, w)
			return
		}
		if e.Action == "fail" {
			fmt.Fprint(w, text)
		}
		if strings.Contains(e.Test, "/") {
			return
		}
		switch e.Action {
		case "pass":
			s.passed++
		case "fail":
			s.failed++
			s.failedIn[e.Package]++
		case "skip":
			s.skipped = append(s.skipped, e.Package+"."+e.Test)
		}
	}
}

// endPackage prints and keeps the line that go test closes a package with.
func (s *summary) endPackage(e event, text string, w io.Writer) {
	fail := e.Action == "fail"
	if fail {
		// A test that never ended (a panic, a timeout) has its say here.
		for key, b := range s.output {
			if strings.HasPrefix(key, e.Package+"\x00") {
				fmt.Fprint(w, b.String())
				delete(s.output, key)
			}
		}
		if s.failedIn[e.Package] == 0 {
			s.failed++
		}
	}
	for line := range strings.Lines(text) {
		switch {
		case closes(line, e.Package):
			s.closing = append(s.closing, line)
			fmt.Fprint(w, line)
		case fail:
			fmt.Fprint(w, line)
		}
	}
}

// closes says whether a line of package output is the go command's own verdict.
func closes(line, pkg string) bool {
	f := strings.Fields(line)
	if len(f) < 2 || f[1] != pkg {
		// "\tPKG\t\tcoverage: ..." closes a package without tests under -cover.
		return false
	}
	return f[0] == "ok" || f[0] == "FAIL" || f[0] == "?"
}

// text returns the closing lines.
func (s *summary) text() string {
	var b strings.Builder
	for _, name := range s.skipped {
		fmt.Fprintf(&b, "skipped: %s\n", name)
	}
	for _, line := range s.closing {
		b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
	}
	fmt.Fprintf(&b, "%d passed, %d failed\n", s.passed, s.failed)
	return b.String()
}
