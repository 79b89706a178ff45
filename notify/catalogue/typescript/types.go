package main

import (
	"fmt"
	"strings"

	"github.com/roomcast/roomcast/notify/catalogue"
)

// typeOf returns the TypeScript type of a field.
func typeOf(f catalogue.Field) string {
	switch {
	case f.Const != "":
		return fmt.Sprintf("%q", f.Const)
	case f.Enum != nil:
		return union(f.Enum)
	}
	switch f.Type {
	case catalogue.TypeNumber, catalogue.TypeInteger:
		return "number"
	case catalogue.TypeBoolean:
		return "boolean"
	case catalogue.TypeObject:
		return "Record<string, unknown>"
	case catalogue.TypeArray:
		if f.Items == catalogue.TypeString {
			return "string[]"
		}
		return "unknown[]"
	case catalogue.TypeAny:
		return "unknown"
	}
	return "string"
}

// says returns the documentation of a field with the range of a number and the form of a time.
func says(f catalogue.Field) string {
	s := f.Doc
	unit := f.Unit
	if unit != "" && unit != "%" {
		s += " In " + unit + "."
	}
	switch {
	case f.Max != nil:
		s += strings.TrimRight(fmt.Sprintf(" From %v to %v %s", *f.Min, *f.Max, strings.Trim(unit, "ms")), " ") + "."
	case f.Min != nil:
		s += fmt.Sprintf(" At least %v.", *f.Min)
	case f.Type == catalogue.TypeTimestamp:
		s += " RFC 3339."
	}
	return s
}

// statusType returns the name of the type of a kind's statuses.
func statusType(k catalogue.Kind) string {
	if k.Status.Enum == nil {
		return "string"
	}
	return k.GoType + upper(k.Status.Name)
}

// parameter returns the name of the type parameter for the status.
func parameter(k catalogue.Kind) string { return upper(k.Status.Name) }

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func union(values []string) string {
	return `"` + strings.Join(values, `" | "`) + `"`
}

// list joins names as in: a, b and c.
func list(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
