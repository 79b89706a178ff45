package config

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	unixPrefix = "unix:"
	// maxSocketPath is what Linux takes: sun_path has 108 bytes with the zero at its end.
	maxSocketPath = 107
)

// Socket returns the path of the unix socket to listen on. "": the listener is HOST and PORT.
func (c Config) Socket() string {
	file, _ := strings.CutPrefix(c.Host, unixPrefix)
	if file == c.Host {
		return ""
	}
	return file
}

// FileMode returns the permissions of SOCKET_MODE.
func (c Config) FileMode() os.FileMode {
	mode, _ := strconv.ParseUint(c.SocketMode, 8, 32) // Load has checked it
	return os.FileMode(mode).Perm()
}

// OnListeners returns the settings of a server whose sockets somebody else has opened: HOST and PORT
// are the address of main, and ADMIN_ADDR that of admin. Either may be nil. In open mode that
// AUTH_MODE=auto chose, main must have a loopback address.
func (c Config) OnListeners(main, admin net.Addr) (Config, error) {
	c.sources = maps.Clone(c.sources)
	if admin != nil {
		c.AdminAddr, c.sources["ADMIN_ADDR"] = addressOf(admin), inheritedSource
	}
	switch a := main.(type) {
	case nil:
		return c, nil
	case *net.TCPAddr:
		c.Host, c.Port = a.AddrPort().Addr().Unmap().String(), a.Port
		c.sources["PORT"] = inheritedSource
	default:
		c.Host = addressOf(a)
	}
	c.sources["HOST"] = inheritedSource
	if c.OpenByDefault() && !c.Loopback() {
		return c, fmt.Errorf("systemd listens on %s, allowed: a loopback address while every userId "+
			"is accepted; for other addresses set JWT_SECRET or another JWT key, AUTH_MODE=ticket, "+
			"AUTH_MODE=hook, or AUTH_MODE=open if you trust everyone who can connect", c.Addr())
	}
	return c, nil
}

// inheritedSource is the source of an address that a socket of systemd has.
const inheritedSource = "socket of systemd"

func addressOf(a net.Addr) string {
	if a.Network() == "unix" {
		return unixPrefix + a.String()
	}
	return a.String()
}

// checkSocket checks the unix socket of a setting, and returns it as unix:/path.
func (l *loader) checkSocket(c *Config, env, value string) string {
	file := strings.TrimPrefix(value, unixPrefix)
	switch {
	case !strings.HasPrefix(file, "/") || strings.HasSuffix(file, "/") || strings.ContainsRune(file, 0):
		l.wrong(c, env, value, "unix: and the absolute path of a socket, "+
			"such as unix:/run/roomcast/roomcast.sock")
	case len(filepath.Clean(file)) > maxSocketPath:
		l.wrong(c, env, value, "unix: and a path of at most "+strconv.Itoa(maxSocketPath)+" bytes")
	default:
		return unixPrefix + filepath.Clean(file)
	}
	return value
}

func (l *loader) checkSocketMode(c *Config) {
	mode, err := strconv.ParseUint(c.SocketMode, 8, 32)
	if err != nil || mode > 0o777 || mode&0o600 != 0o600 {
		l.wrong(c, "SOCKET_MODE", c.SocketMode,
			"permissions in octal, those of the owner included, such as 0660 or 0600")
	}
}
