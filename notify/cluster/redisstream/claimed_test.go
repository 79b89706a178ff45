package redisstream

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
)

// The parts of a value with the ids of the messages between them are the value, whatever is around the
// ids.
func TestSplit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		messages := make([]*notify.Message, rapid.IntRange(1, 5).Draw(t, "messages"))
		for i := range messages {
			messages[i] = &notify.Message{}
		}
		texts := rapid.SliceOfN(rapid.SampledFrom([]string{"", "x", "-", "4", "4300000000000-2000000",
			"1795966207981-0", "\x00\xff", "-2000001"}), 1, 9).Draw(t, "texts")
		places := rapid.SliceOfN(rapid.IntRange(0, len(messages)-1), len(texts)-1, len(texts)-1).Draw(t, "places")
		value := func() []byte {
			text := texts[0]
			for i, place := range places {
				text += messages[place].ID.String() + texts[i+1]
			}
			return []byte(text)
		}
		parts := split(messages, value)
		for i, m := range messages {
			if !m.ID.IsZero() {
				t.Fatalf("message %d has id %v", i, m.ID)
			}
			m.ID, _ = notify.StreamID(1795966207981, uint64(i))
		}
		var got strings.Builder
		for _, p := range parts {
			if got.WriteString(p.text); p.message >= 0 {
				got.WriteString(messages[p.message].ID.String())
			}
		}
		if want := string(value()); got.String() != want {
			t.Fatalf("got %q, want %q", got.String(), want)
		}
	})
}
