// Package catalogue has the notifications that most applications send, as Go types and as the bodies of the HTTP API,
// each with its type, target, priority and checks.
package catalogue

import "strings"

// Kind is one kind of the catalogue: what a backend says of it, what clients get, and what is assumed when the
// backend leaves it out. The Go types, the HTTP API, its OpenAPI document and the TypeScript package are made from,
// or tested against, the same Kinds.
type Kind struct {
	Name     string // in the route: "payment"
	GoType   string // in this package: "Payment"
	Function string // in the TypeScript package: "sendPaymentNotification"
	Doc      string // a sentence

	// Type is the type that clients get: "payment:<status>", where <status> stands for the value of that field.
	Type string

	ID     Field   // the domain's own id, first in data. Without a Name the kind has none
	Status Field   // what happened, second in data. Named "type" it is the whole type, and not in data
	Fields []Field // of data that are known and checked; others are passed on as they are

	Target   TargetRule // who gets it when the backend names nobody
	Category string     // metadata.category
	Source   string     // metadata.source, "" for none
	System   bool       // metadata.system is true

	Priority   string            // metadata.priority
	Priorities map[string]string // of the statuses that differ from Priority
}

// The types of a Field.
const (
	TypeString    = "string"
	TypeNumber    = "number"
	TypeInteger   = "integer"
	TypeBoolean   = "boolean"
	TypeObject    = "object"
	TypeArray     = "array"
	TypeTimestamp = "timestamp" // a string, RFC 3339
	TypeAny       = "any"       // any JSON but null
)

// Field is one field of a Kind. Lengths are in bytes of UTF-8.
type Field struct {
	Name     string
	Type     string // TypeString …
	Required bool
	Doc      string
	Unit     string   // such as "ms", "" for none
	Min, Max *float64 // of a number or integer, both allowed values
	MaxLen   int      // of a string; 0 is no limit of its own
	Enum     []string // the allowed values of a string; nil is any
	Const    string   // the only value, put in when it is left out
	From     string   // the field whose value is put in when this one is left out
	Items    string   // the type of an array's elements, "" for any
}

// TargetRule is the target of a Kind when the backend names none: the user whose id stands in Field, the channel
// Channel, or everyone. The zero rule is that the backend must name one.
type TargetRule struct {
	User    string // the field with the user's id: "userId", or "data.customerId" of a known field of data
	Channel string
	All     bool
}

// TypeOf returns the type that clients get for a status.
func (k Kind) TypeOf(status string) string {
	return strings.Replace(k.Type, "<"+k.Status.Name+">", status, 1)
}

// Types returns all types that the kind sends, or nil when its status is free.
func (k Kind) Types() []string {
	if k.TypeOf("") == k.Type {
		return []string{k.Type}
	}
	var types []string
	for _, status := range k.Status.Enum {
		types = append(types, k.TypeOf(status))
	}
	return types
}

// PriorityOf returns the priority for a status.
func (k Kind) PriorityOf(status string) string {
	if p, ok := k.Priorities[status]; ok {
		return p
	}
	return k.Priority
}

// KindOf returns the kind of that name.
func KindOf(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}
