package notify_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/roomcast/roomcast/notify"
)

// A transport attaches a member. The Hub wakes the transport, which pulls the messages and writes
// them.
func Example() {
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	defer hub.Close()

	wake := make(chan struct{}, 1)
	member, err := hub.Attach(notify.Attachment{
		ClientID: "5Zk2", UserID: "u1", Transport: "sse", Rooms: []string{"orders"},
		Wake: func(int) {
			select {
			case wake <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer member.Detach()

	receipt, err := hub.Publish(context.Background(),
		notify.Notification{Type: "order:paid", Data: json.RawMessage(`{"order":7}`)},
		notify.ToChannel("orders"))
	fmt.Println(receipt.Delivered, receipt.Users, receipt.Channels, receipt.Stored, err)

	<-wake
	deliveries := make([]notify.Delivery, 16)
	for n, more := 0, true; more; {
		n, more = member.Pull(deliveries)
		for _, d := range deliveries[:n] {
			m := d.Message
			fmt.Println(m.ID.Seq, m.Type, string(m.Data), string(m.Metadata),
				m.ID.String() == receipt.ID)
		}
	}
	// Output:
	// 1 1 1 true <nil>
	// 1 order:paid {"order":7} {"channel":"orders"} true
}

// A client that reconnects with its cursor gets the messages that it missed, then a recovery.
func Example_resume() {
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	defer hub.Close()
	publish := func(text string) notify.Receipt {
		r, err := hub.Publish(context.Background(),
			notify.Notification{Type: "news", Data: json.RawMessage(text)}, notify.ToAll())
		if err != nil {
			fmt.Println(err)
		}
		return r
	}
	seen := publish(`"one"`)
	publish(`"two"`)
	publish(`"three"`)

	cursor := notify.ParseCursor(seen.ID)
	member, err := hub.Attach(notify.Attachment{ClientID: "5Zk2", Resume: &cursor})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer member.Detach()
	deliveries := make([]notify.Delivery, 16)
	n, _ := member.Pull(deliveries)
	for _, d := range deliveries[:n] {
		if d.Message != nil {
			fmt.Println(string(d.Message.Data))
		} else if d.Recovery != nil {
			fmt.Println("recovered:", d.Recovery.Recovered, "replayed:", d.Recovery.Replayed)
		}
	}
	// Output:
	// "two"
	// "three"
	// recovered: true replayed: 2
}
