package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// Every kind accepts each of its statuses. It refuses what its description does not allow, and
// names the field.
func TestContractOfKinds(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	c := newContract(t, serveHub(t, hub))
	send := func(kind string, body map[string]any) (int, string, error) {
		t.Helper()
		return c.ask(t, "POST", "/v1/notifications/"+kind, servertest.Canonical(t, body),
			"X-API-Key: "+servertest.Key, "Content-Type: application/json")
	}
	for _, kind := range catalogue.Kinds() {
		fresh := func() map[string]any {
			var body map[string]any
			if err := json.Unmarshal([]byte(kindExample(kind)), &body); err != nil {
				t.Fatalf("%s: %v", kind.Name, err)
			}
			return body
		}
		statuses := kind.Status.Enum
		if statuses == nil {
			statuses = []string{fresh()[kind.Status.Name].(string)}
		}
		for _, status := range statuses {
			body := fresh()
			body[kind.Status.Name] = status
			if code, text, wrong := send(kind.Name, body); code != 200 || wrong != nil {
				t.Errorf("%s %s: %d %s %v", kind.Name, status, code, text, wrong)
			}
		}
		refused := func(field string, body map[string]any) {
			t.Helper()
			code, text, wrong := send(kind.Name, body)
			var p edge.Problem
			if err := json.Unmarshal([]byte(text), &p); err != nil || code != 400 ||
				p.Field != field || wrong == nil {
				t.Errorf("%s, %s: %d %s; the description says %v", kind.Name, field, code, text,
					wrong)
			}
		}
		body := fresh()
		delete(body, kind.Status.Name)
		refused(kind.Status.Name, body)
		body = fresh()
		body[kind.Status.Name] = 7
		refused(kind.Status.Name, body)
		body = fresh()
		body["nonsense"] = 1
		refused("nonsense", body)
		for name, bad := range map[string]any{
			"except": "c1", "volatile": "yes", "ttl": 5, "metadata": []int{1}, "data": "x",
		} {
			body = fresh()
			body[name] = bad
			refused(name, body)
		}
		for _, f := range kind.Fields {
			if f.Type == catalogue.TypeAny {
				continue
			}
			var bad any = map[string]any{"is": "an object"}
			if f.Type == catalogue.TypeObject {
				bad = 7
			}
			body := fresh()
			data, _ := body["data"].(map[string]any)
			if data == nil {
				data = map[string]any{}
			}
			data[f.Name] = bad
			body["data"] = data
			refused("data."+f.Name, body)
		}
	}
	if code, text, _ := post(t, c.base+"/v1/notifications/nonsense", "{}"); code != 404 ||
		!strings.Contains(text, `"field":"kind"`) || !strings.Contains(text, "payment, ") {
		t.Errorf("%d %s", code, text)
	}
}
