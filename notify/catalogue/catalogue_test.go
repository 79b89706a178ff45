package catalogue

import (
	"reflect"
	"slices"
	"strings"
	"testing"

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
		got = append(got, strings.Join([]string{
			k.Name, k.Type, k.ID.Name, k.Status.Name, statuses, target, priority, k.Category,
			source,
		}, "|"))
	}
	want := []string{
		"payment|payment:<status>|paymentId|status|pending completed failed refunded|user " +
			"data.customerId|normal failed=high|payment|webhook",
		"user-account|user:<action>|userId|action|created updated deleted suspended " +
			"activated|user userId|normal deleted=high suspended=high|account|webhook",
		"system-health|system:<status>|systemId|status|healthy warning critical offline|channel " +
			"system-monitoring|low warning=medium critical=high|system|system+",
		"job|job:<status>|jobId|status|started processing progress completed " +
			"failed|required|normal failed=high|job|job-processor",
		"video-processing|job:<status>|videoId|status|started processing completed " +
			"failed|required|normal failed=high|job|job-processor",
		"data-export|job:<status>|exportId|status|started processing completed " +
			"failed|required|normal failed=high|job|job-processor",
		"batch-operation|job:<status>|batchId|status|started processing completed " +
			"failed|required|normal failed=high|job|job-processor",
		"post-update|realtime:post:<action>|postId|action|created updated deleted published " +
			"unpublished|channel content-updates|normal deleted=high|content|realtime-update",
		"profile-update|realtime:profile:<action>|userId|action|updated avatar_changed " +
			"settings_changed|user userId|low|profile|realtime-update",
		"comment|realtime:comment:<action>|commentId|action|created updated deleted liked " +
			"replied|channel interactions|normal deleted=high|interaction|realtime-update",
		"user-session|user:<action>|userId|action|login logout session_expired " +
			"password_changed|user userId|low password_changed=high|session|user-activity",
		"achievement|user:<achievement>|userId|achievement|free|user " +
			"userId|medium|achievement|user-activity",
		"maintenance|maintenance|maintenanceId|action|scheduled emergency completed|all|medium " +
			"emergency=high|maintenance|system+",
		"security-alert|security:alert|alertId|severity|low medium high critical|all|low " +
			"high=medium critical=high|security|system+",
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
		if names[k.Name] || names[k.Function] || k.Function != "send"+k.GoType+"Notification" ||
			!strings.HasSuffix(k.Doc, ".") {
			t.Errorf("%s: function %s, doc %q", k.Name, k.Function, k.Doc)
		}
		names[k.Name], names[k.Function] = true, true
		for _, typ := range k.Types() {
			if err := rooms.CheckType(typ); err != nil {
				t.Errorf("%s: %v", k.Name, err)
			}
		}
		if k.Target.Channel != "" && rooms.CheckChannel("channel", k.Target.Channel) != nil ||
			len(k.Fields) > 64 {
			t.Errorf("%s: channel %q, %d fields", k.Name, k.Target.Channel, len(k.Fields))
		}
		known := map[string]bool{"metadata": true, k.ID.Name: true, k.Status.Name: true}
		for _, f := range k.Fields {
			if known[f.Name] || f.Doc == "" || f.Type == "" ||
				(f.From != "" && f.From != k.ID.Name) || !strings.HasSuffix(f.Doc, ".") {
				t.Errorf("%s: field %+v", k.Name, f)
			}
			known[f.Name] = true
		}
		if field, inData := strings.CutPrefix(k.Target.User, "data."); k.Target.User != "" &&
			(!known[field] || inData == (field == k.ID.Name)) {
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
	if again := Kinds()[0]; again.Status.Enum[0] != "pending" ||
		again.Fields[0].Name != "customerId" || again.PriorityOf("failed") != "high" {
		t.Error("a change of the result of Kinds changes the next result")
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"payment":     "payment:pending payment:completed payment:failed payment:refunded",
		"maintenance": "maintenance",
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
			TypeString: "string", TypeNumber: "float64", TypeInteger: "int",
			TypeObject: "map[string]interface {}",
			TypeArray:  "[]string", TypeTimestamp: "time.Time", TypeAny: "interface {}",
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
