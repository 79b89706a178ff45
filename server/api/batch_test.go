package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestPublishBatch(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	base := serveHub(t, hub)
	m := servertest.Attach(t, hub, "c1", "u1", "orders")
	res, body := servertest.Publish(t, base, `[
		{"target":{"user":"u1"},"type":"one"},
		7,
		{"target":{"user":"u1"},"type":"connect"},
		{"target":{"channel":"orders"},"type":"two","volatile":true},
		{"target":{"user":1.5},"type":"x"},
		{"target":{"user":"gone"},"type":"three"},
		{"target":{"user":"u1"},"type":"x","data":"`+strings.Repeat("d", notify.MaxData)+`"}
	]`)
	head := hub.Head()
	first := notify.ID{Epoch: head.Epoch, Seq: head.Seq - 1}
	var parts []string
	items := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(body), "["), "]")
	for _, p := range strings.SplitAfter(items, "},{") {
		parts = append(parts, strings.TrimSuffix(p, ",{"))
	}
	if res.StatusCode != 200 || len(parts) != 7 {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	for i, want := range map[int]string{
		0: fmt.Sprintf(`{"id":"%s","delivered":1,"users":1,"channels":0,"stored":true}`, first),
		1: `"error":{"type":"about:blank","title":"Bad Request","status":400,"detail":"[1]: got ` +
			`the number 7, expected an object","code":"validation","request_id":"req-1",` +
			`"field":"[1]"}}`,
		3: `"delivered":1,"users":1,"channels":1,"stored":false}`,
		4: `"error":{"type":"about:blank","title":"Bad Request","status":400,` +
			`"detail":"[4].target.user: got the number 1.5, expected a string","code":"validation",` +
			`"request_id":"req-1","field":"[4].target.user"}}`,
		5: fmt.Sprintf(`"id":"%s","delivered":0,"users":0,"channels":0,"stored":true}`, head),
		6: `"error":{"type":"about:blank","title":"Request Entity Too Large","status":413,` +
			`"detail":"[6].data: got 262146 bytes, expected at most 262144",` +
			`"code":"payload_too_large","request_id":"req-1","field":"[6].data"}}`,
	} {
		if parts[i] != want {
			t.Errorf("item %d:\n got %s\nwant %s", i, parts[i], want)
		}
	}
	if !strings.HasPrefix(parts[2], `"error":{`) ||
		!strings.Contains(parts[2], `"field":"[2].type"`) {
		t.Errorf("item 2: %s", parts[2])
	}
	var got [8]notify.Delivery
	if n, _ := m.Pull(got[:]); n != 2 || got[0].Message.Type != "one" || got[1].Message.Type != "two" {
		t.Errorf("the member got %d: %+v", n, got[:n])
	}
}

func TestPublishBatchBounds(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	base := serveHub(t, hub)
	item := `{"target":{"user":"u"},"type":"x"}`
	if res, body := servertest.Publish(t, base, `[]`); res.StatusCode != 200 || body != "[]\n" {
		t.Errorf("empty: %d %s", res.StatusCode, body)
	}
	res, body := servertest.Publish(t, base, "["+strings.Repeat(item+",", 999)+item+"]")
	if res.StatusCode != 200 || strings.Count(body, `"stored":true`) != 1000 {
		t.Errorf("1000: %d %.200s", res.StatusCode, body)
	}
	before := hub.Head()
	res, body = servertest.Publish(t, base, "["+strings.Repeat(item+",", 1000)+item+"]")
	want := servertest.ProblemJSON(t, 400, "validation",
		"body: got an array of more than 1000 notifications, expected at most 1000; nothing was "+
			"sent",
		"")
	if res.StatusCode != 400 || servertest.Sorted(t, body) != want || hub.Head() != before {
		t.Errorf("1001: %d %s", res.StatusCode, body)
	}
	big := `{"target":{"user":"u"},"type":"x","data":"` + strings.Repeat("d", 200<<10) + `"}`
	res, body = servertest.Publish(t, base, "["+strings.Repeat(big+",", 19)+big+"]")
	if res.StatusCode != 200 || strings.Count(body, `"stored":true`) != 20 {
		t.Errorf("4 MB: %d %.200s", res.StatusCode, body)
	}
}

// The server refuses an item with more values than a notification of 1 MiB can have, and publishes
// the other items.
func TestPublishBatchValues(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	base := serveHub(t, hub)
	many := `{"target":{"user":"u"},"type":"x","data":[` +
		strings.Repeat("0,", maxSingleBody/2) + `0]}`
	res, body := servertest.Publish(t, base, "["+many+`,{"target":{"user":"u"},"type":"x"}]`)
	if res.StatusCode != 200 || strings.Count(body, `"stored":true`) != 1 ||
		!strings.Contains(body, `"detail":"[0].data[524283]: more than 524288 values"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
