// Package catalogue has the notifications that most applications send, as Go types and as bodies of
// the HTTP API, each with its type, target, priority and checks.
//
// The field Data of a type adds fields to the data of the notification. The field Metadata adds
// members to its metadata, and may replace category, priority and source.
package catalogue

import "strings"

// Kind is one kind of notification: its fields, the type that clients get, and the defaults. The Go
// types, the HTTP API, its OpenAPI document and the TypeScript package are generated from these
// values or tested against them.
type Kind struct {
	Name     string // in the route: "payment"
	GoType   string // in this package: "Payment"
	Function string // in the TypeScript package: "sendPaymentNotification"
	Doc      string // a sentence

	// Type is the type that clients get, such as "payment:<status>", with the value of that field
	// for <status>.
	Type string

	ID     Field   // the application's id, first in data; without a Name the kind has none
	Status Field   // second in data; with the Name "type" it is the whole type, and not in data
	Fields []Field // fields of data that are checked; others pass unchanged

	Target   TargetRule // the default target
	Category string     // metadata.category
	Source   string     // metadata.source, "" for none
	System   bool       // metadata.system is true

	Priority   string            // metadata.priority
	Priorities map[string]string // the statuses with another priority
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
	TypeAny       = "any"       // any JSON except null
)

// Field is one field of a Kind.
type Field struct {
	Name     string
	Type     string // TypeString, TypeNumber …
	Required bool
	Doc      string
	Unit     string   // such as "ms", "" for none
	Min, Max *float64 // the range of a number or integer, both values included
	MaxLen   int      // the most bytes of a string; 0 is no limit
	Enum     []string // the allowed values of a string; nil allows all
	Const    string   // the only value, and the default
	From     string   // the field with the default value
	Items    string   // the type of the elements of an array, "" for any
}

// TargetRule is the default target of a Kind: the user whose id is in the field User, the channel
// Channel, or everyone. The zero TargetRule is no default: the backend must name a target.
type TargetRule struct {
	User    string // the field with the user id: "userId", or "data.customerId" for a field of data
	Channel string
	All     bool
}

// TypeOf returns the type that clients get for a status.
func (k Kind) TypeOf(status string) string {
	return strings.Replace(k.Type, "<"+k.Status.Name+">", status, 1)
}

// Types returns all types of the kind, or nil if its status can be any text.
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
