// Command typescript writes the TypeScript of the catalogue: what a handler on the page finds in data, and the functions
// that a backend calls. Run it by go generate in the directory of package notify.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/roomcast/roomcast/notify"
)

// files are what is written, below the sources of the npm package.
var files = map[string]func([]notify.Kind) string{
	"catalogue.ts":         catalogue,
	"backend/kinds.ts":     backendKinds,
	"backend/functions.ts": backendFunctions,
}

func main() {
	sources := flag.String("into", "../web/client/src", "the `directory` of the package's sources")
	flag.Parse()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(*sources, name), []byte(text(notify.Kinds())), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "typescript:", err)
			os.Exit(1)
		}
	}
}
