package redisstream

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"redis://h":                                          "tcp [h:6379] :|: db=0",
		"redis://u:p%40%2F@h:1/2":                            "tcp [h:1] u:p@/|: db=2",
		"redis://:p@[::1]?db=2":                              "tcp [[::1]:6379] :p|: db=2",
		"rediss://h":                                         "tcp [h:6379] :|: db=0 tls",
		"rediss://h?skip_verify=1":                           "tcp [h:6379] :|: db=0 tls insecure",
		"unix:///run/r.sock?db=1":                            "unix [/run/r.sock] :|: db=1",
		"redis://h?cluster=1&addr=i:2":                       "tcp [h:6379 i:2] :|: db=0 cluster",
		"redis://a:b@h?master_name=m":                        "tcp [h:6379] :|a:b db=0 master=m",
		"redis://h/1?master_name=m&username=u&password=p%26": "tcp [h:6379] u:p&|: db=1 master=m",
	} {
		u, err := parseURL(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := fmt.Sprintf("%s %s %s:%s|%s:%s db=%d", u.network, u.addrs, u.user, u.password,
			u.sentinelUser, u.sentinelPassword, u.db)
		for _, is := range []struct {
			set  bool
			name string
		}{{u.tls, "tls"}, {u.insecure, "insecure"}, {u.cluster, "cluster"}} {
			if is.set {
				got += " " + is.name
			}
		}
		if u.master != "" {
			got += " master=" + u.master
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                  "expected redis://",
		"localhost:6379":                    "expected redis://",
		"http://h":                          "expected redis://",
		"redis://":                          "expected redis://",
		"redis://:pa/ss@h":                  "percent-encode",
		"redis://:12/ss@h":                  "percent-encode",
		"redis://:pa?ss@h":                  "percent-encode",
		"redis://h#x":                       "percent-encode",
		"redis://:%zz@h":                    "percent-encode",
		"unix://host/p":                     "unix: expected a path",
		"unix://":                           "unix: expected a path",
		"redis://h/x":                       "path: expected the number of a database",
		"redis://h?db=-1":                   "db: expected the number of a database",
		"redis://h?cluster=yes":             "cluster: expected true or false",
		"redis://h?skip_verify=true":        "skip_verify: expected rediss://",
		"redis://h?max_retries=3":           `unknown parameter "max_retries", expected one of addr`,
		"redis://h?db=1&db=2":               "duplicate parameter db",
		"redis://h?addr=i:1":                "addr: expected cluster=true or master_name",
		"redis://h?cluster=true&addr=i":     "addr: expected host:port",
		"redis://h/1?cluster=true":          "db: a Redis Cluster has database 0 only",
		"redis://h?cluster=1&master_name=":  "",
		"redis://h?cluster=1&master_name=m": "expected cluster or master_name, not both",
		"unix:///s?master_name=m":           "unix: cluster and master_name need the address of a host",
		"redis://h?password=p":              "username and password are parameters with master_name only",
	} {
		_, err := parseURL(text)
		if want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, text := range []string{
		"redis://user:password@host:6379/0", "rediss://h?skip_verify=true", "unix:///a?db=1",
		"redis://h?cluster=true&addr=a:1&addr=b:2", "redis://h?master_name=m&password=p",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target, err := parseURL(text)
		if err == nil && len(target.addrs) == 0 {
			t.Error("no address")
		}
	})
}

// Whatever a password is, and however it is written, it is in no error.
func TestParseURLKeepsSecrets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		const canary = "c4nary"
		password := rapid.StringMatching(`[a-z0-9/?#@%:&=\[\] ]{0,6}`).Draw(r, "before") + canary +
			rapid.StringMatching(`[a-z0-9/?#@%:&=\[\] ]{0,6}`).Draw(r, "after")
		tail := rapid.SampledFrom([]string{"", "/x", "/1", "?db=x", "?max=1", "?cluster=2", ":port"}).
			Draw(r, "tail")
		scheme := rapid.SampledFrom([]string{"redis", "rediss", "unix", "http"}).Draw(r, "scheme")
		for _, text := range []string{
			scheme + "://user:" + password + "@host" + tail,
			scheme + "://" + url.UserPassword("user", password).String() + "@host" + tail,
			scheme + "://host" + tail + "?master_name=m&password=" + url.QueryEscape(password),
		} {
			if _, err := parseURL(text); err != nil && strings.Contains(err.Error(), canary) {
				r.Fatalf("%s: %v", text, err)
			}
		}
	})
}
