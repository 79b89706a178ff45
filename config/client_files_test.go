package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClientFilesAreChecked(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, err := Load(nil, env{"SOCKETIO_CLIENT": folder}.lookup, nil)
	if err == nil || !strings.Contains(err.Error(), "SOCKETIO_CLIENT (environment): ") ||
		!strings.Contains(err.Error(), "has no socket.io.js") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "socket.io.js"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c := load(t, env{"SOCKETIO_CLIENT": folder}); c.SocketIOClient != folder {
		t.Errorf("%q", c.SocketIOClient)
	}
}
