package catalogue

import (
	"context"
	"fmt"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// BenchmarkSendPaymentUser3 measures the Go API: a typed payment to a user with three connections
// among 10,000, pulls included.
func BenchmarkSendPaymentUser3(b *testing.B) {
	h := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	b.Cleanup(h.Close)
	attach := func(clientID, userID string) *notify.Member {
		m, err := h.Attach(notify.Attachment{ClientID: clientID, UserID: userID, Wake: func(int) {}})
		if err != nil {
			b.Fatal(err)
		}
		return m
	}
	for i := range 10_000 {
		attach(fmt.Sprint("c", i), fmt.Sprint("u", i))
	}
	var tabs []*notify.Member
	for i := range 3 {
		tabs = append(tabs, attach(fmt.Sprint("tab", i), "u"))
	}
	buf := make([]notify.Delivery, 16)
	b.ReportAllocs()
	for b.Loop() {
		p := Payment{
			PaymentID: "p_81", Status: "completed", CustomerID: "u", Amount: 9.99, Currency: "EUR",
		}
		if r, err := h.Send(context.Background(), p); err != nil || r.Delivered != 3 ||
			r.Users != 1 {
			b.Fatal(r, err)
		}
		for _, m := range tabs {
			if n, _ := m.Pull(buf); n != 1 {
				b.Fatal("not delivered")
			}
		}
	}
}

// BenchmarkDecode measures the check and the decoding of a body of the HTTP API.
func BenchmarkDecode(b *testing.B) {
	body := []byte(`{"paymentId":"p_81","status":"completed","data":{"customerId":"u1",` +
		`"amount":9.99,"currency":"EUR"},"metadata":{"trace":"t1"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeBody("payment", body); err != nil {
			b.Fatal(err)
		}
	}
}
