package nodewire

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

func samples(b *testing.B) map[string]*notify.Message {
	b.Helper()
	data := json.RawMessage(`{"paymentId":"p_1","amount":12.5,"lines":[{"sku":"a","n":1},{"sku":"b","n":2}]}`)
	return map[string]*notify.Message{
		"notification": {Namespace: "/", Rooms: []string{"user:u1"}, Type: "payment:completed", Timestamp: someAt,
			TTL: time.Minute, Data: data, Metadata: json.RawMessage(`{"source":"webhook"}`)},
		"emit": {Namespace: "/chat", Rooms: []string{"/chat#R"}, Type: "message", Timestamp: someAt,
			Args: json.RawMessage(`[` + string(data) + `,"two"]`)},
		"binary": {Namespace: "/", Rooms: []string{"R"}, Type: "message", Timestamp: someAt,
			Args: json.RawMessage(`["AQID"]`), BinaryArgs: json.RawMessage(`[{"_placeholder":true,"num":0}]`),
			Attachments: [][]byte{make([]byte, 150)}},
	}
}

// BenchmarkDecode reads an entry of about 200 bytes and makes its message, as the reader of the
// stream does for each entry.
func BenchmarkDecode(b *testing.B) {
	for name, m := range samples(b) {
		e, err := FromMessage(m, "7263aabbccddeeff", "x7")
		if err != nil {
			b.Fatal(err)
		}
		own, err := e.Fields()
		if err != nil {
			b.Fatal(err)
		}
		node := own
		node.RC = ""
		for from, f := range map[string]Fields{"own": own, "node": node} {
			b.Run(from+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(f.Data)))
				b.ReportAllocs()
				for b.Loop() {
					e, err := Decode(f)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := e.Message(someID, someAt); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, m := range samples(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e, err := FromMessage(m, "7263aabbccddeeff", "x7")
				if err != nil {
					b.Fatal(err)
				}
				if _, err := e.Fields(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
