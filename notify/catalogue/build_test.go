package catalogue

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// built builds a typed notification, and returns its type, target and data.
func built(t *testing.T, typed notify.Typed) string {
	t.Helper()
	n, target, err := typed.Build()
	if err != nil {
		return err.Error()
	}
	if !json.Valid(n.Data) || !json.Valid(n.Metadata) {
		t.Errorf("not JSON: %s %s", n.Data, n.Metadata)
	}
	return n.Type + " " + strings.Join(target.Subjects(), ",") + " " + string(n.Data)
}

func TestBuild(t *testing.T) {
	t.Parallel()
	date := time.Date(2026, 11, 22, 11, 0, 0, 0, time.FixedZone("", 3600))
	for _, c := range []struct {
		typed notify.Typed
		want  string
	}{
		{Payment{PaymentID: "p1", Status: "completed", CustomerID: "u1", Amount: 9.99,
			Currency: "EUR"},
			`payment:completed user:u1 {"paymentId":"p1","status":"completed","customerId":"u1",` +
				`"amount":9.99,"currency":"EUR","metadata":{"category":"payment",` +
				`"priority":"normal","source":"webhook"}}`},
		{Payment{PaymentID: "p1", Status: "failed",
			Data:     map[string]any{"z": "<&>", "amount": 0, "a": nil},
			Metadata: map[string]any{"b": 1, "a": []int{2}}},
			`payment:failed  {"paymentId":"p1","status":"failed","a":null,"amount":0,"z":"<&>",` +
				`"metadata":{"category":"payment","priority":"high","source":"webhook","a":[2],` +
				`"b":1}}`},
		{Payment{PaymentID: "p1", Status: "failed", Data: map[string]any{"customerId": "u2"},
			Metadata: map[string]any{"category": "shop", "priority": "low", "source": "stripe"}},
			`payment:failed user:u2 {"paymentId":"p1","status":"failed","customerId":"u2",` +
				`"metadata":{"category":"shop","priority":"low","source":"stripe"}}`},
		{VideoProcessing{VideoID: "v1", Status: "processing", Progress: 12.5, DurationMs: 1e6},
			`job:processing  {"videoId":"v1","status":"processing","jobType":"video-processing",` +
				`"jobId":"v1","progress":12.5,"durationMs":1000000,"metadata":{"category":"job",` +
				`"priority":"normal","source":"job-processor"}}`},
		{DataExport{ExportID: "e1", JobID: "j1", Status: "completed", ExpiresAt: date},
			`job:completed  {"exportId":"e1","status":"completed","jobType":"data-export",` +
				`"jobId":"j1","expiresAt":"2026-11-22T10:00:00.000Z",` +
				`"metadata":{"category":"job","priority":"normal","source":"job-processor"}}`},
		{Job{JobID: "j1", Status: "progress", Result: map[string]int{"a": 1}},
			`job:progress  {"jobId":"j1","status":"progress","result":{"a":1},` +
				`"metadata":{"category":"job","priority":"normal","source":"job-processor"}}`},
		{PostUpdate{PostID: "7", Action: "created", Tags: []string{"a"}},
			`realtime:post:created channel:content-updates {"postId":"7","action":"created",` +
				`"tags":["a"],"metadata":{"category":"content","priority":"normal",` +
				`"source":"realtime-update"}}`},
		{Maintenance{MaintenanceID: "m", Action: "emergency"},
			`maintenance all {"maintenanceId":"m","action":"emergency",` +
				`"metadata":{"category":"maintenance","priority":"high","source":"system",` +
				`"system":true}}`},
		{Custom{Type: "x"}, `x all {"metadata":{"category":"custom","priority":"normal"}}`},
		{
			System{Type: "deploy", Data: map[string]any{"v": 1}},
			`deploy all {"v":1,"metadata":{"category":"system","priority":"normal",` +
				`"source":"system","system":true}}`,
		},
		{Achievement{UserID: "u1", Achievement: "level_up", Level: 3},
			`user:level_up user:u1 {"userId":"u1","achievement":"level_up","level":3,` +
				`"metadata":{"category":"achievement","priority":"medium",` +
				`"source":"user-activity"}}`},

		{Payment{}, `status: got "", expected pending, completed, failed or refunded`},
		{
			Payment{Status: "paid"},
			`status: got "paid", expected pending, completed, failed or refunded`,
		},
		{Payment{Status: "failed"}, `paymentId: is empty, expected 1 to 200 bytes`},
		{Payment{Status: "failed", PaymentID: "a\n"}, `paymentId: "a\n" ends with a space`},
		{
			Payment{Status: "failed", PaymentID: "p", Currency: strings.Repeat("x", 17)},
			`data.currency: is 17 bytes long, expected at most 16`,
		},
		{
			Payment{Status: "failed", PaymentID: "p", Reason: "\xff"},
			`data.reason: is not valid UTF-8`,
		},
		{
			Payment{Status: "failed", PaymentID: "p", Amount: -1 / zero},
			`data.amount: got the number -Inf, expected a number`,
		},
		{
			Payment{Status: "failed", PaymentID: "p", Amount: 1, Data: map[string]any{"amount": 2}},
			`data.amount: has two values, expected one`,
		},
		{
			Payment{Status: "failed", PaymentID: "p", Data: map[string]any{"amount": "2"}},
			`data.amount: got the string "2", expected a number`,
		},
		{
			Payment{Status: "failed", PaymentID: "p", Data: map[string]any{"paymentId": "q"}},
			`data.paymentId: got the string "q", expected "p" as outside data`,
		},
		{
			Payment{Status: "failed", PaymentID: "p", Data: map[string]any{"metadata": 1}},
			`data.metadata: is not a field of data, expected metadata outside data`,
		},
		{
			Payment{Status: "failed", PaymentID: "p", Data: map[string]any{"f": func() {}}},
			`data.f: cannot be sent: unsupported type: func()`,
		},
		{
			Payment{
				Status: "failed", PaymentID: "p", Metadata: map[string]any{"priority": "urgent"},
			},
			`metadata.priority: got "urgent", expected low, medium, normal or high`,
		},
		{
			Payment{Status: "failed", PaymentID: "p", Metadata: map[string]any{"category": 1}},
			`metadata.category: got the number 1, expected a string`,
		},
		{
			Payment{Status: "failed", PaymentID: "p", Metadata: map[string]any{"system": true}},
			`metadata.system: is set by the kind, expected no value`,
		},
		{
			Job{Status: "started", JobID: "j", Progress: 101},
			`data.progress: got the number 101, expected a number from 0 to 100`,
		},
		{
			Job{Status: "started", JobID: "j", DurationMs: -1},
			`data.durationMs: got the number -1, expected an integer of at least 0`,
		},
		{
			DataExport{ExportID: "e1", Status: "failed", ExpiresAt: date.AddDate(9000, 0, 0)},
			`data.expiresAt: got the year 11026, expected a time such as "2026-11-22T10:00:00Z"`,
		},
		{Custom{}, `type: is empty, expected 1 to 128 bytes`},
		{Custom{Type: "connect"}, `type: "connect" is reserved, choose another name`},
		{Achievement{UserID: "u", Achievement: "a "}, `achievement: "a " ends with a space`},
		{
			Achievement{UserID: strings.Repeat("u", 129), Achievement: "a"},
			`userId: is 129 bytes long, expected at most 128`,
		},
	} {
		if got := built(t, c.typed); got != c.want {
			t.Errorf("%T\n got %s\nwant %s", c.typed, got, c.want)
		}
		var invalid *notify.ValidationError
		if _, _, err := c.typed.Build(); err != nil && !errors.As(err, &invalid) {
			t.Errorf("%v is a %T", err, err)
		}
	}
}

var zero float64
