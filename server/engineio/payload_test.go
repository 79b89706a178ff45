package engineio

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzPayload compares the decoder of polling payloads with a simple one, and checks that the
// decoder accepts what the server encodes.
func FuzzPayload(f *testing.F) {
	for _, s := range []string{"4hello", "4a\x1e4b\x1e4c", "4hello\x1ebAQIDBA==", "1", "3", "6",
		"b", "4", "", "\x1e", "4a\x1e", "abc", "2probe", "0{}",
		"5", "bAQ", "bAR==", "bAQ\n==", "4\xff", "3probe",
		"b" + strings.Repeat("AAAA", 300) + "AQ==", "4\x00", "44€", "1\x1e4"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var want []message
		valid := utf8.Valid(payload)
		for _, p := range strings.Split(string(payload), "\x1e") {
			switch {
			case p == "1", p == "6", strings.HasPrefix(p, "3"):
			case strings.HasPrefix(p, "4"):
				want = append(want, message{p[1:], false})
			case strings.HasPrefix(p, "b"):
				data, err := base64.StdEncoding.DecodeString(p[1:])
				// the only spelling of this data
				valid = valid && err == nil && base64.StdEncoding.EncodeToString(data) == p[1:]
				want = append(want, message{string(data), true})
			default:
				valid = false
			}
		}
		if got := validPayload(payload); got != valid {
			t.Fatalf("validPayload(%q) = %v", payload, got)
		}
		if !valid {
			return
		}
		b := new(Batch)
		b.reset(formatPayload, batchSize)
		for kind, data := range packets(payload) {
			switch kind {
			case packetMessage:
				if want[0] != (message{string(data), false}) {
					t.Fatalf("%q, want %q", data, want[0].data)
				}
				b.Text(data)
			case packetBinary:
				if got := decodeBinary(data); want[0] != (message{string(got), true}) {
					t.Fatalf("%q, want %q", got, want[0].data)
				}
				b.Binary(decodeBinary(data))
			default:
				b.packet(kind, data)
				continue
			}
			want = want[1:]
		}
		if got := bytes.Join(b.segments(), nil); len(want) > 0 || !bytes.Equal(got, payload) {
			t.Fatalf("%q encodes to %q", payload, got)
		}
	})
}

// FuzzPacket passes single WebSocket messages to a session: each one is delivered, ignored or ends
// the session, without other effects.
func FuzzPacket(f *testing.F) {
	for _, s := range []string{
		"4hello", "4", "3", "3probe", "6", "1", "2", "2probe", "0{}", "5", "", "abc", "bAQ==", "b", "bAQ",
		"4\xff", "\x00",
	} {
		f.Add([]byte(s), true, false)
		f.Add([]byte(s), false, true)
	}
	f.Fuzz(func(t *testing.T, data []byte, text, due bool) {
		s := New(Options{})
		session := s.newSession(newRequest("GET", "/?EIO=4", ""))
		p := &peer{Session: session, in: make(chan message, 1)}
		session.handler = p
		if due {
			session.deadline = time.Now().Add(time.Hour)
		}
		c := newWire(nil, session)
		err := session.packet(c, text, bytes.Clone(data), false)

		v, ended := err.(violation)
		delivered := len(p.in) == 1
		switch {
		case !text, utf8.Valid(data) && bytes.HasPrefix(data, []byte("4")),
			bytes.HasPrefix(data, []byte("b")) && validBase64(data[1:]):
			want := message{string(data), true}
			switch {
			case text && data[0] == '4':
				want = message{string(data[1:]), false}
			case text:
				want = message{string(decodeBinary(data[1:])), true}
			}
			if err != nil || !delivered || <-p.in != want {
				t.Fatalf("%q: %v, delivered %v", data, err, delivered)
			}
		case !utf8.Valid(data):
			if v.code != closeInvalid {
				t.Fatalf("%q: %v", data, err)
			}
		case bytes.HasPrefix(data, []byte("3")), bytes.HasPrefix(data, []byte("6")):
			if err != nil || (data[0] == '3') == due != session.deadline.IsZero() && due {
				t.Fatalf("%q: %v, deadline %v", data, err, session.deadline)
			}
		case bytes.HasPrefix(data, []byte("1")):
			if !ended || v.reason != ReasonTransportClose {
				t.Fatalf("%q: %v", data, err)
			}
		default:
			if !ended || v.reason != ReasonParseError {
				t.Fatalf("%q: %v", data, err)
			}
		}
		if len(p.in) != 0 {
			t.Fatalf("%q was delivered", data)
		}
	})
}
