// Package bench measures the hot paths of Millrace, each beside a floor: the
// steps that no design can leave out (MD5 of the key, one clock reading, one
// uncontended lock, one copy), done by themselves in the same run. Times vary
// between machines and between minutes; the ratio to the floor, the metric
// x-floor, carries over.
//
//	go test -run '^$' -bench . ./bench
//
// The tables in bench/README.md come from here, and those that compare with
// other software from the nested module bench/compare.
package bench
