package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify/catalogue"
)

// TestFilesAreFresh checks that the npm package and its page have the kinds of the server.
func TestFilesAreFresh(t *testing.T) {
	t.Parallel()
	for name, text := range files {
		got, err := os.ReadFile(filepath.Join("..", "..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != text(catalogue.Kinds(), string(got)) {
			t.Errorf("%s differs from the generated text: run make generate", name)
		}
	}
}

// TestFilesHaveAllKinds checks that every kind has its function and its types.
func TestFilesHaveAllKinds(t *testing.T) {
	t.Parallel()
	kinds := catalogue.Kinds()
	table, types := backendKinds(kinds), pageTypes(kinds)
	for _, k := range kinds {
		if !strings.Contains(table, fmt.Sprintf("  %s: { kind: %q,", k.Function, k.Name)) {
			t.Errorf("no function for %s", k.Name)
		}
		for _, name := range k.Types() {
			if !free(k) && strings.Count(types, fmt.Sprintf("\n  %q: ", name)) != 1 {
				t.Errorf("%s is not there once", name)
			}
		}
	}
}
