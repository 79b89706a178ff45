package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify/catalogue"
)

// TestFresh: the npm package and its page have the catalogue that the server has.
func TestFresh(t *testing.T) {
	for name, text := range files {
		got, err := os.ReadFile(filepath.Join("..", "..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != text(catalogue.Kinds(), string(got)) {
			t.Errorf("%s differs from what the table makes of it: run make generate", name)
		}
	}
}

// TestNoKindIsLeftOut: a kind whose function or type is missing would be missed by nobody else.
func TestNoKindIsLeftOut(t *testing.T) {
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
