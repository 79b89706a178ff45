package main

import (
	"fmt"
	"strings"

	"github.com/roomcast/roomcast/notify/catalogue"
)

// tableOfFunctions returns docs/typescript-backends.md with a new table of functions. The text
// around the table stays.
func tableOfFunctions(kinds []catalogue.Kind, page string) string {
	const start, end = "<!-- functions:start -->", "<!-- functions:end -->"
	head, rest, ok := strings.Cut(page, start)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		panic("docs/typescript-backends.md has no place for the table: " + start + " and " + end)
	}
	b := new(strings.Builder)
	b.WriteString("| function | first arguments | type sent | without a target to |\n| --- | --- | --- | --- |\n")
	for _, k := range kinds {
		status := "`" + k.Status.Name + "`"
		if k.Status.Enum != nil {
			status += ": `" + strings.Join(k.Status.Enum, "` `") + "`"
		}
		if k.ID.Name != "" {
			status = "`" + k.ID.Name + "`, " + status
		}
		fmt.Fprintf(b, "| `%s` | %s | `%s` | %s |\n", k.Function, status, k.Type, whereTo(k))
	}
	return head + start + "\n\n" + b.String() + "\n" + end + tail
}

func whereTo(k catalogue.Kind) string {
	switch r := k.Target; {
	case r.All:
		return "all"
	case r.Channel != "":
		return "channel `" + r.Channel + "`"
	case r.User != "":
		return "user `" + r.User + "`"
	}
	return "none: throws without a target"
}
