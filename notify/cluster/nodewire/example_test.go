package nodewire_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// A message goes through the stream from one node to another.
func Example() {
	m := &notify.Message{
		Namespace: "/", Rooms: []string{"orders"}, Type: "order",
		Timestamp: time.UnixMilli(1795862270696), Args: json.RawMessage(`[7]`),
	}
	e, err := nodewire.FromMessage(m, "7263aabbccddeeff", "x7")
	if err != nil {
		fmt.Println(err)
		return
	}
	fields, err := e.Fields()
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, pairs := 0, fields.Pairs(); i < len(pairs); i += 2 {
		fmt.Println(pairs[i], pairs[i+1])
	}

	read, err := nodewire.Decode(fields)
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := nodewire.StreamID("1795862270699-0")
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := read.Message(id, time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(again.Type, again.Rooms, string(again.Args))
	// Output:
	// uid 7263aabbccddeeff
	// nsp /
	// type 3
	// data {"packet":{"type":2,"data":["order",7]},"opts":{"rooms":["orders"],"except":[],"flags":{}}}
	// rc {"v":1,"k":"a","n":"x7","ts":1795862270696}
	// order [orders] [7]
}
