package config

import (
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
