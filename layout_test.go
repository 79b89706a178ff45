package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// libraryUsers are the packages that may import modules of github.com/zishang520: the facade, and
// the programs that show how to use it.
var libraryUsers = map[string]bool{
	"server/socketio/library": true, "server/conformance": true, "web/e2e/emitter": true,
}

// TestImportsPointOneWay checks that a package imports only packages of the rows of ARCHITECTURE.md
// below its own.
func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	rows := layoutRows(t)
	for name, imports := range moduleImports(t) {
		row, listed := rows[name]
		for _, path := range imports {
			if strings.HasPrefix(path, "github.com/zishang520/") && !libraryUsers[name] {
				t.Errorf("%s imports %s", name, path)
			}
			if strings.HasPrefix(path, "github.com/redis/") && name != "notify/cluster/redisstream" {
				t.Errorf("%s imports %s", name, path)
			}
			own, isOwn := strings.CutPrefix(path, module+"/")
			if below, known := rows[own]; listed && isOwn && known && below <= row {
				t.Errorf("%s imports %s, which is not in a row below it", name, own)
			}
		}
		for _, own := range ownImports(imports) {
			switch {
			case strings.HasPrefix(name, "server/sockets"),
				strings.HasPrefix(name, "server/engineio") && own != module+"/server/sockets":
				t.Errorf("%s imports %s", name, own)
			}
		}
	}
}

// layoutRows returns the row of each package in ARCHITECTURE.md, from the top.
func layoutRows(t *testing.T) map[string]int {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "Imports point one way")
	_, rest, _ = strings.Cut(rest, "```\n")
	block, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("ARCHITECTURE.md has no rows of packages")
	}
	rows := map[string]int{}
	for i, row := range strings.Split(strings.TrimSpace(block), "\n") {
		for name := range strings.SplitSeq(row, ",") {
			name = strings.TrimSpace(name)
			if _, err := os.Stat(filepath.FromSlash(name)); err != nil && name != "main" {
				t.Errorf("ARCHITECTURE.md names the package %s: %v", name, err)
			}
			rows[name] = i
		}
	}
	return rows
}

// moduleImports returns the imports of each package of the module, without those of its tests.
func moduleImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" ||
			strings.HasPrefix(d.Name(), ".") && path != "."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(filepath.Dir(path))
		if name == "." {
			name = "main"
		}
		for _, spec := range file.Imports {
			imports[name] = append(imports[name], strings.Trim(spec.Path.Value, `"`))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

func ownImports(imports []string) (own []string) {
	for _, path := range imports {
		if strings.HasPrefix(path, module+"/") {
			own = append(own, path)
		}
	}
	return own
}
