package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/disklog"
)

// dataDir makes a data directory with some notifications. It returns the store, which is open.
func dataDir(t *testing.T) (dir string, s *disklog.Store, hub *notify.Hub) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	s, err := disklog.Open(disklog.DefaultOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	o := notify.DefaultOptions()
	o.Sessions, o.RetainedStore = s.Sessions(), s.Retained()
	hub = notify.New(s.Log(), o)
	for _, channel := range []string{"a", "b", "a"} {
		n := notify.Notification{Type: "t", Data: json.RawMessage(`{"<":1}`)}
		if _, err := hub.Publish(t.Context(), n, notify.ToChannel(channel)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, s, hub
}

func closeData(t *testing.T, s *disklog.Store, hub *notify.Hub) {
	t.Helper()
	hub.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestData(t *testing.T) {
	dir, s, hub := dataDir(t)
	e := env{"DATA_DIR": dir}
	head := hub.Head().String()
	for _, args := range [][]string{{"data", "check"}, {"data", "export"}} {
		if r := run(t, e, "", args...); r.code != ExitFailed || r.out != "" ||
			!strings.Contains(r.notes, "in use by the process ") {
			t.Errorf("%q in use: %+v", args, r)
		}
	}
	if r := run(t, e, "", "data", "stat"); r.code != 0 || !strings.Contains(r.out, head) ||
		!strings.Contains(r.notes, "in use by the process ") {
		t.Errorf("stat in use: %+v", r)
	}
	off := env{"DATA_DIR": dir, "ADMIN_ADDR": "off"}
	if r := run(t, off, "", "data", "backup", filepath.Join(dir, "x")); r.code != ExitUsage ||
		!strings.Contains(r.notes, "ADMIN_ADDR") {
		t.Errorf("backup in use: %+v", r)
	}
	ticket, _, err := auth.NewStoredTickets(s.Tickets(), nil).Issue("ticket-user", "", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	closeData(t, s, hub)

	for _, command := range []string{"check", "stat", "export"} {
		r := run(t, e, "", "data", command)
		digest := sha256.Sum256([]byte(ticket))
		for _, secret := range []string{ticket, "ticket-user", string(digest[:]),
			hex.EncodeToString(digest[:])} {
			if r.code != 0 || strings.Contains(r.out+r.notes, secret) {
				t.Errorf("%s prints what tickets are for: %+v", command, r)
			}
		}
	}
	if r := run(t, e, "", "data", "check"); r.code != 0 ||
		!strings.Contains(r.out, "notifications 3  sessions 0  retained 0  tickets 1  damage 0\n") {
		t.Errorf("check: %+v", r)
	}
	r := run(t, e, "", "data", "export", "--room=a")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	var last struct {
		ID, Namespace, Type string
		Rooms               []string
		Data                json.RawMessage
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(lines) != 2 ||
		last.ID != head || string(last.Data) != `{"<":1}` || last.Type != "t" || last.Rooms[0] != "a" {
		t.Errorf("export: %+v %v", r, err)
	}
	if r := run(t, e, "", "data", "export", "--since="+head); r.code != 0 || r.out != "" {
		t.Errorf("export since the end: %+v", r)
	}
	r = run(t, e, "", "data", "stat", "--json")
	var stat disklog.Stat
	if err := json.Unmarshal([]byte(r.out), &stat); err != nil || stat.Notifications != 3 ||
		stat.Newest.ID != head || stat.Rooms != 2 {
		t.Errorf("stat: %+v %v", r, err)
	}
	backup := filepath.Join(t.TempDir(), "new", "backup")
	if r := run(t, e, "", "data", "backup", backup); r.code != 0 {
		t.Errorf("backup: %+v", r)
	}
	if r := run(t, env{}, "", "data", "check", "--json", "--data-dir", backup); r.code != 0 ||
		!strings.HasPrefix(r.out, `{"ok":true,"damage":[],`) {
		t.Errorf("check of a backup: %+v", r)
	}
	for want, args := range map[string][]string{
		"is not empty":        {"data", "backup", backup, "--data-dir", dir},
		"DATA_DIR is not set": {"data", "check"},
		"--since: ":           {"data", "export", "--since=x", "--data-dir", dir},
	} {
		if r := run(t, env{}, "", args...); r.code != ExitUsage || !strings.Contains(r.notes, want) {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

// Damage has an exit code of its own. An export leaves out what it cannot read.
func TestDataDamage(t *testing.T) {
	dir, s, hub := dataDir(t)
	closeData(t, s, hub)
	logs, err := filepath.Glob(filepath.Join(dir, "store", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(logs[len(logs)-1])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(logs[len(logs)-1], text, 0o600); err != nil {
		t.Fatal(err)
	}
	e := env{"DATA_DIR": dir}
	if r := run(t, e, "", "data", "check"); r.code != ExitDamaged ||
		!strings.Contains(r.out, "the end is missing") {
		t.Errorf("check: %+v", r)
	}
	manifests, err := filepath.Glob(filepath.Join(dir, "store", "MANIFEST-*"))
	if err != nil || len(manifests) != 1 {
		t.Fatal(manifests, err)
	}
	if err := os.Remove(manifests[0]); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]string{
		"check": "the store cannot be opened", "stat": "notifications", "export": "order",
	} {
		r := run(t, e, "", "data", command)
		if r.code != ExitDamaged || !strings.Contains(r.out, want) && command != "export" ||
			!strings.Contains(r.notes, "the data is damaged") {
			t.Errorf("%s without the manifest: %+v", command, r)
		}
	}
	if r := run(t, env{}, "", "data", "check", "--data-dir", t.TempDir()); r.code != ExitFailed ||
		!strings.Contains(r.notes, "has no store") {
		t.Errorf("no store: %+v", r)
	}
}
