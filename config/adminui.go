package config

import (
	"strings"

	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/adminui"
)

// UsesAdminUI reports whether the admin UI of Socket.IO can connect.
func (c Config) UsesAdminUI() bool { return c.AdminUI == "on" }

// AdminUIOptions returns the options of the admin UI, without the parts that it uses.
func (c Config) AdminUIOptions() adminui.Options {
	o := adminui.DefaultOptions()
	o.Namespace, o.Username = c.AdminUINamespace, c.AdminUIUsername
	o.Hash, o.ReadOnly = c.AdminUIPasswordHash, c.AdminUIReadOnly
	return o
}

func (l *loader) checkAdminUI(c *Config) {
	if n := len(c.AdminUIPasswordHash); n > 0 {
		if err := adminui.CheckHash(string(c.AdminUIPasswordHash)); err != nil {
			l.wrong(c, "ADMIN_UI_PASSWORD_HASH", size(n), err.Error())
		}
	} else if c.UsesAdminUI() && c.AdminUIPasswordHashFile == "" {
		l.wrong(c, "ADMIN_UI", c.AdminUI, "on with ADMIN_UI_PASSWORD_HASH or "+
			"ADMIN_UI_PASSWORD_HASH_FILE, such as the output of: htpasswd -nBC 12 admin | cut -d: -f2")
	}
	if err := rooms.CheckNamespace(c.AdminUINamespace); err != nil ||
		len(c.AdminUINamespace) < 2 || strings.Contains(c.AdminUINamespace, "?") {
		l.wrong(c, "ADMIN_UI_NAMESPACE", c.AdminUINamespace,
			"a namespace other than / such as /admin, without , # ? and of at most 128 bytes")
	}
	if err := rooms.CheckName("name", c.AdminUIUsername, rooms.MaxUserID); err != nil {
		l.wrong(c, "ADMIN_UI_USERNAME", c.AdminUIUsername, "a name such as admin")
	}
}

func (c Config) adminUIWarnings() (w []string) {
	if !c.UsesAdminUI() {
		return nil
	}
	if !c.Loopback() && !c.UsesTLS() && len(c.TrustedProxies) == 0 && c.Socket() == "" {
		w = append(w, "ADMIN_UI=on without TLS: the password crosses the network in the clear; set "+
			"TLS_CERT_FILE, or TRUSTED_PROXIES if a proxy has TLS")
	}
	return w
}
