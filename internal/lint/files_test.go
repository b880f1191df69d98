package lint_test

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// A path of somebody's own machine. The word before the slash keeps URLs
	// such as example.com/work/ out. Written apart so as not to find itself.
	localPath = regexp.MustCompile(`(^|[^\w.\-~)}\]/])/(` + `work|root|home/\w+|Users/\w+)/`)

	unfinished = regexp.MustCompile(`\b(` + `TO` + `DO|FIX` + `ME|X` + `XX)\b`)
)

// Every text file that is committed, or would be: what a reader of the
// repository cannot use does not belong in it.
func TestCommittedFiles(t *testing.T) {
	for _, name := range committed(t) {
		data, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
		if err != nil {
			continue // deleted, or a link to nowhere
		}
		if bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0 {
			continue // not text
		}
		n := 0
		for line := range strings.Lines(string(data)) {
			n++
			if localPath.MatchString(line) {
				t.Errorf("%s:%d: a path of one machine: %s", name, n, strings.TrimSpace(line))
			}
			if path.Ext(name) == ".go" && unfinished.MatchString(line) {
				t.Errorf("%s:%d: open an issue instead: %s", name, n, strings.TrimSpace(line))
			}
		}
	}
}

// committed returns the files of the repository, new ones that git does not
// ignore included.
func committed(t *testing.T) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root(t), ".git")); err != nil {
		t.Skip("not a clone of the repository")
	}
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	out := run(t, "git", "-c", "safe.directory="+root(t),
		"ls-files", "-z", "--cached", "--others", "--exclude-standard")
	names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(names) < 2 {
		t.Fatalf("git knows only of %q", names)
	}
	return names
}
