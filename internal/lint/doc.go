// Package lint holds no code, only tests that keep promises about the module as
// a whole: which package may import which, what an importer inherits through
// go.mod, and what must not be in a committed file.
package lint
