package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// TestFresh: the npm package has the catalogue that the server has.
func TestFresh(t *testing.T) {
	for name, text := range files {
		got, err := os.ReadFile(filepath.Join("..", "..", "web", "client", "src", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != text(notify.Kinds()) {
			t.Errorf("web/client/src/%s differs from what the table makes of it: run make generate", name)
		}
	}
}
