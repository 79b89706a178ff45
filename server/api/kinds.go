package api

import (
	"encoding/json"
	"strings"

	"github.com/roomcast/roomcast/notify/catalogue"
)

// kindRoutes returns a route for every kind of the catalogue.
func (h *handler) kindRoutes(c components) []route {
	var routes []route
	for _, kind := range catalogue.Kinds() {
		routes = append(routes, route{
			Method: "POST", Path: "/v1/notifications/" + kind.Name, Group: groupCatalogue,
			ID:      "send" + strings.TrimSuffix(kind.GoType, "Notification") + "Notification",
			Summary: strings.TrimSuffix(kind.Doc, "."), Doc: kindDoc(kind),
			Body:      &requestBody{Object: kindObject(kind, c.target), Example: kindExample(kind)},
			Publishes: true,
			Reply:     objectRef(c.receipt), Example: exampleReceipt,
			handle: h.publishKind(kind.Name),
		})
	}
	return routes
}

// kindDoc describes the event, the default target, the category and the priority of a kind.
func kindDoc(k catalogue.Kind) string {
	var b strings.Builder
	b.WriteString("Clients receive the event `" + k.Type + "`. ")
	switch {
	case k.Target.User != "":
		b.WriteString("The default target is the user in " + k.Target.User + ". ")
	case k.Target.Channel != "":
		b.WriteString("The default target is the channel " + k.Target.Channel + ". ")
	case k.Target.All:
		b.WriteString("The default target is every connection. ")
	default:
		b.WriteString("There is no default target. ")
	}
	b.WriteString("The default category is " + k.Category + ", the default priority " + k.Priority)
	for _, status := range k.Status.Enum {
		if p := k.PriorityOf(status); p != k.Priority {
			b.WriteString(", for " + status + " " + p)
		}
	}
	return b.String() + "."
}

// kindObject describes the body of a kind.
func kindObject(k catalogue.Kind, target *object) *object {
	body := &object{Name: k.GoType, Doc: k.Doc}
	if k.ID.Name != "" {
		id := kindField(k.ID)
		id.Schema = asName(id.Schema)
		body.Fields = append(body.Fields, id)
	}
	body.Fields = append(body.Fields, kindField(k.Status))
	data := schema{"type": "object"}
	properties, required := schema{}, []any{}
	for _, f := range k.Fields {
		described := described(kindField(f))
		if k.Target.User == "data."+f.Name {
			asName(described)
		}
		properties[f.Name] = described
		if f.Required && f.Const == "" && f.From == "" {
			required = append(required, f.Name)
		}
	}
	if len(properties) > 0 {
		data["properties"] = properties
	}
	dataField := field{
		Name: "data", Doc: "details; fields that are not listed are delivered unchanged",
		Schema: data,
	}
	if len(required) > 0 {
		data["required"] = required
		dataField.Required = true
	} else {
		data["type"] = []any{"object", "null"}
	}
	body.Fields = append(body.Fields, dataField,
		field{
			Name: "metadata", Doc: "category, priority, source and any other fields",
			Schema: metadataSchema(),
		},
		field{Name: "target", Doc: "the recipients", Required: k.Target == (catalogue.TargetRule{}),
			Schema: objectRef(target)})
	body.Fields = append(body.Fields, deliveryFields(false)...)
	return body
}

func kindField(f catalogue.Field) field {
	s := schema{}
	switch f.Type {
	case catalogue.TypeTimestamp:
		s["type"], s["format"] = "string", "date-time"
	case catalogue.TypeAny:
		s["not"] = schema{"type": "null"}
	default:
		s["type"] = f.Type
	}
	if f.Min != nil {
		s["minimum"] = *f.Min
	}
	if f.Max != nil {
		s["maximum"] = *f.Max
	}
	if f.MaxLen > 0 {
		s["maxLength"] = f.MaxLen
	}
	if f.Enum != nil {
		s["enum"] = anys(f.Enum)
	}
	if f.Const != "" {
		s["const"] = f.Const
	}
	if f.Items != "" {
		s["items"] = schema{"type": f.Items}
	}
	doc := f.Doc
	if f.Unit != "" {
		doc = strings.TrimSuffix(doc, ".") + ", in " + f.Unit + "."
	}
	return field{
		Name: f.Name, Required: f.Required && f.Const == "" && f.From == "", Doc: doc, Schema: s,
	}
}

// kindExample returns a body with all fields of a kind.
func kindExample(k catalogue.Kind) string {
	var b strings.Builder
	b.WriteString("{")
	add := func(name string, value any) {
		text, _ := json.Marshal(value) // fails for neither strings nor numbers
		if b.Len() > 1 {
			b.WriteString(", ")
		}
		b.WriteString(`"` + name + `": ` + string(text))
	}
	for _, f := range []catalogue.Field{k.ID, k.Status} {
		if f.Name != "" {
			add(f.Name, sample(f))
		}
	}
	data := map[string]any{}
	for _, f := range k.Fields {
		if f.Const == "" && f.From == "" {
			data[f.Name] = sample(f)
		}
	}
	if len(data) > 0 {
		add("data", data)
	}
	if k.Target == (catalogue.TargetRule{}) {
		add("target", map[string]string{"user": "u1"})
	}
	b.WriteString("}")
	return b.String()
}

// sample returns a value that the field allows.
func sample(f catalogue.Field) any {
	switch f.Type {
	case catalogue.TypeNumber, catalogue.TypeInteger:
		switch {
		case f.Min != nil && *f.Min > 12:
			return *f.Min
		case f.Max != nil && *f.Max < 12:
			return *f.Max
		}
		return 12
	case catalogue.TypeBoolean:
		return true
	case catalogue.TypeObject:
		return map[string]any{}
	case catalogue.TypeArray:
		if f.Items == "" || f.Items == catalogue.TypeString {
			return []string{"a"}
		}
		return []any{}
	case catalogue.TypeTimestamp:
		return "2026-11-22T10:00:00Z"
	}
	lower := strings.ToLower(f.Name)
	switch {
	case len(f.Enum) > 0:
		return f.Enum[0]
	case lower == "userid" || lower == "customerid":
		return "u1"
	case strings.HasSuffix(lower, "url"):
		return "https://example.com/" + f.Name
	case strings.HasSuffix(f.Name, "Id"):
		return strings.TrimSuffix(f.Name, "Id") + "-1"
	case lower == "currency":
		return "EUR"
	case lower == "type":
		return "order:created"
	}
	return "some " + lower
}
