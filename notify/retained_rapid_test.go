package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// retainedModel is what the Hub should retain: for each channel the messages, the newest last.
type retainedModel map[string][]retainedEntry

type retainedEntry struct {
	kind, text string
	expires    time.Time // zero: never
}

func (r retainedModel) put(channel string, e retainedEntry) {
	r.delete(channel, e.kind)
	r[channel] = append(r[channel], e)
}

func (r retainedModel) delete(channel, kind string) {
	r[channel] = slices.DeleteFunc(r[channel], func(e retainedEntry) bool { return e.kind == kind })
}

func (r retainedModel) texts(channel string, now time.Time) (texts []string) {
	for _, e := range r[channel] {
		if e.expires.IsZero() || now.Before(e.expires) {
			texts = append(texts, e.text)
		}
	}
	return texts
}

// After any sequence of publishes, deletes, joins and passing time, a connection that joins gets
// exactly the newest message of each type, once and first, and then all live messages.
func TestRetainedProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		log := NewMemoryLog()
		o := DefaultOptions()
		o.HistorySize = rapid.IntRange(1, 8).Draw(t, "history")
		o.HistoryMinAge, o.Now = 0, func() time.Time { return now }
		h := New(log, o)
		defer h.Close()
		channels := rapid.SampledFrom([]string{"c", "d"})
		kinds := rapid.SampledFrom([]string{"a", "b", "e"})
		model, live := retainedModel{}, map[string][]string{} // live: since the join of the member
		m, err := h.Attach(Attachment{ClientID: "m"})
		if err != nil {
			t.Fatal(err)
		}
		in, number := map[string]bool{}, 0
		check := func(got []Delivery, want map[string][]string) {
			byChannel := map[string][]string{}
			for _, d := range got {
				var msg *Message
				switch {
				case d.Message != nil:
					msg = d.Message
				case d.Retained != nil:
					msg = d.Retained.Message
					if !strings.Contains(string(msg.Metadata), `"retained":true`) {
						t.Fatalf("metadata %s", msg.Metadata)
					}
				default:
					continue
				}
				text := strings.Trim(string(msg.Data), `"`)
				byChannel[msg.Rooms[0]] = append(byChannel[msg.Rooms[0]], text)
			}
			for _, channel := range []string{"c", "d"} {
				if !slices.Equal(byChannel[channel], want[channel]) {
					t.Fatalf("%s: got %v, want %v", channel, byChannel[channel], want[channel])
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				number++
				channel, kind := channels.Draw(t, "channel"), kinds.Draw(t, "type")
				text := fmt.Sprint(number)
				n := Notification{Type: kind, Data: json.RawMessage(`"` + text + `"`)}
				n.Retain = rapid.Bool().Draw(t, "retain")
				e := retainedEntry{kind: kind, text: text}
				if rapid.Bool().Draw(t, "ttl") {
					n.TTL = time.Minute
					e.expires = now.Add(n.TTL)
				}
				if _, err := h.Publish(context.Background(), n, ToChannel(channel)); err != nil {
					t.Fatal(err)
				}
				if n.Retain {
					model.put(channel, e)
				}
				if in[channel] {
					live[channel] = append(live[channel], text)
				}
			},
			"delete": func(t *rapid.T) {
				channel, kind := channels.Draw(t, "channel"), kinds.Draw(t, "type")
				if _, err := h.DeleteRetained(context.Background(), ToChannel(channel), kind); err != nil {
					t.Fatal(err)
				}
				model.delete(channel, kind)
			},
			"wait": func(*rapid.T) { now = now.Add(20 * time.Second) },
			"sweep": func(*rapid.T) {
				h.Sweep(now)
			},
			"join and pull": func(t *rapid.T) {
				channel := channels.Draw(t, "channel")
				if in[channel] {
					return
				}
				want := map[string][]string{"c": live["c"], "d": live["d"]}
				want[channel] = model.texts(channel, now)
				m.Join(channel)
				check(pull(m), want)
				in[channel] = true
				clear(live)
			},
			"leave": func(t *rapid.T) {
				channel := channels.Draw(t, "channel")
				check(pull(m), live)
				m.Leave(channel)
				delete(in, channel)
				clear(live)
			},
			"attach another": func(t *rapid.T) {
				other, err := h.Attach(Attachment{ClientID: "other", Rooms: []string{"c", "d"}})
				if err != nil {
					t.Fatal(err)
				}
				check(pull(other), map[string][]string{
					"c": model.texts("c", now), "d": model.texts("d", now),
				})
				other.Detach()
			},
			// A resume gets each message of the log once, by the replay or as a retained one.
			"resume": func(t *rapid.T) {
				head := h.Head()
				seq := rapid.Uint64Range(0, head.Seq).Draw(t, "cursor")
				other, err := h.Attach(Attachment{ClientID: "other", Rooms: []string{"c"},
					Resume: &Cursor{ID: ID{head.Epoch, seq}}})
				if err != nil {
					t.Fatal(err)
				}
				seen := map[string]bool{}
				for _, d := range pull(other) {
					var id string
					switch {
					case d.Message != nil:
						id = d.Message.ID.String()
					case d.Retained != nil:
						id = d.Retained.Message.ID.String()
					default:
						continue
					}
					if seen[id] {
						t.Fatalf("%s comes twice", id)
					}
					seen[id] = true
				}
				for _, msg := range h.Retained(ToChannel("c")) {
					if !seen[msg.ID.String()] {
						t.Fatalf("retained %s is missing", msg.ID)
					}
				}
				other.Detach()
			},
			"": func(t *rapid.T) {
				count := 0
				var bytes int64
				for _, r := range h.retained.rooms {
					count += len(r.order)
					bytes += r.bytes
				}
				if count != h.retained.count || bytes != h.retained.bytes {
					t.Fatalf("%d messages, %d bytes; counted %d, %d", count, bytes,
						h.retained.count, h.retained.bytes)
				}
			},
		})
	})
}
