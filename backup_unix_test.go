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
