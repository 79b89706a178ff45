package main

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const module = "github.com/roomcast/roomcast"

// goBlock is one Go block of the documentation.
type goBlock struct {
	at, code string
}

// fragmentHead declares the variables that the fragments of the pages use, between the imports and
// a function.
const fragmentHead = `package fragments

import (
	%s
)

var (
	ctx           context.Context
	hub           *notify.Hub
	socketIO      *socketio.Server
	chat          *socketio.Namespace
	c             *socketio.Conn
	io            *socket.Server
	client        *socket.Socket
	users         *auth.Authenticator
	authenticator = users
	streams       *sse.Handler
	mux           *http.ServeMux
	receipt       notify.Receipt
	err           error
)

%s`

// TestGoBlocks checks that every program in the pages compiles, passes vet and is formatted in a
// module of its own, as a reader would have it. Every other Go block is checked inside a function.
func TestGoBlocks(t *testing.T) {
	directory := ownModule(t)
	programs := 0
	for i, b := range goBlocks(t) {
		formatted, err := format.Source([]byte(b.code))
		if err != nil || string(formatted) != b.code {
			t.Errorf("%s: %v; formatted it is\n%s", b.at, err, formatted)
			continue
		}
		code := fmt.Sprintf("//line %s\n%s", b.at, b.code)
		if strings.HasPrefix(b.code, "package ") {
			programs++
		} else {
			code = inFunction(t, b)
		}
		file := filepath.Join(directory, fmt.Sprintf("block%d", i), "block.go")
		write(t, file, code)
	}
	if programs == 0 {
		t.Fatal("no programs")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	// vet compiles each package too, but does not link the programs.
	cmd := exec.CommandContext(ctx, "go", "vet", "./...")
	cmd.Dir = directory
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// goBlocks returns the Go blocks of all pages.
func goBlocks(t *testing.T) []goBlock {
	t.Helper()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []goBlock
	for _, page := range append(pages, "README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		block := regexp.MustCompile("(?ms)^```go\\b[^\n]*\n(.*?)^```$")
		for _, at := range block.FindAllSubmatchIndex(text, -1) {
			line := bytes.Count(text[:at[2]], []byte("\n")) + 1
			blocks = append(blocks, goBlock{fmt.Sprintf("%s:%d", page, line),
				string(text[at[2]:at[3]])})
		}
	}
	return blocks
}

// ownModule creates a module in a temporary directory that uses the packages of this checkout and
// the same versions of all other modules.
func ownModule(t *testing.T) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	own := strings.Replace(string(mod), "module "+module+"\n", "module example.com/chat\n", 1)
	write(t, filepath.Join(directory, "go.mod"),
		own+"\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n")
	write(t, filepath.Join(directory, "go.sum"), string(sum))
	return directory
}

// inFunction returns a file with the fragment in a function. It imports the packages that the
// fragment uses, and uses the variables that it declares.
func inFunction(t *testing.T, b goBlock) string {
	t.Helper()
	body := fmt.Sprintf("func _() {\n//line %s\n%s", b.at, b.code)
	parsed, err := parser.ParseFile(token.NewFileSet(), b.at, "package p\n"+body+"}\n", 0)
	if err != nil {
		t.Fatalf("%s: %v", b.at, err)
	}
	for _, statement := range parsed.Decls[0].(*ast.FuncDecl).Body.List {
		if s, ok := statement.(*ast.AssignStmt); ok && s.Tok == token.DEFINE {
			for _, name := range s.Lhs {
				body += "_ = " + name.(*ast.Ident).Name + "\n"
			}
		}
	}
	imports := []string{"context", "net/http", "github.com/zishang520/socket.io/v2/socket",
		module + "/auth", module + "/notify", module + "/server/socketio", module + "/sse"}
	for _, path := range []string{"encoding/json", "errors", "log", "os", "regexp", "strings", "time",
		module + "/notify/catalogue", module + "/rooms", module + "/server",
		module + "/server/edge",
		module + "/server/limit", module + "/server/socketio/library", module + "/server/traces",
	} {
		if regexp.MustCompile(`\b` + filepath.Base(path) + `\.[A-Z]`).MatchString(b.code) {
			imports = append(imports, path)
		}
	}
	slices.Sort(imports)
	return fmt.Sprintf(fragmentHead, `"`+strings.Join(imports, "\"\n\t\"")+`"`, body+"}\n")
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
