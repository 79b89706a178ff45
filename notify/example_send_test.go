package notify_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/catalogue"
)

// connected returns a Hub with a fixed clock and one connection, and a function that prints the
// messages of the connection.
func connected(userID string, channels ...string) (hub *notify.Hub, print func()) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	options := notify.DefaultOptions()
	options.Now = func() time.Time { return noon }
	hub = notify.New(notify.NewMemoryLog(), options)
	member, err := hub.Attach(notify.Attachment{ClientID: "Zk3vX0bq5tQyVfR2AAAB", UserID: userID,
		Transport: "websocket", Rooms: channels})
	if err != nil {
		panic(err)
	}
	return hub, func() {
		defer hub.Close()
		deliveries := make([]notify.Delivery, 16)
		n, _ := member.Pull(deliveries)
		for _, d := range deliveries[:n] {
			id := d.Message.ID // of an epoch that is random at each start
			json := string(d.Message.AppendJSON(nil))
			fmt.Println(strings.Replace(json, id.String(),
				notify.ID{Epoch: 0x5f3a9c01, Seq: id.Seq}.String(), 1))
		}
	}
}

func ExampleText() {
	hub, print := connected("u1")
	sent, err := hub.SendToUser(context.Background(), "u1", notify.Text("Your table is ready"))
	fmt.Println(sent, err)
	print()
	// Output:
	// 1 <nil>
	// {"id":"5f3a9c01-1","type":"notification","data":{"message":"Your table is ready"},"timestamp":"2026-11-22T12:00:00.000Z"}
}

func ExampleHub_Publish() {
	hub, print := connected("u1")
	r, err := hub.Publish(context.Background(), catalogue.Custom{
		Type: "order:assigned", Data: map[string]any{"orderId": 17},
	}, notify.ToUsers("u1", "u2", "u3"), notify.TTL(time.Hour))
	fmt.Println(r.Users, "of", r.Targets, "users are online", err)
	print()
	// Output:
	// 1 of 3 users are online <nil>
	// {"id":"5f3a9c01-1","type":"order:assigned","data":{"orderId":17,"metadata":{"category":"custom","priority":"normal"}},"timestamp":"2026-11-22T12:00:00.000Z","metadata":{"category":"custom","priority":"normal"}}
}

func ExampleHub_History() {
	hub, _ := connected("u1", "orders")
	defer hub.Close()
	for _, status := range []string{"started", "processing", "completed"} {
		_, err := hub.SendToChannel(context.Background(), "orders",
			catalogue.Job{JobID: "j_7", Status: status})
		if err != nil {
			fmt.Println(err)
		}
	}
	newest, _ := hub.History(context.Background(), []string{"orders"}, notify.Cursor{}, 2)
	for _, m := range newest.Messages {
		fmt.Println(m.ID.Seq, m.Type)
	}
	since := notify.Cursor{ID: newest.Messages[0].ID}
	later, _ := hub.History(context.Background(), []string{"orders"}, since, 0)
	fmt.Println(len(later.Messages), later.Gap)
	// Output:
	// 2 job:processing
	// 3 job:completed
	// 1 false
}
