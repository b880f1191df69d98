package hashkey_test

import (
	"fmt"

	"github.com/seed-187400e4/millrace/hashkey"
)

func ExampleKey() {
	first := hashkey.Key{Hi: 1} // 2^64
	second, _ := first.Next()
	fmt.Println(first, second)
	fmt.Println(first.Less(second), first == second)

	_, carry := hashkey.Max().Add(first)
	fmt.Println("past the end of the space:", carry)
	// Output:
	// 18446744073709551616 18446744073709551617
	// true false
	// past the end of the space: true
}

func ExampleParseKey() {
	key, err := hashkey.ParseKey("170141183460469231731687303715884105728")
	fmt.Println(key, err)

	_, err = hashkey.ParseKey("0x80")
	fmt.Println(err)
	// Output:
	// 170141183460469231731687303715884105728 <nil>
	// hashkey: "0x80" is not a hash key: write it as 1 to 39 decimal digits, with no sign, space or leading zero
}

func ExampleFromPartitionKey() {
	fmt.Println(hashkey.FromPartitionKey("a"))
	fmt.Println(hashkey.FromPartitionKey("日本"))
	// Output:
	// 16955237001963240173058271559858726497
	// 103341369634063465466164320543046703539
}

func ExampleRange() {
	r := hashkey.Range{Start: hashkey.Key{Lo: 10}, End: hashkey.Key{Lo: 20}}
	lower, upper, err := r.Split(hashkey.Key{Lo: 13})
	fmt.Println(lower, upper, err)

	whole, err := lower.Merge(upper)
	fmt.Println(whole, err)

	_, err = upper.Merge(lower)
	fmt.Println(err)
	// Output:
	// [10, 12] [13, 20] <nil>
	// [10, 20] <nil>
	// hashkey: cannot merge [13, 20] with [10, 12]: they are in the wrong order; pass the lower range first
}

func ExampleRange_Halve() {
	lower, upper, err := hashkey.Range{End: hashkey.Key{Lo: 99}}.Halve()
	fmt.Println(lower, upper, err)
	// Output:
	// [0, 48] [49, 99] <nil>
}

func ExampleEven() {
	ranges, err := hashkey.Even(3)
	if err != nil {
		fmt.Println(err)
		return
	}
	key := hashkey.FromPartitionKey("customer-17")
	for i, r := range ranges {
		fmt.Printf("shard %d owns %s: %t\n", i, r, r.Contains(key))
	}
	// Output:
	// shard 0 owns [0, 113427455640312821154458202477256070484]: true
	// shard 1 owns [113427455640312821154458202477256070485, 226854911280625642308916404954512140969]: false
	// shard 2 owns [226854911280625642308916404954512140970, 340282366920938463463374607431768211455]: false
}

func ExampleEvenAt() {
	fmt.Println(hashkey.EvenAt(2, 1))
	fmt.Println(hashkey.EvenAt(2, 2).Valid())
	// Output:
	// [170141183460469231731687303715884105728, 340282366920938463463374607431768211455]
	// false
}
