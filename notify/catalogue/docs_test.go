package catalogue

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestDocs checks that docs/notifications.md has the kinds. A failure prints the text to put there.
func TestDocs(t *testing.T) {
	t.Parallel()
	const start, end = "<!-- kinds:start -->", "<!-- kinds:end -->"
	page, err := os.ReadFile("../../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), start)
	section, _, closed := strings.Cut(rest, end)
	if want := strings.TrimSpace(reference()); !ok || !closed ||
		strings.TrimSpace(section) != want {
		t.Fatalf("docs/notifications.md differs from the catalogue; put this between %s and "+
			"%s:\n\n%s", start, end, want)
	}
}

// reference returns the kinds in Markdown.
func reference() string {
	var b strings.Builder
	b.WriteString("| kind | Go | type sent | statuses | without a target to | priority | source " +
		"|\n| --- | --- | --- | --- | --- | --- | --- |\n")
	var given []string
	for _, k := range Kinds() {
		if k.Status.Name == "type" {
			given = append(given, "`"+k.Name+"`")
		}
		fmt.Fprintf(&b, "| `%s` | `catalogue.%s` | `%s` | %s | %s | %s | %s |\n",
			k.Name, k.GoType, k.Type, statuses(k), where(k.Target), urgency(k), origin(k))
	}
	for _, k := range Kinds() {
		if k.Status.Name == "type" {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s `category` is `%s`.\n\n| field | | |\n| --- | --- | --- "+
			"|\n", k.Name, k.Doc, k.Category)
		row := func(path string, f Field) {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", path, takes(f), f.Doc)
		}
		row(k.ID.Name, k.ID)
		row(k.Status.Name, k.Status)
		for _, f := range k.Fields {
			row("data."+f.Name, f)
		}
	}
	fmt.Fprintf(&b, "\n### %s\n\nThe field `type` is the type. `data` passes unchanged: it has "+
		"no known fields.\n", strings.Join(given, ", "))
	return b.String()
}

func statuses(k Kind) string {
	if k.Status.Enum == nil {
		return "free"
	}
	return "`" + strings.Join(k.Status.Enum, "` `") + "`"
}

func where(r TargetRule) string {
	switch {
	case r.All:
		return "all"
	case r.Channel != "":
		return "channel `" + r.Channel + "`"
	case r.User != "":
		return "user `" + r.User + "`"
	}
	return "none"
}

func urgency(k Kind) string {
	s := k.Priority
	for _, status := range k.Status.Enum {
		if p := k.PriorityOf(status); p != k.Priority {
			s += ", " + status + ": " + p
		}
	}
	return s
}

func origin(k Kind) string {
	if k.System {
		return k.Source + ", `system: true`"
	}
	return k.Source
}

// takes describes the values of a field.
func takes(f Field) string {
	s := f.Type
	switch {
	case f.Items != "":
		s = "array of " + f.Items + "s"
	case f.Const != "":
		s = "`" + f.Const + "`"
	case f.Enum != nil:
		s = "`" + strings.Join(f.Enum, "` `") + "`"
	case f.Max != nil:
		s = fmt.Sprintf("%s, %v to %v", s, *f.Min, *f.Max)
	case f.Min != nil:
		s = fmt.Sprintf("%s, at least %v", s, *f.Min)
	case f.MaxLen > 0:
		s = fmt.Sprintf("%s, up to %d bytes", s, f.MaxLen)
	}
	if f.Unit != "" {
		s += " (" + f.Unit + ")"
	}
	if f.Required {
		s = "required, " + s
	}
	return s
}
