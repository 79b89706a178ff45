package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each row of docs/compatibility.md names a test that exists.
func TestCompatibilityNamesTests(t *testing.T) {
	t.Parallel()
	rows := regexp.MustCompile("(?m)^\\|.*\\| `([^`]+)`: ([^|]+) \\|$")
	page := read(t, "docs/compatibility.md")
	found := rows.FindAllStringSubmatch(page, -1)
	if lines := strings.Count(page, "\n|") - 2*strings.Count(page, "\n## "); len(found) != lines {
		t.Errorf("%d of %d rows name a test", len(found), lines)
	}
	for _, row := range found {
		file, name := row[1], row[2]
		if !strings.Contains(read(t, file), name) {
			t.Errorf("%s has no test named %s", file, name)
		}
	}
}

// All pages and examples call the address of the server and the key of a backend the same.
func TestOneNameForKeyAndAddress(t *testing.T) {
	t.Parallel()
	other := regexp.MustCompile(`\$\{?KEY\b|\bKEY=|\$\{?ROOMCAST\b|\bROOMCAST=|\bROOMCAST_KEY\b|\bAPI_KEY\b`)
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "README.md", "compose.yaml", "web/client/README.md",
		"examples/nextjs/README.md", "web/console/index.html", "web/console/src/curl.ts")
	for _, page := range pages {
		if found := other.FindString(read(t, page)); found != "" {
			t.Errorf("%s has %s, want ROOMCAST_API_KEY or ROOMCAST_URL", page, found)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
