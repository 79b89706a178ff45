package nodewire

import (
	"errors"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
)

// append appends the text, as the scripts do.
func (s Stored) append(dst []byte) []byte {
	dst = append(AppendStreamID(dst, s.ID), ' ')
	for _, text := range s.Fields.Pairs() {
		dst = append(strconv.AppendInt(dst, int64(len(text)), 10), ':')
		dst = append(dst, text...)
	}
	return dst
}

func TestStored(t *testing.T) {
	t.Parallel()
	const text = "5-1 3:uid1:u3:nsp1:/4:data5:{\"\x00:}"
	s, err := DecodeStored(text)
	want := Stored{notify.ID{Epoch: notify.StreamEpoch, Seq: 5<<22 | 1}, Fields{UID: "u", Namespace: "/", Data: "{\"\x00:}"}}
	if err != nil || s != want || string(s.append(nil)) != text {
		t.Errorf("got %+v, %v, want %+v", s, err, want)
	}
	for text, want := range map[string]string{
		"":                  `stored.id: stream id "": expected <milliseconds>-<number below 4194304>`,
		"x 1:a1:b":          `stored.id: stream id "x": expected <milliseconds>-<number below 4194304>`,
		"5-1 3:uid":         "stored.fields: are cut off, or have no lengths",
		"5-1 3:uid2:u":      "stored.fields: are cut off, or have no lengths",
		"5-1 -1:":           "stored.fields: are cut off, or have no lengths",
		"5-1 99999999999:x": "stored.fields: are cut off, or have no lengths",
	} {
		var fault *SkipError
		if _, err := DecodeStored(text); !errors.As(err, &fault) || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestStoredProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		s := Stored{notify.ID{Epoch: notify.StreamEpoch, Seq: rapid.Uint64().Draw(t, "seq")}, Fields{
			text.Draw(t, "uid"), text.Draw(t, "nsp"), text.Draw(t, "type"), text.Draw(t, "data"), text.Draw(t, "rc"),
			text.Draw(t, "via")}}
		if again, err := DecodeStored(string(s.append(nil))); err != nil || again != s {
			t.Fatalf("got %+v, %v, want %+v", again, err, s)
		}
	})
}

func FuzzDecodeStored(f *testing.F) {
	f.Add("5-1 3:uid1:u3:nsp1:/4:data2:{}")
	f.Add("5-1 3:uid")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := DecodeStored(text)
		if !known(err) {
			t.Fatalf("error %T: %v", err, err)
		}
		if err != nil {
			return
		}
		if again, err := DecodeStored(string(s.append(nil))); err != nil || again != s {
			t.Fatalf("got %+v, %v, want %+v", again, err, s)
		}
	})
}
