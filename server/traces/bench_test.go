package traces

import (
	"context"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// discard is a collector that accepts everything.
type discard struct{}

func (discard) ExportSpans(context.Context, []sdk.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                        { return nil }

// BenchmarkPublish measures a publish to a user with three connections: without a Tracer, with one
// whose ratio leaves the publish out, and with one that traces it.
func BenchmarkPublish(b *testing.B) {
	for _, c := range []struct {
		name  string
		ratio float64
	}{{"off", -1}, {"ratio=0", 0}, {"ratio=1", 1}} {
		b.Run(c.name, func(b *testing.B) {
			hub := servertest.HubWith(b, func(o *notify.Options) {
				if c.ratio < 0 {
					return
				}
				tracer, err := newTracer(discard{}, Options{Ratio: c.ratio})
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(tracer.Close)
				o.Tracer = tracer
			})
			var members []*notify.Member
			for _, id := range []string{"a", "b", "c"} {
				members = append(members, servertest.Attach(b, hub, id, "u"))
			}
			n := notify.Notification{Type: "payment:completed",
				Data: []byte(`{"amount":12,"currency":"EUR"}`)}
			buf := make([]notify.Delivery, 16)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := hub.Publish(context.Background(), n, notify.ToUser("u")); err != nil {
					b.Fatal(err)
				}
				for _, m := range members {
					n, _ := m.Pull(buf)
					for _, d := range buf[:n] {
						if t := d.Message.Trace; t != nil && t.Follows(m) {
							t.Written("websocket")
						}
					}
				}
			}
		})
	}
}
