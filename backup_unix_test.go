//go:build unix

package main

import (
	"bytes"
	"errors"
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

// A store that was copied from the directory of a stopped server and is put back later, without the
// file mark, begins a new epoch: the ids after the copy were given already, so a client with one of them
// gets a gap. With the mark it would not.
func TestRestoredStore(t *testing.T) {
	t.Parallel()
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "store")
	settings := map[string]string{"API_KEYS": testKey, "DATA_DIR": dir}
	store, mark := filepath.Join(dir, "store"), filepath.Join(dir, "mark")
	run := func(publishes int) (ids []string, gap func(since string) bool, end func()) {
		p := start(t, settings)
		for range publishes {
			_, text := p.publish(testKey)
			ids = append(ids, idIn.FindStringSubmatch(text)[1])
		}
		return ids, func(since string) bool {
			_, text := servertest.Do(t, "GET", p.base+"/v1/notifications?channel=general&since="+since, "",
				"X-API-Key: "+testKey)
			return strings.Contains(text, `"gap":true`)
		}, p.end
	}
	kept, _, end := run(2)
	end()
	if err := os.CopyFS(copied, os.DirFS(store)); err != nil {
		t.Fatal(err)
	}
	lost, _, end := run(3)
	end()
	if err := errors.Join(os.RemoveAll(store), os.CopyFS(store, os.DirFS(copied)), os.Remove(mark)); err != nil {
		t.Fatal(err)
	}
	after, gap, end := run(4)
	defer end()
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
