package config

import (
	"slices"
	"strings"
	"testing"
)

// bcryptHash is the hash of a password.
const bcryptHash = "$2a$10$7icEOtUgjZalLuxiABFtxujqeMOw1GNEZhNyGW0MSl8X7j1.nAQD2"

func TestAdminUI(t *testing.T) {
	t.Parallel()
	if c := load(t, env{}); c.UsesAdminUI() || !c.AdminUIOptions().ReadOnly {
		t.Error("the admin UI is on, or not read-only")
	}
	if c := load(t, env{"ADMIN_UI_PASSWORD_HASH": bcryptHash}); c.UsesAdminUI() {
		t.Error("a hash alone switches it on")
	}
	c := load(t, env{"ADMIN_UI": "on", "ADMIN_UI_PASSWORD_HASH_FILE": file(t, "hash", bcryptHash+"\n"),
		"ADMIN_UI_USERNAME": "ops", "ADMIN_UI_NAMESPACE": "/ops", "ADMIN_UI_READONLY": "false"})
	o := c.AdminUIOptions()
	if !c.UsesAdminUI() || o.Username != "ops" || o.Namespace != "/ops" || o.ReadOnly ||
		string(o.Hash) != bcryptHash {
		t.Errorf("options %+v", o)
	}
	for name, e := range map[string]env{
		"clear": {"JWT_SECRET": secret32}, "proxy": {"JWT_SECRET": secret32, "TRUSTED_PROXIES": "10.0.0.1"},
		"loopback": {"HOST": "127.0.0.1"},
	} {
		e["ADMIN_UI"], e["ADMIN_UI_PASSWORD_HASH"] = "on", bcryptHash
		warned := strings.Contains(strings.Join(load(t, e).Warnings(), " "), "the password crosses")
		if warned != (name == "clear") {
			t.Errorf("%s: warned %v", name, warned)
		}
	}
}

func TestAdminUIIsRefused(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]env{
		`ADMIN_UI (environment): got "on", allowed: on with ADMIN_UI_PASSWORD_HASH or ` +
			`ADMIN_UI_PASSWORD_HASH_FILE, such as the output of: htpasswd -nBC 12 admin | cut -d: -f2`: {},
		`ADMIN_UI_PASSWORD_HASH (environment): got 6 bytes, allowed: a bcrypt hash of 60 ` +
			`characters, not the password itself`: {"ADMIN_UI_PASSWORD_HASH": "canary"},
		`ADMIN_UI_PASSWORD_HASH (environment): got 60 bytes, allowed: a bcrypt hash with a cost ` +
			`from 10 to 14, not 8`: {"ADMIN_UI_PASSWORD_HASH": strings.Replace(bcryptHash, "$10$", "$08$", 1)},
		`ADMIN_UI_NAMESPACE (environment): got "/", allowed: a namespace other than / such as ` +
			`/admin, without , # ? and of at most 128 bytes`: {
			"ADMIN_UI_PASSWORD_HASH": bcryptHash, "ADMIN_UI_NAMESPACE": "/"},
		`ADMIN_UI_NAMESPACE (environment): got "/a?b", allowed: a namespace other than / such as ` +
			`/admin, without , # ? and of at most 128 bytes`: {
			"ADMIN_UI_PASSWORD_HASH": bcryptHash, "ADMIN_UI_NAMESPACE": "/a?b"},
		`ADMIN_UI_USERNAME (environment): got " a", allowed: a name such as admin`: {
			"ADMIN_UI_PASSWORD_HASH": bcryptHash, "ADMIN_UI_USERNAME": " a"},
	} {
		e["ADMIN_UI"] = "on"
		if got := problems(t, e); !slices.Equal(got, []string{want}) {
			t.Errorf("%v\n got %q\nwant %q", e, got, want)
		}
	}
}
