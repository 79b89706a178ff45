// Command typescript writes the TypeScript of the catalogue: what a handler on the page finds in data, and the functions
// that a backend calls. Run it by go generate in the directory of package notify.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/roomcast/roomcast/notify"
)

// files are what is written, each from the kinds and from what it was before.
var files = map[string]func(kinds []notify.Kind, before string) string{
	"web/client/src/catalogue.ts":         func(kinds []notify.Kind, _ string) string { return catalogue(kinds) },
	"web/client/src/backend/kinds.ts":     func(kinds []notify.Kind, _ string) string { return backendKinds(kinds) },
	"web/client/src/backend/functions.ts": func(kinds []notify.Kind, _ string) string { return backendFunctions(kinds) },
	"docs/typescript-backends.md":         tableOfFunctions,
}

func main() {
	for name, text := range files {
		if err := write(filepath.Join("..", name), text); err != nil {
			fmt.Fprintln(os.Stderr, "typescript:", err)
			os.Exit(1)
		}
	}
}

func write(path string, text func([]notify.Kind, string) string) error {
	before, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(path, []byte(text(notify.Kinds(), string(before))), 0o644)
}
