package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// FuzzDecode: the data of a decoded body is a JSON object with the id first and the metadata last.
// Publish accepts it unless a name in its target or its size is not valid.
func FuzzDecode(f *testing.F) {
	f.Add("payment", `{"paymentId":"p1","status":"completed","data":{"customerId":"u1",`+
		`"amount":9.99,"metadata2":{}},"metadata":{"a":[{}]}}`)
	f.Add("custom", `{"type":"x","data":{"a\"}":"\\","\u007b":[1,{"b":null}]},`+
		`"target":{"users":["a","b"]},"ttl":"5m"}`)
	f.Add("data-export", ` {"exportId" : "e" ,"status":"completed","target":{"all":true},`+
		`"data":{"jobId":"j","recordCount":1e3}}`)
	f.Add("job", `{"jobId":"\ud800","status":"failed"}`)
	f.Add("post-update", `{"postId":"p","action":"created","data":{"tags":["a",[]]}}`)
	f.Add("achievement", `{"userId":"u","achievement":"x","except":[null]}`)
	h := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	f.Cleanup(h.Close)
	f.Fuzz(func(t *testing.T, kind, body string) {
		p, err := decodeBody(kind, []byte(body))
		if err != nil {
			var invalid *notify.ValidationError
			if !errors.As(err, &invalid) || len(err.Error()) > 1000 {
				t.Fatalf("error %v", err)
			}
			return
		}
		n := p.Notification
		k, _ := KindOf(kind)
		var data map[string]json.RawMessage
		if err := json.Unmarshal(n.Data, &data); err != nil {
			t.Fatalf("%s became %s: %v", body, n.Data, err)
		}
		if !bytes.Equal(data["metadata"], n.Metadata) || k.ID.Name != "" &&
			!bytes.HasPrefix(n.Data, []byte(`{"`+k.ID.Name+`":`)) {
			t.Fatalf("%s became %s with %s", body, n.Data, n.Metadata)
		}
		checked, err := strictjson.Check(n.Data, strictjson.Rules{})
		if all := slices.Collect(checked.Members()); err != nil || len(all) != len(data) {
			t.Fatalf("%s became %s: %v", body, n.Data, err)
		}
		var refused *notify.ValidationError
		if _, err := h.Publish(t.Context(), n, p.Target); err != nil && (!errors.As(err,
			&refused) ||
			!strings.HasPrefix(refused.Field, "target") &&
				!strings.HasPrefix(refused.Field, "except") && refused.Field != "ttl" &&
				!strings.Contains(refused.Reason, "at most") &&
				!strings.Contains(refused.Reason, "deeper")) {
			t.Fatalf("%s is refused later: %v", body, err)
		}
	})
}
