package catalogue_test

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
	member, err := hub.Attach(notify.Attachment{
		ClientID: "Zk3vX0bq5tQyVfR2AAAB", UserID: userID, Transport: "websocket", Rooms: channels,
	})
	if err != nil {
		panic(err)
	}
	return hub, func() {
		defer hub.Close()
		deliveries := make([]notify.Delivery, 16)
		n, _ := member.Pull(deliveries)
		for _, d := range deliveries[:n] {
			id := d.Message.ID // with a random epoch
			json := string(d.Message.AppendJSON(nil))
			fmt.Println(strings.Replace(json, id.String(),
				notify.ID{Epoch: 0x5f3a9c01, Seq: id.Seq}.String(), 1))
		}
	}
}

func ExamplePayment() {
	hub, print := connected("u1")
	receipt, err := hub.Send(context.Background(), catalogue.Payment{
		PaymentID: "p_81", Status: "completed", CustomerID: "u1", Amount: 9.99, Currency: "EUR",
	})
	fmt.Println(receipt.Delivered, receipt.Users, err)
	print()
	// Output:
	// 1 1 <nil>
	// {"id":"5f3a9c01-1","type":"payment:completed","data":{"paymentId":"p_81","status":"completed","customerId":"u1","amount":9.99,"currency":"EUR","metadata":{"category":"payment","priority":"normal","source":"webhook"}},"timestamp":"2026-11-22T12:00:00.000Z","metadata":{"category":"payment","priority":"normal","source":"webhook"}}
}

func ExampleUserAccount() {
	hub, print := connected("u1")
	sent, err := hub.SendToUser(context.Background(), "u1", catalogue.UserAccount{
		UserID: "u1", Action: "created", Username: "john_doe", Email: "john@example.com",
		Data: map[string]any{"plan": "pro"},
	})
	fmt.Println(sent, err)
	print()
	// Output:
	// 1 <nil>
	// {"id":"5f3a9c01-1","type":"user:created","data":{"userId":"u1","action":"created","username":"john_doe","email":"john@example.com","plan":"pro","metadata":{"category":"account","priority":"normal","source":"webhook"}},"timestamp":"2026-11-22T12:00:00.000Z","metadata":{"category":"account","priority":"normal","source":"webhook"}}
}

func ExampleSystemHealth() {
	hub, print := connected("admin", "system-monitoring")
	_, err := hub.Send(context.Background(), catalogue.SystemHealth{
		SystemID: "database", Status: "warning", Message: "Connections are running out",
		Metric: "connections", Value: 91, Threshold: 90,
	})
	fmt.Println(err)
	print()
	// Output:
	// <nil>
	// {"id":"5f3a9c01-1","type":"system:warning","data":{"systemId":"database","status":"warning","message":"Connections are running out","metric":"connections","value":91,"threshold":90,"metadata":{"category":"system","priority":"medium","source":"system","system":true}},"timestamp":"2026-11-22T12:00:00.000Z","metadata":{"category":"system","priority":"medium","source":"system","system":true,"channel":"system-monitoring"}}
}

func ExampleJob() {
	hub, print := connected("u1")
	_, err := hub.Send(context.Background(), catalogue.Job{
		JobID: "j_7", Status: "completed", JobType: "report", Result: map[string]int{"pages": 12},
		DurationMs: 5300,
	}, notify.ToUser("u1"))
	fmt.Println(err)

	_, err = hub.Send(context.Background(), catalogue.Job{JobID: "j_8", Status: "started"})
	fmt.Println(err) // a job has no default target
	print()
	// Output:
	// <nil>
	// target: is missing, expected user, users, channel, channels, client or all
	// {"id":"5f3a9c01-1","type":"job:completed","data":{"jobId":"j_7","status":"completed","jobType":"report","result":{"pages":12},"durationMs":5300,"metadata":{"category":"job","priority":"normal","source":"job-processor"}},"timestamp":"2026-11-22T12:00:00.000Z","metadata":{"category":"job","priority":"normal","source":"job-processor"}}
}

func ExampleVideoProcessing() {
	hub, print := connected("u1")
	_, err := hub.Send(context.Background(), catalogue.VideoProcessing{
		VideoID: "v_3", Status: "completed", Title: "Holiday", URL: "https://example.com/v/3",
	}, notify.ToUser("u1"))
	fmt.Println(err)
	print()
	// Output:
	// <nil>
	// {"id":"5f3a9c01-1","type":"job:completed","data":{"videoId":"v_3","status":"completed","jobType":"video-processing","jobId":"v_3","title":"Holiday","url":"https://example.com/v/3","metadata":{"category":"job","priority":"normal","source":"job-processor"}},"timestamp":"2026-11-22T12:00:00.000Z","metadata":{"category":"job","priority":"normal","source":"job-processor"}}
}

func ExampleDataExport() {
	hub, print := connected("u1")
	_, err := hub.Send(context.Background(), catalogue.DataExport{
		ExportID: "e_5", Status: "completed", Format: "csv", RecordCount: 1200,
		DownloadURL: "https://example.com/exports/e_5.csv",
		ExpiresAt:   time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
	}, notify.ToUser("u1"), notify.TTL(24*time.Hour))
	fmt.Println(err)
	print()
	// Output:
	// <nil>
	// {"id":"5f3a9c01-1","type":"job:completed","data":{"exportId":"e_5","status":"completed","jobType":"data-export","jobId":"e_5","format":"csv","recordCount":1200,"downloadUrl":"https://example.com/exports/e_5.csv","expiresAt":"2026-11-23T12:00:00.000Z","metadata":{"category":"job","priority":"normal","source":"job-processor"}},"timestamp":"2026-11-22T12:00:00.000Z","metadata":{"category":"job","priority":"normal","source":"job-processor"}}
}

func ExamplePostUpdate() {
	hub, print := connected("u1", "content-updates")
	_, err := hub.Send(context.Background(), catalogue.PostUpdate{
		PostID: "77", Action: "created", Title: "Hello", AuthorID: "u2", Tags: []string{"news"},
	})
	fmt.Println(err)
	print()
	// Output:
	// <nil>
	// {"id":"5f3a9c01-1","type":"realtime:post:created","data":{"postId":"77","action":"created","title":"Hello","authorId":"u2","tags":["news"],"metadata":{"category":"content","priority":"normal","source":"realtime-update"}},"timestamp":"2026-11-22T12:00:00.000Z","metadata":{"category":"content","priority":"normal","source":"realtime-update","channel":"content-updates"}}
}

func ExampleProfileUpdate() {
	hub, print := connected("u1")
	_, err := hub.Send(context.Background(), catalogue.ProfileUpdate{
		UserID: "u1", Action: "avatar_changed", AvatarURL: "https://example.com/a/u1.png",
	})
	fmt.Println(err)
	print()
	// Output:
	// <nil>
	// {"id":"5f3a9c01-1","type":"realtime:profile:avatar_changed","data":{"userId":"u1","action":"avatar_changed","avatarUrl":"https://example.com/a/u1.png","metadata":{"category":"profile","priority":"low","source":"realtime-update"}},"timestamp":"2026-11-22T12:00:00.000Z","metadata":{"category":"profile","priority":"low","source":"realtime-update"}}
}

func ExampleMaintenance() {
	hub, print := connected("u1")
	sent, err := hub.Broadcast(context.Background(), catalogue.Maintenance{
		MaintenanceID: "m_12", Action: "scheduled", Message: "We are back in ten minutes",
		StartTime: time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC),
		EndTime:   time.Date(2026, 11, 22, 22, 10, 0, 0, time.UTC),
	})
	fmt.Println(sent, err)
	print()
	// Output:
	// 1 <nil>
	// {"id":"5f3a9c01-1","type":"maintenance","data":{"maintenanceId":"m_12","action":"scheduled","message":"We are back in ten minutes","startTime":"2026-11-22T22:00:00.000Z","endTime":"2026-11-22T22:10:00.000Z","metadata":{"category":"maintenance","priority":"medium","source":"system","system":true}},"timestamp":"2026-11-22T12:00:00.000Z","metadata":{"category":"maintenance","priority":"medium","source":"system","system":true}}
}
