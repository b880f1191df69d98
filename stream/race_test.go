//go:build race

package stream_test

// raceEnabled is true where sync.Pool drops at random what it is given, so that
// allocations cannot be counted.
const raceEnabled = true
