// Package clientfiles serves the files of socket.io-client to pages, as a Node server does.
package clientfiles

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/server/edge"
)

// Main is the name that pages usually load, and that every source has.
const Main = "socket.io.js"

// Names are the names of all files, those of the folder dist of socket.io-client.
var Names = []string{
	Main, "socket.io.js.map",
	"socket.io.min.js", "socket.io.min.js.map",
	"socket.io.esm.min.js", "socket.io.esm.min.js.map",
	"socket.io.msgpack.min.js", "socket.io.msgpack.min.js.map",
}

// Files serves the files from one source. Nothing outside Names is served. Any goroutine may call
// its methods.
type Files struct {
	base   string // the URL of a folder or of a file; "": a path is the source
	path   string // of a folder or of a file; "" without a source
	single bool   // the source is a file, which is served as Main and under its own name
	kept   kept
}

// Open returns the files of a source: the path of the folder dist of socket.io-client, the path of
// one file, the URL of such a folder or file, or "" for none. The error names what the source does
// not have.
func Open(source string) (*Files, error) {
	f := &Files{}
	switch {
	case source == "":
		return f, nil
	case strings.HasPrefix(source, "https://"), strings.HasPrefix(source, "http://"):
		return f, f.openURL(source)
	}
	info, err := os.Stat(source)
	if err != nil {
		return nil, err
	}
	f.path, f.single = source, !info.IsDir()
	if _, err := f.read(Main); errors.Is(err, os.ErrNotExist) && !f.single {
		return nil, fmt.Errorf("%q has no %s, expected the folder dist of socket.io-client", source,
			Main)
	} else if err != nil {
		return nil, err
	}
	return f, nil
}

func (f *Files) openURL(source string) error {
	u, err := url.Parse(source)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the URL must have no user, query or fragment, as in " +
			"https://cdn.example.com/socket.io-client/dist")
	}
	f.base, f.single = strings.TrimSuffix(u.String(), "/"), strings.HasSuffix(u.Path, ".js")
	return nil
}

// Exists reports whether there is a source.
func (f *Files) Exists() bool { return f.base != "" || f.path != "" }

var (
	errNoSource = &edge.Problem{Status: http.StatusNotFound, Code: edge.CodeNotFound,
		Detail: "this server has no copy of socket.io-client; SOCKETIO_CLIENT sets one, " +
			"or the page loads it from elsewhere"}
	errNoFile = &edge.Problem{Status: http.StatusNotFound, Code: edge.CodeNotFound,
		Detail: "SOCKETIO_CLIENT has no file of this name"}
	errUnreadable = &edge.Problem{Status: http.StatusInternalServerError, Code: edge.CodeInternal,
		Detail: "the file of SOCKETIO_CLIENT cannot be read; the log has the cause under the request_id"}
)

// ServeHTTP answers requests whose path ends with one of Names: with the file, with a redirect to
// it, or with 404. A file that was replaced is served as it is now.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	edge.ByMethod{http.MethodGet: http.HandlerFunc(f.get)}.ServeHTTP(w, r)
}

func (f *Files) get(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	switch {
	case !f.Exists():
		edge.WriteProblem(w, r, errNoSource)
	case !f.has(name):
		edge.WriteProblem(w, r, errNoFile)
	case f.base != "":
		http.Redirect(w, r, f.address(name), http.StatusFound)
	default:
		f.send(w, r, name)
	}
}

// has reports whether the source may have a file of that name.
func (f *Files) has(name string) bool {
	if !slices.Contains(Names, name) {
		return false
	}
	own := f.base
	if own == "" {
		own = filepath.ToSlash(f.path)
	}
	return !f.single || name == Main || name == path.Base(own)
}

func (f *Files) address(name string) string {
	if f.single {
		return f.base
	}
	return f.base + "/" + name
}

func (f *Files) send(w http.ResponseWriter, r *http.Request, name string) {
	file, err := f.read(name)
	if err != nil {
		problem := error(fmt.Errorf("%w: %w", errUnreadable, err))
		if errors.Is(err, os.ErrNotExist) {
			problem = errNoFile
		}
		edge.WriteProblem(w, r, problem)
		return
	}
	file.serve(w, r, name)
}
