package nodewire

import (
	"errors"
	"reflect"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// Any fields give an entry or an error of the package. What is written of the entry would not stop
// a Node server, and is read as the same entry.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"streams-0.3.1", "streams-0.2.3", "poison-0.3.1"} {
		for _, r := range recordings(f, name) {
			if fields := r.fields(); r.Fields != nil {
				f.Add(fields.UID, fields.Namespace, fields.Type, fields.Data, fields.RC)
			}
		}
	}
	f.Add("", "", "", "", `{"v":1,"k":"fork","u":"7263aabbccddeeff","from":"5-1","to":"9-0"}`)
	f.Add("", "", "", "", `{"v":1,"k":"delete","u":"7263aabbccddeeff","room":"r","type":"t","id":"5-1"}`)
	f.Add("7263aabbccddeeff", "/", "3",
		`{"packet":{"type":2,"data":["t",{"type":"t","data":1,"timestamp":"","metadata":{}}]},"opts":{"rooms":[]}}`,
		`{"v":1,"k":"n","n":"x","ts":1795862270696,"ttl":5,"r":true,"to":["a"],"ex":["b"]}`)
	f.Add("7263aabbccddeeff", "/", "3",
		`{"packet":{"type":2,"data":["t",{"data":1,"metadata":{}}]},"opts":{"rooms":[]}}`, `{"v":1,"k":"n"}`)
	f.Add("z", "/", "6", `{"opts":{"rooms":["R"]},"requestId":"r"}`, "")
	f.Fuzz(func(t *testing.T, uid, namespace, number, data, rc string) {
		e, err := Decode(Fields{uid, namespace, number, data, rc, ""})
		if !known(err) {
			t.Fatalf("error %T: %v", err, err)
		}
		if err != nil {
			return
		}
		if m, err := e.Message(someID, someAt); err == nil {
			compose(t, m)
		} else if !known(err) {
			t.Fatalf("error %T: %v", err, err)
		}
		if e.Type == TypeSockets {
			_, err := e.Sockets()
			if !known(err) {
				t.Fatalf("error %T: %v", err, err)
			}
		}
		fields, err := e.Fields()
		if err != nil {
			if !refuses(nil, err) {
				t.Fatalf("error %T: %v", err, err)
			}
			return
		}
		if why := stopsNode(fields); why != "" {
			t.Fatalf("%q stops Node: %s", fields, why)
		}
		again, err := Decode(fields)
		if err != nil || !sameEntry(again, e) {
			t.Fatalf("%q: got %+v, %v, want %+v", fields, again, err, e)
		}
		if again.Identify(someID); e.Type == TypeBroadcast && e.RequestID == "" {
			raw, err := again.AppendArray(nil)
			if err == nil {
				_, err = DecodeArray(e.Namespace, raw)
			}
			if !known(err) && !refuses(nil, err) {
				t.Fatalf("%s: %v", again.Packet.JSON, err)
			}
		}
	})
}

// compose writes a message that was read.
func compose(t *testing.T, m *notify.Message) {
	e, err := FromMessage(m, "7263aabbccddeeff", "")
	if err != nil {
		if !refuses(nil, err) {
			t.Fatalf("error %T: %v", err, err)
		}
		return
	}
	fields, err := e.Fields()
	if err != nil {
		if !refuses(nil, err) {
			t.Fatalf("error %T: %v", err, err)
		}
		return
	}
	if why := stopsNode(fields); why != "" {
		t.Fatalf("%q stops Node: %s", fields, why)
	}
	if again := through(t, fields); !sameMessage(again, m) {
		t.Fatalf("%q: got %+v, want %+v", fields, again, m)
	}
}

func known(err error) bool {
	var fault *SkipError
	return err == nil || errors.Is(err, ErrIgnored) || errors.As(err, &fault)
}

// sameEntry compares what two entries say. MessagePack does not keep the bytes of JSON.
func sameEntry(a, b *Entry) bool {
	x, y := *a, *b
	for _, e := range []*Entry{&x, &y} {
		e.first = strictjson.Checked{}
		if len(e.Packet.Attachments) > 0 {
			e.Packet.JSON = normal(e.Packet.JSON)
		}
	}
	return reflect.DeepEqual(x, y)
}

// The same for what is published, in all its media.
func FuzzPublished(f *testing.F) {
	for _, name := range []string{"streams-0.3.1", "pubsub-8.3.0", "sharded-8.3.0"} {
		for _, r := range recordings(f, name) {
			if r.Channel == "" {
				continue
			}
			for medium := range uint8(4) {
				f.Add(medium, r.payload(f))
			}
		}
	}
	f.Fuzz(func(t *testing.T, medium uint8, payload []byte) {
		decode := []func(string, []byte) (*Entry, error){
			func(_ string, p []byte) (*Entry, error) { return DecodeMap(p) }, DecodeArray, DecodeRequest,
			DecodeResponse,
		}[medium%4]
		encode := []func(*Entry, []byte) ([]byte, error){
			(*Entry).AppendMap, (*Entry).AppendArray, (*Entry).AppendRequest, (*Entry).AppendResponse,
		}[medium%4]
		e, err := decode("/", payload)
		if !known(err) {
			t.Fatalf("error %T: %v", err, err)
		}
		if err != nil {
			return
		}
		written, err := encode(e, nil)
		if err != nil {
			if !refuses(nil, err) {
				t.Fatalf("error %T: %v", err, err)
			}
			return
		}
		again, err := decode("/", written)
		if err != nil {
			t.Fatalf("%x: %v", written, err)
		}
		if medium%4 == 2 && e.Type != TypeBroadcast { // such requests have no flags
			e.Opts = Opts{Rooms: e.Opts.Rooms, Except: e.Opts.Except}
		}
		for _, e := range []*Entry{again, e} {
			e.Packet.JSON = normal(e.Packet.JSON)
			e.mark.metadata = normal(e.mark.metadata)
		}
		if !sameEntry(again, e) {
			t.Fatalf("%x: got %+v, want %+v", written, again, e)
		}
	})
}

func FuzzDecodeSession(f *testing.F) {
	for _, name := range []string{"streams-0.3.1", "streams-0.2.3"} {
		for _, r := range recordings(f, name) {
			if r.Value != "" {
				f.Add(r.Value)
			}
		}
	}
	own, err := Session{SID: "s", PID: "p", Own: &Own{UserID: "u", Cursor: someID, At: someAt,
		Node: "o", Term: 1, Void: "v", Foreign: true}}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := DecodeSession(text)
		if !known(err) {
			t.Fatalf("error %T: %v", err, err)
		}
		if err != nil {
			return
		}
		written, err := s.Encode()
		if err != nil {
			if !refuses(nil, err) {
				t.Fatalf("error %T: %v", err, err)
			}
			return
		}
		again, err := DecodeSession(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if again.SID != s.SID || again.PID != s.PID || !reflect.DeepEqual(again.Rooms, s.Rooms) ||
			!reflect.DeepEqual(again.Own, s.Own) || len(again.Data.Attachments) != len(s.Data.Attachments) {
			t.Fatalf("got %+v, want %+v", again, s)
		}
	})
}
