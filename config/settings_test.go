package config

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// The README contains the result of Table; a failure prints the text to insert.
func TestReadmeTable(t *testing.T) {
	const start, end = "<!-- settings:start -->", "<!-- settings:end -->"
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatalf("README.md: %v; it must contain the settings between %s and %s", err, start, end)
	}
	_, rest, ok := strings.Cut(string(readme), start)
	section, _, closed := strings.Cut(rest, end)
	if !ok || !closed || strings.Count(string(readme), start) != 1 {
		t.Fatalf("README.md must have the lines %s and %s once each, with the settings between "+
			"them:\n\n%s", start, end, Table())
	}
	if got, want := strings.TrimSpace(section), strings.TrimSpace(Table()); got != want {
		t.Fatalf("the settings in README.md differ from those of the program; insert this "+
			"between the two markers:\n\n%s", want)
	}
}

// Every exported field has the complete tags of a setting, with consistent names.
func TestTagsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range fields() {
		if s.Name != strings.ReplaceAll(strings.ToLower(s.Env), "_", "-") {
			t.Errorf("the names of flag %s and variable %s differ", s.Name, s.Env)
		}
		if s.Group == "" || len(s.Doc) < 10 || !strings.HasSuffix(s.Doc, ".") ||
			strings.ContainsAny(s.Doc, "|`$") {
			t.Errorf("%s: group %q, doc %q", s.Env, s.Group, s.Doc)
		}
		if seen[s.Env] {
			t.Errorf("duplicate setting %s", s.Env)
		}
		seen[s.Env] = true
		if !strings.Contains(Table(), "| `"+s.Env+"` | ") {
			t.Errorf("%s is not in the table", s.Env)
		}
	}
	for i := range reflect.TypeFor[Config]().NumField() {
		f := reflect.TypeFor[Config]().Field(i)
		if f.IsExported() && f.Tag.Get("kong") != "-" && !seen[f.Tag.Get("env")] {
			t.Errorf("field %s is not a setting", f.Name)
		}
		kind := f.Type.Kind()
		if (kind == reflect.Int || kind == reflect.Int64) &&
			(f.Tag.Get("min") == "" || f.Tag.Get("max") == "") {
			t.Errorf("field %s has no bounds", f.Name)
		}
	}
}

// What Settings prints can be given back: the same values come out.
func TestSettingsRoundTrip(t *testing.T) {
	c := load(t, env{"JWT_SECRET": secret32, "HOST": "10.0.0.1",
		"TRUSTED_PROXIES": "10.0.0.0/8,::1", "HISTORY_TTL": "1h", "DEFAULT_CHANNELS": "a,b",
		"SSE_HEARTBEAT_INTERVAL": "90s", "HISTORY_MAX_BYTES": "3GiB", "PUBLIC_CHANNELS": "x-*",
		"CONNECTION_UPDATES": "yes"})
	again := env{"JWT_SECRET": secret32}
	for _, s := range c.Settings() {
		if s.Env != "JWT_SECRET" {
			again[s.Env] = s.Value
		}
	}
	second := load(t, again)
	c.sources, second.sources = nil, nil
	for _, one := range []*Config{&c, &second} { // nil or empty is the same
		one.APIKeys, one.HookSecret, one.EventsURL, one.WebhookURLs = nil, nil, nil, nil
		one.ACMEDomains, one.RedisIngest = nil, nil
	}
	if !reflect.DeepEqual(c, second) {
		t.Errorf("got  %+v\nwant %+v", second, c)
	}
}

// docs/operations.md lists the settings that a reload applies.
func TestReloadableSettingsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- reload:start -->")
	list, _, found := strings.Cut(rest, "<!-- reload:end -->")
	var want []string
	for _, s := range fields() {
		if s.Reloads {
			want = append(want, "`"+s.Env+"`")
		}
	}
	if got := strings.Join(strings.Fields(list), " "); !found || got != strings.Join(want, ", ") {
		t.Errorf("docs/operations.md lists\n%s\nwant\n%s", got, strings.Join(want, ", "))
	}
}
