//go:build linux

package main

import (
	"fmt"
	"strings"
)

// All servers send the same notification: clients receive 200 bytes of JSON as the argument of the
// event.
const (
	event = "bench"
	room  = "general" // clients of Roomcast join it without asking
	// mark is in data once, and nowhere else in a stream, so that streams are counted without a
	// parser.
	mark = '~'
	data = `{"paymentId":"p_81","amount":12.5,"currency":"EUR",` +
		`"reference":"invoice no. 2026-11-28 ~ 4711","category":"payment"}`
	note = `{"id":"5f3a9c01-1042","type":"` + event + `","data":` + data + `,` +
		`"timestamp":"2026-11-22T10:00:00.000Z"}`
)

// apiKey is the key of the backend that publishes.
const apiKey = "the-key-of-the-benchmark-0123456789"

// publishRoomcast makes the request for n notifications of one backend.
func publishRoomcast(host string, n int) []byte {
	one := `{"target":{"channel":"` + room + `"},"type":"` + event + `","data":` + data + `}`
	body := one
	if n > 1 {
		body = "[" + strings.Repeat(one+",", n-1) + one + "]"
	}
	return post(host, "/v1/notifications", body)
}

// publishCentrifugo makes a batch of n publish commands.
func publishCentrifugo(host string, n int) []byte {
	one := `{"publish":{"channel":"` + room + `","data":` + note + `}}`
	return post(host, "/api/batch", `{"commands":[`+strings.Repeat(one+",", n-1)+one+`]}`)
}

// publishBody makes a request that publishes body n times, which is how all other servers are
// asked.
func publishBody(body string) func(host string, n int) []byte {
	return func(host string, n int) []byte {
		return post(host, fmt.Sprintf("/publish?n=%d", n), body)
	}
}

func post(host, path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, host, apiKey, len(body), body)
}
