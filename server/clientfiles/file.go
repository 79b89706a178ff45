package clientfiles

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// maxFile is the maximum size of a file. The largest of socket.io-client, a map, has 300 KB.
const maxFile = 4 << 20

// file is the content of a file, plain and compressed.
type file struct {
	info   os.FileInfo
	plain  []byte
	zipped []byte
	tag    string // of the content, without quotes
}

// kept has the content of each file as it was read last: at most len(Names) files.
type kept struct {
	mu    sync.Mutex
	files map[string]*file
}

// read returns the file of that name. It reads the file if it is another one than the one that is
// kept.
func (f *Files) read(name string) (*file, error) {
	folder := f.path
	if f.single { // the operator may name a link
		resolved, err := filepath.EvalSymlinks(f.path)
		if err != nil {
			return nil, err
		}
		folder, name = filepath.Dir(resolved), filepath.Base(resolved)
	}
	// Each time, because the folder may have been replaced. No link in it leads out of it.
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", filepath.Join(folder, name))
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s is larger than %d bytes", filepath.Join(folder, name), maxFile)
	}
	f.kept.mu.Lock()
	defer f.kept.mu.Unlock()
	if old := f.kept.files[name]; old != nil && os.SameFile(old.info, info) &&
		old.info.ModTime().Equal(info.ModTime()) && old.info.Size() == info.Size() {
		return old, nil
	}
	content, err := readAll(root, name)
	if err != nil {
		return nil, err
	}
	if f.kept.files == nil {
		f.kept.files = make(map[string]*file)
	}
	f.kept.files[name] = newFile(info, content)
	return f.kept.files[name], nil
}

func readAll(root *os.Root, name string) ([]byte, error) {
	opened, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return io.ReadAll(io.LimitReader(opened, maxFile))
}

func newFile(info os.FileInfo, content []byte) *file {
	sum := sha256.Sum256(content)
	var zipped bytes.Buffer
	writer := gzip.NewWriter(&zipped)
	_, _ = writer.Write(content) // a buffer takes everything
	_ = writer.Close()
	return &file{info, content, zipped.Bytes(), base64.RawURLEncoding.EncodeToString(sum[:12])}
}

// serve answers a GET or HEAD. The types and the lifetime are those of a Node server: a page asks
// each time whether the file has changed.
func (f *file) serve(w http.ResponseWriter, r *http.Request, name string) {
	content, tag := f.plain, f.tag
	h := w.Header()
	if acceptsGzip(r) {
		content, tag = f.zipped, f.tag+"-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	kind := "application/javascript; charset=utf-8"
	if strings.HasSuffix(name, ".map") {
		kind = "application/json; charset=utf-8"
	}
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=0")
	h.Set("ETag", `"`+tag+`"`)
	h.Add("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // a page of any origin may load the script
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reports whether a request accepts gzip (RFC 9110 section 12.5.3).
func acceptsGzip(r *http.Request) bool {
	for item := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, weight, _ := strings.Cut(item, ";")
		weight = strings.ReplaceAll(strings.ToLower(weight), " ", "")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
