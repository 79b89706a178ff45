package redisstream

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify/cluster"
)

func TestFrame(t *testing.T) {
	t.Parallel()
	want := "\x01\x02\x00\x00\x00\x00\x00\x00\x01\x00" + "\x107263000000000001" + "\x04kind" + "body"
	f := frame{is: isAsk, id: 256, from: uid(1), kind: "kind", body: []byte("body")}
	if got := string(f.append(nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for n := range len(want) - len("body") {
		if _, err := parseFrame(want[:n]); err == nil {
			t.Errorf("the first %d bytes are a frame", n)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		f := frame{
			is: frameType(rapid.IntRange(1, 4).Draw(r, "is")), id: rapid.Uint64().Draw(r, "id"),
			from: rapid.StringMatching(`[0-9a-f]{16}`).Draw(r, "from"),
			kind: rapid.StringN(0, 16, cluster.MaxKind).Draw(r, "kind"),
			body: rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(r, "body"),
		}
		got, err := parseFrame(string(f.append(nil)))
		if err != nil || !reflect.DeepEqual(got, f) {
			r.Fatalf("%+v %v, want %+v", got, err, f)
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add("\x01\x02\x00\x00\x00\x00\x00\x00\x01\x00" + "\x107263000000000001" + "\x04kind" + "body")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := parseFrame(text); err == nil && string(got.append(nil)) != text {
			t.Errorf("%q is %+v, which is %q", text, got, got.append(nil))
		}
	})
}
