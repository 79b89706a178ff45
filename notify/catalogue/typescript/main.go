// Command typescript generates the TypeScript of the catalogue: the types of data for pages, and
// the functions for backends. Run it with go generate in the directory of package catalogue.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/roomcast/roomcast/notify/catalogue"
)

// files are the generated files. Each is a function of the kinds and of the file's text before.
var files = map[string]func(kinds []catalogue.Kind, before string) string{
	"web/client/src/catalogue.ts":         func(kinds []catalogue.Kind, _ string) string { return pageTypes(kinds) },
	"web/client/src/backend/kinds.ts":     func(kinds []catalogue.Kind, _ string) string { return backendKinds(kinds) },
	"web/client/src/backend/functions.ts": func(kinds []catalogue.Kind, _ string) string { return backendFunctions(kinds) },
	"docs/typescript-backends.md":         tableOfFunctions,
}

func main() {
	for name, text := range files {
		if err := write(filepath.Join("..", "..", name), text); err != nil {
			fmt.Fprintln(os.Stderr, "typescript:", err)
			os.Exit(1)
		}
	}
}

func write(path string, text func([]catalogue.Kind, string) string) error {
	before, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(path, []byte(text(catalogue.Kinds(), string(before))), 0o644)
}
