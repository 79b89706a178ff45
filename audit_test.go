package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Requests that change something and reloads are in the log, also when only errors are.
func TestAuditLog(t *testing.T) {
	t.Parallel()
	for _, audit := range []string{"on", "off"} {
		r := newReloadable(t, `{"log-level":"info","audit-log":"`+audit+`"}`)
		write(t, r.file, `{"log-level":"error","audit-log":"`+audit+`"}`)
		r.reload("settings reloaded")
		if got := r.status("DELETE", "/v1/users/u1/connections", "X-API-Key", firstKey); got != 200 {
			t.Errorf("status %d", got)
		}
		if audit == "on" { // the request is answered after its line
			r.waitFor(regexp.MustCompile(
				`"action":"reload","actor":"signal","result":"ok","changed":\["LOG_LEVEL"\]`))
			r.waitFor(regexp.MustCompile(`"msg":"audit","action":"disconnectUser","actor":"api",` +
				`"api_key":"[0-9a-f]{4}","target":"user:u1","result":"ok","count":0,"ip":"127\.0\.0\.1"`))
		}
		if r.end(); audit == "off" && strings.Contains(r.out.String(), `"audit"`) {
			t.Errorf("AUDIT_LOG=off: %s", r.out)
		}
	}
}

// AUDIT_LOG_FILE has the lines of the audit instead of the log, and is opened again by SIGHUP: then
// the renamed file is complete, and lines are not lost in between.
func TestAuditFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "audit.log")
	write(t, name, "before\n")
	r := newReloadable(t, `{"audit-log-file":`+strconv.Quote(name)+`}`)
	disconnect := func(user string) {
		t.Helper()
		if got := r.status("DELETE", "/v1/users/"+user+"/connections", "X-API-Key", firstKey); got != 200 {
			t.Errorf("status %d", got)
		}
	}
	disconnect("u1")
	if err := os.Rename(name, name+".1"); err != nil {
		t.Skip("this system does not rename open files: ", err)
	}
	disconnect("u2")
	write(t, r.file, `{`) // a mistake does not stop the rotation
	r.reload("the settings were not reloaded, the former ones stay")
	disconnect("u3")
	if err := os.Rename(name, name+".2"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	r.reload("the settings were not reloaded, the former ones stay")
	r.waitFor(regexp.MustCompile(`"msg":"the audit goes on in the former file"`))
	disconnect("u4")
	r.end()
	for file, want := range map[string][]string{
		name + ".1": {"before", "user:u1", "user:u2"},
		name + ".2": {`"action":"reload","actor":"signal","result":"validation"`, "user:u3", `"validation"`, "user:u4"},
	} {
		lines := strings.Split(strings.TrimSuffix(read(t, file), "\n"), "\n")
		for i, line := range lines {
			if len(lines) != len(want) || !strings.Contains(line, want[i]) {
				t.Fatalf("%s has %q, want lines with %q", file, lines, want)
			}
		}
	}
	if strings.Contains(r.out.String(), `"audit"`) {
		t.Errorf("a line of the audit is in the log:\n%s", r.out)
	}
}
