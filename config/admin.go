package config

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/roomcast/roomcast/auth"
)

// Pprof reports whether the second listener serves profiles.
func (c Config) Pprof() bool {
	return c.AdminPprof == "on" || c.AdminPprof == "auto" && adminLoopback(c.AdminAddr)
}

// AdminAddrChosen reports whether ADMIN_ADDR was set. Then the start fails when the address cannot
// be opened.
func (c Config) AdminAddrChosen() bool { return c.sources["ADMIN_ADDR"] != "" }

func (l *loader) resolveAdmin(c *Config) {
	if c.AdminAddr == "off" {
		c.AdminAddr = ""
	}
	if n := len(c.AdminKey); n > 0 && n < auth.MinSecret {
		l.wrong(c, "ADMIN_KEY", size(n),
			"at least 32 bytes, such as the output of: openssl rand -base64 48")
	} else if !fitsHeader(c.AdminKey) {
		l.wrong(c, "ADMIN_KEY", errors.New(controls), "what a header can carry")
	}
	if c.AdminAddr == "" {
		return
	}
	if strings.HasPrefix(c.AdminAddr, unixPrefix) {
		if c.AdminAddr = l.checkSocket(c, "ADMIN_ADDR", c.AdminAddr); c.AdminAddr == c.Host {
			l.wrong(c, "ADMIN_ADDR", c.AdminAddr, "a socket other than that of HOST")
		}
		return
	}
	host, port, err := net.SplitHostPort(c.AdminAddr)
	number, portErr := strconv.ParseUint(port, 10, 16)
	_, ipErr := netip.ParseAddr(host)
	switch {
	case err != nil || portErr != nil || host != "" && ipErr != nil && !hostName.MatchString(host):
		l.wrong(c, "ADMIN_ADDR", c.AdminAddr, "address:port such as 127.0.0.1:9090, unix:/path, or off")
	case c.AdminAddrChosen() && number > 0 && int(number) == c.Port &&
		(host == c.Host || host == "localhost" && c.Loopback()):
		l.wrong(c, "ADMIN_ADDR", c.AdminAddr, "a port other than PORT")
	case !adminLoopback(c.AdminAddr) && len(c.AdminKey) == 0 && c.AdminKeyFile == "":
		l.wrong(c, "ADMIN_ADDR", c.AdminAddr,
			"a loopback address such as 127.0.0.1:9090, or any address with ADMIN_KEY: "+
				"metrics and profiles are confidential")
	}
}

func (c Config) adminWarnings() (w []string) {
	if c.AdminAddr != "" && !adminLoopback(c.AdminAddr) {
		w = append(w, "ADMIN_ADDR "+c.AdminAddr+
			" can be reached from other machines, with ADMIN_KEY and without TLS")
		if c.Pprof() {
			w = append(w,
				"ADMIN_PPROF: everyone with ADMIN_KEY can read profiles and slow the server "+
					"down with them")
		}
	}
	return w
}

// adminLoopback reports whether only this machine can reach the second listener.
func adminLoopback(address string) bool {
	if strings.HasPrefix(address, unixPrefix) {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLoopback(strings.ToLower(host))
}
