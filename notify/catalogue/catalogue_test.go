package catalogue

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// The names and defaults of the catalogue, which programs of users depend on.
func TestKinds(t *testing.T) {
	t.Parallel()
	var got []string
	for _, k := range Kinds() {
		target := "required"
		switch r := k.Target; {
		case r.All:
			target = "all"
		case r.Channel != "":
			target = "channel " + r.Channel
		case r.User != "":
			target = "user " + r.User
		}
		statuses := strings.Join(k.Status.Enum, " ")
		if k.Status.Enum == nil {
			statuses = "free"
		}
		priority := k.Priority
		for _, s := range k.Status.Enum {
			if p := k.PriorityOf(s); p != k.Priority {
				priority += " " + s + "=" + p
			}
		}
		source := k.Source
		if k.System {
			source += "+"
		}
		got = append(got, strings.Join([]string{k.Name, k.Type, k.ID.Name, k.Status.Name, statuses, target, priority, k.Category, source}, "|"))
	}
	want := []string{
		"payment|payment:<status>|paymentId|status|pending completed failed refunded|user data.customerId|normal failed=high|payment|webhook",
		"user-account|user:<action>|userId|action|created updated deleted suspended activated|user userId|normal deleted=high suspended=high|account|webhook",
		"system-health|system:<status>|systemId|status|healthy warning critical offline|channel system-monitoring|low warning=medium critical=high|system|system+",
		"job|job:<status>|jobId|status|started processing progress completed failed|required|normal failed=high|job|job-processor",
		"video-processing|job:<status>|videoId|status|started processing completed failed|required|normal failed=high|job|job-processor",
		"data-export|job:<status>|exportId|status|started processing completed failed|required|normal failed=high|job|job-processor",
		"batch-operation|job:<status>|batchId|status|started processing completed failed|required|normal failed=high|job|job-processor",
		"post-update|realtime:post:<action>|postId|action|created updated deleted published unpublished|channel content-updates|normal deleted=high|content|realtime-update",
		"profile-update|realtime:profile:<action>|userId|action|updated avatar_changed settings_changed|user userId|low|profile|realtime-update",
		"comment|realtime:comment:<action>|commentId|action|created updated deleted liked replied|channel interactions|normal deleted=high|interaction|realtime-update",
		"user-session|user:<action>|userId|action|login logout session_expired password_changed|user userId|low password_changed=high|session|user-activity",
		"achievement|user:<achievement>|userId|achievement|free|user userId|medium|achievement|user-activity",
		"maintenance|maintenance|maintenanceId|action|scheduled emergency completed|all|medium emergency=high|maintenance|system+",
		"security-alert|security:alert|alertId|severity|low medium high critical|all|low high=medium critical=high|security|system+",
		"webhook|<type>||type|free|all|normal|webhook|webhook",
		"realtime-update|<type>||type|free|all|normal|realtime|realtime-update",
		"user-activity|<type>||type|free|all|normal|activity|user-activity",
		"system|<type>||type|free|all|normal|system|system+",
		"custom|<type>||type|free|all|normal|custom|",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the catalogue is\n%s", strings.Join(got, "\n"))
	}
}

// Every kind is complete: its names and defaults are valid, and it has documentation.
func TestKindsAreComplete(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, k := range Kinds() {
		if found, ok := KindOf(k.Name); !ok || !reflect.DeepEqual(found, k) {
			t.Errorf("KindOf(%q) = %v, %v", k.Name, found, ok)
		}
		if names[k.Name] || names[k.Function] || k.Function != "send"+k.GoType+"Notification" || !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("%s: function %s, doc %q", k.Name, k.Function, k.Doc)
		}
		names[k.Name], names[k.Function] = true, true
		for _, typ := range k.Types() {
			if err := rooms.CheckType(typ); err != nil {
				t.Errorf("%s: %v", k.Name, err)
			}
		}
		if k.Target.Channel != "" && rooms.CheckChannel("channel", k.Target.Channel) != nil || len(k.Fields) > 64 {
			t.Errorf("%s: channel %q, %d fields", k.Name, k.Target.Channel, len(k.Fields))
		}
		known := map[string]bool{"metadata": true, k.ID.Name: true, k.Status.Name: true}
		for _, f := range k.Fields {
			if known[f.Name] || f.Doc == "" || f.Type == "" || (f.From != "" && f.From != k.ID.Name) || !strings.HasSuffix(f.Doc, ".") {
				t.Errorf("%s: field %+v", k.Name, f)
			}
			known[f.Name] = true
		}
		if field, inData := strings.CutPrefix(k.Target.User, "data."); k.Target.User != "" && (!known[field] || inData == (field == k.ID.Name)) {
			t.Errorf("%s: the user is %s", k.Name, k.Target.User)
		}
		for status := range k.Priorities {
			if !slices.Contains(k.Status.Enum, status) {
				t.Errorf("%s: a priority for %s", k.Name, status)
			}
		}
	}
	if _, ok := KindOf("none"); ok {
		t.Error("KindOf finds a kind that does not exist")
	}
}

func TestCallerMayChangeKinds(t *testing.T) {
	t.Parallel()
	k := Kinds()
	k[0].Status.Enum[0], k[0].Fields[0].Name, k[0].Priorities["failed"] = "x", "x", "x"
	if again := Kinds()[0]; again.Status.Enum[0] != "pending" || again.Fields[0].Name != "customerId" || again.PriorityOf("failed") != "high" {
		t.Error("a change of the result of Kinds changes the next result")
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"payment": "payment:pending payment:completed payment:failed payment:refunded", "maintenance": "maintenance",
		"achievement": "", "custom": "",
	} {
		k, _ := KindOf(name)
		if got := strings.Join(k.Types(), " "); got != want {
			t.Errorf("%s sends %s, want %s", name, got, want)
		}
	}
}

// The Go types have all fields of their kinds, in the same order and with the same types.
func TestGoTypesMatchKinds(t *testing.T) {
	t.Parallel()
	if len(plans) != len(Kinds()) {
		t.Errorf("%d Go types for %d kinds", len(plans), len(Kinds()))
	}
	for typ, p := range plans {
		var got, want []string
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Name == "Data" || f.Name == "Metadata" {
				got = append(got, f.Name+" "+f.Tag.Get("json")+" "+f.Type.String())
				continue
			}
			got = append(got, f.Tag.Get("json")+" "+f.Type.String())
		}
		k := p.kind
		goTypes := map[string]string{
			TypeString: "string", TypeNumber: "float64", TypeInteger: "int", TypeObject: "map[string]interface {}",
			TypeArray: "[]string", TypeTimestamp: "time.Time", TypeAny: "interface {}",
		}
		for _, f := range append([]Field{k.ID, k.Status}, k.Fields...) {
			if f.Name != "" && f.Const == "" {
				want = append(want, f.Name+" "+goTypes[f.Type])
			}
		}
		want = append(want, "Data - map[string]interface {}", "Metadata - map[string]interface {}")
		if !slices.Equal(got, want) || typ.Name() != k.GoType {
			t.Errorf("%s\n has %v\nwant %v", typ, got, want)
		}
	}
}

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
		{Payment{PaymentID: "p1", Status: "completed", CustomerID: "u1", Amount: 9.99, Currency: "EUR"},
			`payment:completed user:u1 {"paymentId":"p1","status":"completed","customerId":"u1","amount":9.99,"currency":"EUR","metadata":{"category":"payment","priority":"normal","source":"webhook"}}`},
		{Payment{PaymentID: "p1", Status: "failed", Data: map[string]any{"z": "<&>", "amount": 0, "a": nil}, Metadata: map[string]any{"b": 1, "a": []int{2}}},
			`payment:failed  {"paymentId":"p1","status":"failed","a":null,"amount":0,"z":"<&>","metadata":{"category":"payment","priority":"high","source":"webhook","a":[2],"b":1}}`},
		{Payment{PaymentID: "p1", Status: "failed", Data: map[string]any{"customerId": "u2"}, Metadata: map[string]any{"category": "shop", "priority": "low", "source": "stripe"}},
			`payment:failed user:u2 {"paymentId":"p1","status":"failed","customerId":"u2","metadata":{"category":"shop","priority":"low","source":"stripe"}}`},
		{VideoProcessing{VideoID: "v1", Status: "processing", Progress: 12.5, DurationMs: 1e6},
			`job:processing  {"videoId":"v1","status":"processing","jobType":"video-processing","jobId":"v1","progress":12.5,"durationMs":1000000,"metadata":{"category":"job","priority":"normal","source":"job-processor"}}`},
		{DataExport{ExportID: "e1", JobID: "j1", Status: "completed", ExpiresAt: date},
			`job:completed  {"exportId":"e1","status":"completed","jobType":"data-export","jobId":"j1","expiresAt":"2026-11-22T10:00:00.000Z","metadata":{"category":"job","priority":"normal","source":"job-processor"}}`},
		{Job{JobID: "j1", Status: "progress", Result: map[string]int{"a": 1}},
			`job:progress  {"jobId":"j1","status":"progress","result":{"a":1},"metadata":{"category":"job","priority":"normal","source":"job-processor"}}`},
		{PostUpdate{PostID: "7", Action: "created", Tags: []string{"a"}},
			`realtime:post:created channel:content-updates {"postId":"7","action":"created","tags":["a"],"metadata":{"category":"content","priority":"normal","source":"realtime-update"}}`},
		{Maintenance{MaintenanceID: "m", Action: "emergency"},
			`maintenance all {"maintenanceId":"m","action":"emergency","metadata":{"category":"maintenance","priority":"high","source":"system","system":true}}`},
		{Custom{Type: "x"}, `x all {"metadata":{"category":"custom","priority":"normal"}}`},
		{System{Type: "deploy", Data: map[string]any{"v": 1}}, `deploy all {"v":1,"metadata":{"category":"system","priority":"normal","source":"system","system":true}}`},
		{Achievement{UserID: "u1", Achievement: "level_up", Level: 3},
			`user:level_up user:u1 {"userId":"u1","achievement":"level_up","level":3,"metadata":{"category":"achievement","priority":"medium","source":"user-activity"}}`},

		{Payment{}, `status: got "", expected pending, completed, failed or refunded`},
		{Payment{Status: "paid"}, `status: got "paid", expected pending, completed, failed or refunded`},
		{Payment{Status: "failed"}, `paymentId: is empty, expected 1 to 200 bytes`},
		{Payment{Status: "failed", PaymentID: "a\n"}, `paymentId: "a\n" ends with a space`},
		{Payment{Status: "failed", PaymentID: "p", Currency: strings.Repeat("x", 17)}, `data.currency: is 17 bytes long, expected at most 16`},
		{Payment{Status: "failed", PaymentID: "p", Reason: "\xff"}, `data.reason: is not valid UTF-8`},
		{Payment{Status: "failed", PaymentID: "p", Amount: -1 / zero}, `data.amount: got the number -Inf, expected a number`},
		{Payment{Status: "failed", PaymentID: "p", Amount: 1, Data: map[string]any{"amount": 2}}, `data.amount: has two values, expected one`},
		{Payment{Status: "failed", PaymentID: "p", Data: map[string]any{"amount": "2"}}, `data.amount: got the string "2", expected a number`},
		{Payment{Status: "failed", PaymentID: "p", Data: map[string]any{"paymentId": "q"}}, `data.paymentId: got the string "q", expected "p" as outside data`},
		{Payment{Status: "failed", PaymentID: "p", Data: map[string]any{"metadata": 1}}, `data.metadata: is not a field of data, expected metadata outside data`},
		{Payment{Status: "failed", PaymentID: "p", Data: map[string]any{"f": func() {}}}, `data.f: cannot be sent: unsupported type: func()`},
		{Payment{Status: "failed", PaymentID: "p", Metadata: map[string]any{"priority": "urgent"}}, `metadata.priority: got "urgent", expected low, medium, normal or high`},
		{Payment{Status: "failed", PaymentID: "p", Metadata: map[string]any{"category": 1}}, `metadata.category: got the number 1, expected a string`},
		{Payment{Status: "failed", PaymentID: "p", Metadata: map[string]any{"system": true}}, `metadata.system: is set by the kind, expected no value`},
		{Job{Status: "started", JobID: "j", Progress: 101}, `data.progress: got the number 101, expected a number from 0 to 100`},
		{Job{Status: "started", JobID: "j", DurationMs: -1}, `data.durationMs: got the number -1, expected an integer of at least 0`},
		{DataExport{ExportID: "e1", Status: "failed", ExpiresAt: date.AddDate(9000, 0, 0)}, `data.expiresAt: got the year 11026, expected a time such as "2026-11-22T10:00:00Z"`},
		{Custom{}, `type: is empty, expected 1 to 128 bytes`},
		{Custom{Type: "connect"}, `type: "connect" is reserved, choose another name`},
		{Achievement{UserID: "u", Achievement: "a "}, `achievement: "a " ends with a space`},
		{Achievement{UserID: strings.Repeat("u", 129), Achievement: "a"}, `userId: is 129 bytes long, expected at most 128`},
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
