//go:build unix

package main

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

var adminLine = regexp.MustCompile(`"admin listening","address":"(127\.0\.0\.1:\d+)"`)

// The command backs up the directory of a running server. A server on the copy has everything that
// was acknowledged before, in a new epoch.
func TestLiveBackup(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"API_KEYS": testKey, "DATA_DIR": t.TempDir()}
	p := startChild(t, 1000, settings)
	admin := p.waitFor(adminLine)[1]
	ids := []string{}
	for range 5 {
		_, text := p.publish(testKey)
		ids = append(ids, idIn.FindStringSubmatch(text)[1])
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+admin+"/backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "http://"+admin)
	res, err := httpClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a page: %d", res.StatusCode)
	}
	to := filepath.Join(t.TempDir(), "backup")
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, "data", "backup", to,
		"--admin-addr", admin)
	command.Env = p.cmd.Env
	if out, err := command.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), to) {
		t.Fatalf("%v: %s", err, out)
	}
	settings["DATA_DIR"] = to
	p = startChild(t, 1000, settings)
	_, text := p.publish(testKey)
	next, err := notify.ParseID(idIn.FindStringSubmatch(text)[1])
	last, _ := notify.ParseID(ids[len(ids)-1])
	if err != nil || next.Epoch == last.Epoch || next.Seq != last.Seq+1 {
		t.Errorf("after %v the next id is %v, %v", last, next, err)
	}
}

// After `data restore` a server goes on from a backup, and after `data restore` without one from a copy
// of the whole directory that is in its place already, in a new epoch: the ids after the copy were given
// already, so a client with one of them gets a gap. A restored directory with its mark would give them
// again.
func TestRestore(t *testing.T) {
	t.Parallel()
	for name, isCopy := range map[string]bool{"a backup": false, "a snapshot": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testRestore(t, isCopy)
		})
	}
}

func testRestore(t *testing.T, isCopy bool) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	settings := map[string]string{"API_KEYS": testKey, "DATA_DIR": dir}
	run := func(publishes int) (ids []string, gap func(since string) bool, p *program) {
		p = start(t, settings)
		for range publishes {
			_, text := p.publish(testKey)
			ids = append(ids, idIn.FindStringSubmatch(text)[1])
		}
		return ids, func(since string) bool {
			_, text := servertest.Do(t, "GET", p.base+"/v1/notifications?channel=general&since="+since, "",
				"X-API-Key: "+testKey)
			return strings.Contains(text, `"gap":true`)
		}, p
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data := func(args ...string) (string, error) {
		command := exec.CommandContext(t.Context(), binary, append([]string{"data"}, args...)...)
		command.Env = append(os.Environ(), "ROOMCAST_TEST_PROGRAM=1", "DATA_DIR="+dir)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	kept, _, p := run(2)
	if out, err := data("restore"); err == nil || !strings.Contains(out, "in use by the process") {
		t.Errorf("a directory in use: %v %s", err, out)
	}
	p.end()
	if isCopy {
		err = os.CopyFS(copied, os.DirFS(dir))
	} else if out, failed := data("backup", copied); failed != nil {
		err = errors.New(out)
	}
	if err != nil {
		t.Fatal(err)
	}
	lost, _, p := run(3)
	p.end()
	args := []string{"restore", copied}
	if isCopy {
		args = args[:1]
		if err := errors.Join(os.RemoveAll(dir), os.Rename(copied, dir)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := data(args...); err != nil || !strings.Contains(out, "restored") {
		t.Fatalf("%v: %s", err, out)
	}
	after, gap, p := run(4)
	defer p.end()
	if kept[1] == "" || after[0] == lost[0] || after[0][:8] == lost[0][:8] {
		t.Errorf("after %v and %v the ids are %v", kept, lost, after)
	}
	for _, since := range []string{kept[1], lost[2]} {
		if !gap(since) {
			t.Errorf("a client that has %s gets no gap", since)
		}
	}
	if gap(after[0]) {
		t.Error("a client of the new epoch gets a gap")
	}
	_, err = os.Stat(filepath.Join(dir, "store.before"))
	if isCopy != errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the former store: %v", err)
	}
}

// A directory of a newer version is refused with one line and exit code 1, and stays as it is.
func TestNewerDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := filepath.Join(dir, "store")
	db, err := pebble.Open(store, &pebble.Options{FormatMajorVersion: pebble.FormatTableFormatV6})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(db.Set([]byte("m/format"), []byte{0, 0, 0, 9}, pebble.Sync), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, "--port", "0", "--admin-addr", "off")
	command.Env = append(os.Environ(), "ROOMCAST_TEST_PROGRAM=1", "DATA_DIR="+dir)
	var notes bytes.Buffer
	command.Stderr = &notes
	var exit *exec.ExitError
	want := "roomcast: data directory " + dir +
		": has the format 9, and this program knows formats up to 2\n"
	if err := command.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 || notes.String() != want {
		t.Errorf("%v: %q, want %q", err, notes.String(), want)
	}
}
