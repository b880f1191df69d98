package clock_test

import (
	"fmt"
	"time"

	"github.com/seed-187400e4/millrace/clock"
)

func ExampleManual() {
	c := clock.NewManual(time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC))
	c.AfterFunc(time.Minute, func() { fmt.Println("due at", c.Now().Format(time.TimeOnly)) })
	late := c.AfterFunc(time.Hour, func() { fmt.Println("not printed") })

	c.Advance(30 * time.Second)
	fmt.Println("nothing yet at", c.Now().Format(time.TimeOnly))
	c.Advance(30 * time.Minute)
	fmt.Println("stopped in time:", late.Stop())
	// Output:
	// nothing yet at 12:00:30
	// due at 12:01:00
	// stopped in time: true
}

func ExampleMillis() {
	c := clock.NewManual(time.Unix(1_700_000_000, 0))
	m := clock.NewMillis(c)
	c.Advance(1500 * time.Microsecond)
	fmt.Println(m.Now())
	// Output: 1700000000001
}
