package traces

import (
	"bytes"
	"context"
	"encoding/json"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// member is the name of the header and of the member of metadata (W3C Trace Context, section 3.2).
const member = "traceparent"

// w3c reads and writes traceparent and tracestate. Baggage is not passed on: it can have anything.
var w3c propagation.TraceContext

// parentOf returns the span that metadata names, and whether it has the member at all. The span is
// the zero one if the member has another form.
func parentOf(metadata json.RawMessage) (_ trace.SpanContext, has bool) {
	if !bytes.Contains(metadata, []byte(member)) && bytes.IndexByte(metadata, '\\') < 0 {
		return trace.SpanContext{}, false // the usual case, without a look at each member
	}
	object, err := strictjson.Check(metadata, strictjson.Rules{Depth: notify.MaxDepth})
	if err != nil || object.Kind() != strictjson.Object {
		return trace.SpanContext{}, false
	}
	for m := range object.Members() {
		if m.Name != member {
			continue
		}
		text, err := m.Value.Text()
		if m.Value.Kind() != strictjson.String || err != nil {
			return trace.SpanContext{}, true
		}
		return parse(text), true
	}
	return trace.SpanContext{}, false
}

// parse reads a traceparent. The zero SpanContext is the result for any other text.
func parse(text string) trace.SpanContext {
	ctx := w3c.Extract(context.Background(), propagation.MapCarrier{member: text})
	return trace.SpanContextFromContext(ctx)
}

func traceparentOf(of trace.SpanContext) string {
	carrier := propagation.MapCarrier{}
	w3c.Inject(trace.ContextWithSpanContext(context.Background(), of), carrier)
	return carrier[member]
}

// withTraceparent returns a copy of metadata, which is nothing or an object without the member, with
// it.
func withTraceparent(metadata json.RawMessage, value string) json.RawMessage {
	object := bytes.TrimSpace(metadata)
	if len(object) == 0 {
		object = []byte("{}")
	}
	head := bytes.TrimRight(object[:len(object)-1], " \t\r\n")
	text := make([]byte, 0, len(head)+len(member)+len(value)+8)
	if text = append(text, head...); len(head) > 1 {
		text = append(text, ',')
	}
	text = append(text, `"`+member+`":"`...)
	return append(append(text, value...), `"}`...)
}
