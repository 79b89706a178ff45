package catalogue

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// filled returns a value of a Go type of the catalogue with a value in every field.
func filled(typ reflect.Type, k *Kind, status string) notify.Typed {
	v := reflect.New(typ).Elem()
	for i := range typ.NumField() {
		f, name := v.Field(i), typ.Field(i).Tag.Get("json")
		switch {
		case name == k.Status.Name:
			f.SetString(status)
		case name == "jobId":
			f.SetString("j_1")
		case f.Kind() == reflect.String:
			f.SetString("ü " + name[:1])
		case f.Kind() == reflect.Float64:
			f.SetFloat(12.5)
		case f.Kind() == reflect.Int:
			f.SetInt(7)
		case f.Type() == reflect.TypeFor[time.Time]():
			f.Set(reflect.ValueOf(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)))
		case f.Type() == reflect.TypeFor[[]string]():
			f.Set(reflect.ValueOf([]string{"a", "b"}))
		default: // map[string]any, any
			f.Set(reflect.ValueOf(map[string]any{"more": true}))
		}
	}
	return v.Interface().(notify.Typed)
}

// The data of every kind, with every status and every field, has all fields, and a request with the
// same fields becomes the same bytes.
func TestKindsWithAllFields(t *testing.T) {
	t.Parallel()
	h := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	defer h.Close()
	for typ, p := range plans {
		all := p.kind.Status.Enum
		if all == nil {
			all = []string{"of:mine"}
		}
		for _, status := range all {
			typed := filled(typ, p.kind, status)
			n, own, err := typed.Build()
			if err != nil {
				t.Fatalf("%s: %v", typ, err)
			}
			if want := p.kind.TypeOf(status); n.Type != want || strings.Contains(want, "<") {
				t.Errorf("%s: type %s, want %s", typ, n.Type, want)
			}
			fields, err := strictjson.Check(n.Data, strictjson.Rules{})
			if err != nil {
				t.Fatal(err)
			}
			body, data := []byte("{"), []byte("{")
			known := 0
			for m := range fields.Members() {
				to := &data
				switch m.Name {
				case p.kind.ID.Name, p.kind.Status.Name:
					to = &body
				case "metadata":
					continue
				default:
					known++
				}
				*to = append(appendKey(*to, m.Name), m.Value.Bytes()...)
			}
			if known != len(p.kind.Fields)+1 { // and "more"
				t.Errorf("%s: %d fields of data in %s", typ, known, n.Data)
			}
			if p.kind.Status.Name == "type" {
				body = append(appendKey(body, "type"), `"`+status+`"`...)
			}
			body = append(append(appendKey(body, "data"), data...), '}')
			body = append(appendKey(body, "metadata"), `{"more":true}`...)
			body = append(append(appendKey(body, "target"), `{"all":true}`...), '}')
			got, err := decodeBody(p.kind.Name, body)
			if err != nil || !bytes.Equal(got.Notification.Data,
				n.Data) || !bytes.Equal(got.Notification.Metadata,
				n.Metadata) || got.Notification.Type != n.Type {
				t.Errorf("%s: %v\nHTTP %s\n  Go %s", typ, err, got.Notification.Data, n.Data)
			}
			if own.IsZero() {
				own = notify.ToAll()
			}
			if _, err := h.Send(t.Context(), typed, own); err != nil {
				t.Errorf("%s: %v", typ, err)
			}
		}
	}
}
