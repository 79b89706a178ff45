package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/notify/catalogue"
)

const catalogueHead = `// Written by notify/catalogue/typescript from the server's table of kinds. Change that, then run make generate.

export type Priority = "low" | "medium" | "normal" | "high";

/** What all kinds of the catalogue say of themselves: in data.metadata, and in the metadata beside data. */
export interface KindMetadata {
  /** The kind's, or the backend's own word. */
  category: string;
  priority: Priority;
  /** What it came from: "webhook", "job-processor", "realtime-update", "user-activity", "system" or the backend's word. */
  source?: string;
  /** Of the system itself, for everyone who watches it. */
  system?: true;
  [field: string]: unknown;
}
`

// pageTypes is catalogue.ts: an interface for each kind's data, and the interface of all types.
func pageTypes(kinds []catalogue.Kind) string {
	kinds = slices.DeleteFunc(slices.Clone(kinds), free)
	b := new(strings.Builder)
	b.WriteString(catalogueHead)
	for _, k := range kinds {
		if k.Status.Enum != nil {
			fmt.Fprintf(b, "\nexport type %s = %s;\n", statusType(k), union(k.Status.Enum))
		}
		fmt.Fprintf(b, "\n/** %s The type is `%s`. */\n", k.Doc, k.Type)
		shape(b, k.GoType+"Data", k, fields(k))
	}
	shared, order := share(kinds)
	for _, set := range shared {
		k, names := set[0], make([]string, len(set))
		for i, k := range set {
			names[i] = k.Name
		}
		fmt.Fprintf(b, "\n/**\n * What a handler of the types that %s share finds:\n * the fields of all, and of each. `jobType` tells them apart.\n */\n", list(names))
		shape(b, mergedName(set), k, merge(set))
	}
	b.WriteString("\n/**\n * What the handler of each type finds in `data`. Add types of your own:\n" +
		" * `declare module \"roomcast\" { interface Catalogue { \"order:shipped\": { orderId: string } } }`.\n */\nexport interface Catalogue {\n")
	for _, t := range order {
		fmt.Fprintf(b, "  %q: %s;\n", t.name, t.data)
	}
	b.WriteString("}\n")
	return b.String()
}

// free: a kind whose type is whatever the backend says has nothing to write down.
func free(k catalogue.Kind) bool { return k.Status.Name == "type" }

// field is one line of an interface.
type field struct {
	name, doc, typ string
	optional       bool
}

// fields are those of a kind's data that are known; metadata is not among them.
func fields(k catalogue.Kind) []field {
	own := []field{{k.ID.Name, k.ID.Doc, "string", false}, {k.Status.Name, k.Status.Doc, parameter(k), false}}
	for _, f := range k.Fields {
		own = append(own, field{f.Name, says(f), typeOf(f), f.Const == "" && f.From == "" && !f.Required})
	}
	return own
}

// shape writes an interface with the kind's status as its parameter.
func shape(b *strings.Builder, name string, k catalogue.Kind, fields []field) {
	any := statusType(k)
	fmt.Fprintf(b, "export interface %s<%s extends %s = %s> {\n", name, parameter(k), any, any)
	for _, f := range fields {
		mark := ""
		if f.optional {
			mark = "?"
		}
		fmt.Fprintf(b, "  /** %s */\n  %s%s: %s;\n", f.doc, f.name, mark, f.typ)
	}
	b.WriteString("  metadata: KindMetadata;\n  /** What else the backend gave. */\n  [field: string]: unknown;\n}\n")
}

// entry is a type that clients get, with the TypeScript of its data.
type entry struct{ name, data string }

// share returns the sets of kinds that send the same types, and all types in the order of the kinds.
func share(kinds []catalogue.Kind) (sets [][]catalogue.Kind, order []entry) {
	var seen []string
	named := make(map[string]bool)
	for _, k := range kinds {
		statuses := k.Status.Enum
		if k.Types() == nil {
			continue // user:<achievement> has no end
		}
		if k.TypeOf("") == k.Type {
			statuses = []string{""}
		}
		for _, status := range statuses {
			t := k.TypeOf(status)
			if slices.Contains(seen, t) {
				continue
			}
			seen = append(seen, t)
			var set []catalogue.Kind
			for _, other := range kinds {
				if slices.Contains(other.Types(), t) {
					set = append(set, other)
				}
			}
			data := k.GoType + "Data"
			if len(set) > 1 {
				if data = mergedName(set); !named[data] {
					named[data], sets = true, append(sets, set)
				}
			}
			if status != "" {
				data += fmt.Sprintf("<%q>", status)
			}
			order = append(order, entry{t, data})
		}
	}
	return sets, order
}

func mergedName(set []catalogue.Kind) string { return "Any" + set[0].GoType + "Data" }

// merge returns the fields of several kinds: required where all have it so, and of all their types.
func merge(set []catalogue.Kind) []field {
	var all []field
	count := make(map[string]int)
	for _, k := range set {
		for _, f := range fields(k) {
			count[f.name]++
			i := slices.IndexFunc(all, func(have field) bool { return have.name == f.name })
			if i < 0 {
				if k.Name != set[0].Name {
					f.doc = k.Name + ": " + f.doc
				}
				all = append(all, f)
				continue
			}
			have := &all[i]
			have.optional = have.optional || f.optional
			have.typ = either(have.typ, f.typ)
			if f.name == "jobId" {
				have.doc = "The job, or the own id of a special kind."
			}
		}
	}
	for i, f := range all {
		all[i].optional = f.optional || count[f.name] < len(set)
	}
	return all
}

// either is a type of two; a string takes in its literals.
func either(a, b string) string {
	switch {
	case a == b, a == "string" && strings.HasPrefix(b, `"`):
		return a
	case b == "string" && strings.HasPrefix(a, `"`):
		return b
	}
	return a + " | " + b
}
