package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/notify/catalogue"
)

const head = "// Written by notify/catalogue/typescript from the server's table of kinds. Change that, then run make generate.\n\n"

// backendKinds is backend/kinds.ts: the fields of each kind's data, what each function takes, and a table to make the
// requests from.
func backendKinds(kinds []catalogue.Kind) string {
	b := new(strings.Builder)
	statuses, _ := typesOf(kinds)
	b.WriteString(head + imports(statuses, "../catalogue.ts") + imports(sending, "./types.ts"))
	for _, k := range kinds {
		if len(k.Fields) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n/** What {@link KindFunctions.%s} takes as data. */\nexport interface %s extends Fields {\n", k.Function, fieldsType(k))
		for _, f := range k.Fields {
			typ := typeOf(f)
			if f.Type == catalogue.TypeTimestamp {
				typ += " | Date"
			}
			fmt.Fprintf(b, "  /** %s */\n  %s?: %s | undefined;\n", limits(f), f.Name, typ)
		}
		b.WriteString("}\n")
	}
	b.WriteString("\n/** A function for each kind of the catalogue. */\nexport interface KindFunctions {\n")
	for _, k := range kinds {
		fmt.Fprintf(b, "  %s\n  %s;\n", docOf(k), signature(k, "  "))
	}
	b.WriteString("}\n\n/**\n * What a request is made of: its route, the names of id and status, and where it goes without a target: to all, to\n" +
		" * the kind's channel, to the user that it is about or that a field of data names, or nowhere.\n */\nexport const kinds = {\n")
	for _, k := range kinds {
		fmt.Fprintf(b, "  %s: { kind: %q, id: %q, status: %q, own: %q },\n", k.Function, k.Name, k.ID.Name, k.Status.Name, own(k))
	}
	b.WriteString("} as const;\n")
	return b.String()
}

// backendFunctions is backend/functions.ts: the same functions as exports of the module, of the backend that
// configure made.
func backendFunctions(kinds []catalogue.Kind) string {
	b := new(strings.Builder)
	statuses, fields := typesOf(kinds)
	b.WriteString(head + imports(statuses, "../catalogue.ts") + "import { standard } from \"./configure.ts\";\n" +
		imports(fields, "./kinds.ts") + imports(sending, "./types.ts"))
	for _, k := range kinds {
		fmt.Fprintf(b, "\n%s\nexport function %s {\n  return standard().%s(%s, data, ...to);\n}\n",
			docOf(k), signature(k, ""), k.Function, strings.Join(arguments(k), ", "))
	}
	return b.String()
}

// sending are the types that all functions have in common.
var sending = []string{"Fields", "NamedTarget", "OptionalTarget", "Sent"}

// typesOf returns the names of the types of statuses and of data.
func typesOf(kinds []catalogue.Kind) (statuses, fields []string) {
	for _, k := range kinds {
		if k.Status.Enum != nil {
			statuses = append(statuses, statusType(k))
		}
		if len(k.Fields) > 0 {
			fields = append(fields, fieldsType(k))
		}
	}
	return statuses, fields
}

// imports is an import of types, in lines that can be read.
func imports(names []string, from string) string {
	if len(names) <= len(sending) {
		return fmt.Sprintf("import type { %s } from %q;\n", strings.Join(names, ", "), from)
	}
	var lines strings.Builder
	for some := range slices.Chunk(names, 5) {
		fmt.Fprintf(&lines, "  %s,\n", strings.Join(some, ", "))
	}
	return fmt.Sprintf("import type {\n%s} from %q;\n", lines.String(), from)
}

func fieldsType(k catalogue.Kind) string { return k.GoType + "Fields" }

// arguments are the names of what comes before data.
func arguments(k catalogue.Kind) []string {
	if k.ID.Name == "" {
		return []string{k.Status.Name}
	}
	return []string{k.ID.Name, k.Status.Name}
}

// signature is a function's name, parameters and result.
func signature(k catalogue.Kind, indent string) string {
	target, data, parameters := "OptionalTarget", "Fields", ""
	if k.Target == (catalogue.TargetRule{}) {
		target = "NamedTarget"
	}
	if len(k.Fields) > 0 {
		data = fieldsType(k)
	}
	if k.ID.Name != "" {
		parameters = k.ID.Name + ": string, "
	}
	parameters += fmt.Sprintf("%s: %s, data: %s, ...to: To", k.Status.Name, statusType(k), data)
	return fmt.Sprintf("%s<To extends %s>(\n%s  %s\n%s): Sent<To>", k.Function, target, indent, parameters, indent)
}

// own says where the notifications of a kind go without a target: "all", "channel", "user" when the kind's id is one,
// "data.customerId", or "" when a target must be named.
func own(k catalogue.Kind) string {
	switch r := k.Target; {
	case r.All:
		return "all"
	case r.Channel != "":
		return "channel"
	case r.User == k.ID.Name && r.User != "":
		return "user"
	default:
		return r.User
	}
}

// docOf is the comment on a function.
func docOf(k catalogue.Kind) string {
	typ, to := "`"+k.Type+"`", "a target must be named"
	if free(k) {
		typ = "as given"
	}
	switch r := k.Target; {
	case r.All:
		to = "without a target to everyone"
	case r.Channel != "":
		to = "without a target to the channel `" + r.Channel + "`"
	case r.User != "":
		to = "without a target to the user `" + r.User + "`"
	}
	return fmt.Sprintf("/** %s Type %s; %s. */", k.Doc, typ, to)
}

// limits is what a backend has to know of a field besides its type.
func limits(f catalogue.Field) string {
	if f.MaxLen > 0 {
		return fmt.Sprintf("%s Up to %d bytes.", says(f), f.MaxLen)
	}
	return says(f)
}
