package strictjson_test

import (
	"fmt"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// A request body is checked once, where it comes in, and then taken apart.
func Example() {
	body := []byte(`{"type":"order:new","data":{"order":7}}`)
	checked, err := strictjson.Split(body, strictjson.Rules{Depth: 33})
	if err != nil {
		fmt.Println(err)
		return
	}
	for m := range checked.Members() {
		fmt.Println(m.Name, "is", m.Value.Describe())
	}
	// Output:
	// type is the string "order:new"
	// data is an object
}

// An error says where it is.
func ExampleCheck() {
	_, err := strictjson.Check([]byte(`{"lines":[{"sku":"a"},{"sku":"b","sku":"c"}]}`),
		strictjson.Rules{})
	fmt.Println(err)
	_, err = strictjson.Check([]byte(`{"amount":NaN}`), strictjson.Rules{})
	fmt.Println(err)
	// Output:
	// lines[1].sku: duplicate key "sku"
	// not valid JSON at byte 10: got 'N', expected a value
}
