package lint_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/seed-187400e4/millrace"

	btree = "github.com/google/btree"
	xsync = "golang.org/x/sync"
)

// layer says what the files of a package, its tests apart, may import directly
// beside the standard library.
type layer struct {
	// ours are packages of this module, by their path below the root.
	ours []string
	// others are other modules.
	others []string
	// any stands for packages that end the graph: nobody imports programs.
	any bool
}

// layers is the table of the module's packages, lowest first: a package imports
// only what stands above it. A path that ends in "/..." covers the folders
// below it. Paths are relative to the root; "." is the root package.
//
// Whoever adds a package adds a line. Whoever wants a new arrow argues for it
// here and in ARCHITECTURE.md.
var layers = []struct {
	pkg string
	layer
}{
	{"hashkey", layer{}},
	{"clock", layer{}},
	{"shard", layer{ours: []string{"hashkey", "clock"}, others: []string{btree, xsync}}},
	{"stream", layer{ours: []string{"hashkey", "clock", "shard"}, others: []string{btree, xsync}}},
	{"streamtest", layer{ours: []string{"hashkey", "clock", "shard", "stream"}, others: []string{xsync}}},

	{".", layer{}}, // documentation and examples only
	{"internal/lint", layer{}},
	{"internal/model", layer{ours: []string{"hashkey", "clock", "shard", "stream"}}},
	{"bench", layer{any: true}},
	{"examples/...", layer{any: true}},
}

// direct are the modules that go.mod may require, which is what everybody who
// imports the library gets to see in theirs.
var direct = []string{
	btree,
	xsync,
	"github.com/stretchr/testify", // tests only; see TestTestifyStaysInTests
	"github.com/fxamacker/cbor/v2",
	"github.com/klauspost/compress",
}

// pkg is what `go list -json` says of one package.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Module     *struct{ Path string }
}

// rel returns the path of a package of this module below the root.
func (p pkg) rel() (rel string, ok bool) {
	if p.Module == nil || p.Module.Path != module {
		return "", false
	}
	if p.ImportPath == module {
		return ".", true
	}
	return strings.TrimPrefix(p.ImportPath, module+"/"), true
}

func TestLayers(t *testing.T) {
	pkgs := list(t)
	for i, row := range layers {
		for _, below := range row.ours {
			if j := rowOf(below); j < 0 || j >= i {
				t.Errorf("layers: %s may import %s, which is not above it in the table", row.pkg, below)
			}
		}
	}

	for _, p := range pkgs {
		name, ok := p.rel()
		if !ok {
			continue
		}
		i := rowOf(name)
		if i < 0 {
			t.Errorf("package %s has no line in the table of layers: add one to internal/lint/layers_test.go, "+
				"below everything it imports, and a strict depguard rule to .golangci.yml if users import it", name)
			continue
		}
		row := layers[i]
		if row.any {
			continue
		}
		for _, path := range p.Imports {
			dep, ok := pkgs[path]
			if !ok || dep.Standard {
				continue // "C", "unsafe"
			}
			if below, ok := dep.rel(); ok {
				if !slices.Contains(row.ours, below) {
					t.Errorf("%s imports %s; its layer may import %s", name, below, orNothing(row.ours))
				}
			} else if dep.Module == nil || !slices.Contains(row.others, dep.Module.Path) {
				t.Errorf("%s imports %s; its layer may import %s", name, path, orNothing(row.others))
			}
		}
	}
}

// What an importer of the core compiles: the standard library, btree and
// x/sync, through however many packages in between.
func TestCoreDependencies(t *testing.T) {
	pkgs := list(t)
	for name, allowed := range map[string][]string{
		"hashkey": {module},
		"clock":   {module},
		"shard":   {module, btree, xsync},
		"stream":  {module, btree, xsync},
	} {
		root := pkgs[module+"/"+name]
		if root == nil {
			continue
		}
		for _, d := range closure(pkgs, root) {
			if !d.Standard && !slices.Contains(allowed, d.Module.Path) {
				t.Errorf("%s depends on %s, and may depend on %s", name, d.ImportPath, orNothing(allowed))
			}
			if rel, ok := d.rel(); ok && len(allowed) == 1 && rel != name {
				t.Errorf("%s depends on %s, and may depend on the standard library alone", name, rel)
			}
		}
	}
}

// The exported conformance suite imports package testing, so that anybody can
// run it, but not testify: its users choose their own.
func TestTestifyStaysInTests(t *testing.T) {
	for _, p := range list(t) {
		if p.Module == nil || p.Module.Path != "github.com/stretchr/testify" {
			continue
		}
		t.Errorf("%s is a dependency of a package outside its tests", p.ImportPath)
	}
}

func TestRequirements(t *testing.T) {
	var mod struct {
		Module  struct{ Path string }
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []struct{ Old struct{ Path string } }
		Exclude []struct{ Path string }
		Tool    []struct{ Path string }
	}
	if err := json.Unmarshal(run(t, "go", "mod", "edit", "-json"), &mod); err != nil {
		t.Fatalf("go mod edit -json: %v", err)
	}
	if mod.Module.Path != module {
		t.Fatalf("the module is %s and this test says %s", mod.Module.Path, module)
	}
	for _, r := range mod.Require {
		if !r.Indirect && !slices.Contains(direct, r.Path) {
			t.Errorf("go.mod requires %s: the library promises not to; a nested module may", r.Path)
		}
	}
	for _, r := range mod.Replace {
		t.Errorf("go.mod replaces %s: importers do not see replacements", r.Old.Path)
	}
	for _, x := range mod.Exclude {
		t.Errorf("go.mod excludes %s: importers do not see exclusions", x.Path)
	}
	for _, x := range mod.Tool {
		t.Errorf("go.mod lists the tool %s: tools belong in tools/go.mod", x.Path)
	}
}

// Read from the files rather than from go list, so that no build constraint and
// no test file hides an import.
func TestNoAWSSDK(t *testing.T) {
	for _, file := range goFiles(t) {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), file), nil, parser.ImportsOnly)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, spec := range f.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Errorf("%s: import %s: %v", file, spec.Path.Value, err)
			}
			if p == "github.com/aws" || strings.HasPrefix(p, "github.com/aws/") {
				t.Errorf("%s imports %s: AWS SDKs belong in nested modules", file, p)
			}
		}
	}
}

// rowOf returns the line of the table for a package, or -1.
func rowOf(name string) int {
	for i, row := range layers {
		if row.pkg == name {
			return i
		}
		if dir, ok := strings.CutSuffix(row.pkg, "/..."); ok && strings.HasPrefix(name, dir+"/") {
			return i
		}
	}
	return -1
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing beside the standard library"
	}
	return strings.Join(list, ", ")
}

// closure returns a package with everything it depends on.
func closure(pkgs map[string]*pkg, p *pkg) []*pkg {
	seen := map[*pkg]bool{p: true}
	all := []*pkg{p}
	for i := 0; i < len(all); i++ {
		for _, name := range all[i].Imports {
			if d := pkgs[name]; d != nil && !seen[d] {
				seen[d] = true
				all = append(all, d)
			}
		}
	}
	return all
}

// list returns the packages of the module and their dependencies, tests apart,
// by import path.
func list(t *testing.T) map[string]*pkg {
	t.Helper()
	// go test caches a passing run and cannot see what a child process reads.
	// Listing the files here makes it run again after any of them changed.
	goFiles(t)

	out := run(t, "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Module", "./...")
	pkgs := map[string]*pkg{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(pkg)
		err := d.Decode(p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("go list -json: %v", err)
		}
		pkgs[p.ImportPath] = p
	}
	if len(pkgs) == 0 {
		t.Fatal("go list found no packages")
	}
	return pkgs
}

// goFiles returns the Go files of the root module, relative to its folder:
// those that belong to no nested module. It opens each, which ties the cached
// result of this test to their content.
func goFiles(t *testing.T) []string {
	t.Helper()
	top := root(t)
	var files []string
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p == top {
				return nil
			}
			if strings.HasPrefix(d.Name(), ".") && d.Name() != ".ci" || d.Name() == "testdata" {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(d.Name()) == ".go" || p == filepath.Join(top, "go.mod") {
			f, err := os.Open(p)
			if err != nil {
				return err
			}
			if path.Ext(d.Name()) == ".go" {
				rel, err := filepath.Rel(top, p)
				if err != nil {
					return err
				}
				files = append(files, rel)
			}
			return f.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// run returns the standard output of a command at the root of the module.
func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root(t)
	// A workspace would show the versions of other modules.
	cmd.Env = append(cmd.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		t.Fatalf("%s: %v", strings.Join(cmd.Args, " "), err)
	}
	return out
}

// root returns the folder of the module. Tests run in the folder of their
// package.
func root(t *testing.T) string {
	t.Helper()
	top, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return top
}
