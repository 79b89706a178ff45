package config

import (
	"slices"
	"strings"
	"testing"
)

func TestAdminAddr(t *testing.T) {
	for name, c := range map[string]struct {
		env    env
		addr   string
		pprof  bool
		chosen bool
	}{
		"default":      {env{}, "127.0.0.1:9090", true, false},
		"empty":        {env{"ADMIN_ADDR": ""}, "", false, true},
		"off":          {env{"ADMIN_ADDR": "off"}, "", false, true},
		"another port": {env{"ADMIN_ADDR": "localhost:9191"}, "localhost:9191", true, true},
		"IPv6":         {env{"ADMIN_ADDR": "[::1]:9191"}, "[::1]:9191", true, true},
		"no profiles":  {env{"ADMIN_PPROF": "off"}, "127.0.0.1:9090", false, false},
		"public":       {env{"ADMIN_ADDR": ":9090", "ADMIN_KEY": secret32}, ":9090", false, true},
		"public, asked": {env{"ADMIN_ADDR": "0.0.0.0:9090", "ADMIN_KEY": secret32,
			"ADMIN_PPROF": "on"}, "0.0.0.0:9090", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			got := load(t, c.env)
			if got.AdminAddr != c.addr || got.Pprof() != c.pprof ||
				got.AdminAddrChosen() != c.chosen {
				t.Errorf("%q pprof %v chosen %v, want %+v", got.AdminAddr, got.Pprof(),
					got.AdminAddrChosen(), c)
			}
			public := strings.Contains(strings.Join(got.Warnings(), " "),
				"be reached from other machines")
			if want := strings.HasPrefix(name, "public"); public != want {
				t.Errorf("warnings %q", got.Warnings())
			}
		})
	}
	if c := load(t, env{}, "--admin-addr="); c.AdminAddr != "" {
		t.Errorf("the empty flag left %q", c.AdminAddr)
	}
	key := env{"ADMIN_KEY_FILE": file(t, "key", secret32+"\n")}
	if c := load(t, key); string(c.AdminKey) != secret32 {
		t.Error("ADMIN_KEY_FILE was not read")
	}
}

func TestAdminAddrIsRefused(t *testing.T) {
	const address = "allowed: address:port such as 127.0.0.1:9090, unix:/path, or off"
	for want, e := range map[string]env{
		`ADMIN_ADDR (environment): got "9090", ` + address: {"ADMIN_ADDR": "9090"},
		`ADMIN_ADDR (environment): got "127.0.0.1:99999", ` +
			address: {"ADMIN_ADDR": "127.0.0.1:99999"},
		`ADMIN_ADDR (environment): got "a b:9090", ` + address: {"ADMIN_ADDR": "a b:9090"},
		`ADMIN_ADDR (environment): got "0.0.0.0:9090", allowed: a loopback address such as ` +
			`127.0.0.1:9090, or any address with ADMIN_KEY: ` +
			`metrics and profiles are confidential`: {
			"ADMIN_ADDR": "0.0.0.0:9090", "ADMIN_PPROF": "on",
		},
		`ADMIN_ADDR (environment): got "127.0.0.1:3000", allowed: a port other than PORT`: {
			"ADMIN_ADDR": "127.0.0.1:3000",
		},
		`ADMIN_KEY (environment): got 5 bytes, allowed: at least 32 bytes, ` +
			`such as the output of: openssl rand -base64 48`: {"ADMIN_KEY": "short"},
	} {
		if got := problems(t, e); !slices.Equal(got, []string{want}) {
			t.Errorf("%v\n got %q\nwant %q", e, got, want)
		}
	}
}
