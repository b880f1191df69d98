// Package clock is the one place where Millrace reads the time or sets a timer.
//
// [Real] is the default everywhere. It goes through package time, so code that
// uses it runs under testing/synctest with nothing configured. [Manual] is for
// a test that lives outside such a bubble, or a server that is driven from
// outside: one Advance moves the time and fires the timers that it passes.
//
// [Millis] is the hot path's view of a clock: Unix milliseconds, the
// resolution of an arrival time, at the price of one monotonic reading.
package clock
