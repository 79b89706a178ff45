package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify/disklog"
)

// DataBackup copies the directory.
type DataBackup struct {
	JSON bool   `name:"json" help:"Print the result as JSON."`
	To   string `arg:"" name:"dir" help:"Directory of the copy. It must not exist, or be empty."`
}

// Run copies the files, or asks the server to do it.
func (d *DataBackup) Run(e Environment, c config.Config) error {
	entries, err := os.ReadDir(d.To)
	switch {
	case err == nil && len(entries) > 0:
		return usageError("dir: " + d.To + " is not empty")
	case err == nil:
		err = os.Remove(d.To)
	case errors.Is(err, fs.ErrNotExist):
		err = os.MkdirAll(filepath.Dir(filepath.Clean(d.To)), 0o700)
	}
	if err != nil {
		return err
	}
	files, err := openData(c)
	switch {
	case errors.Is(err, disklog.ErrInUse):
		err = d.live(e, c)
	case err == nil:
		err = errors.Join(files.Backup(d.To), files.Close())
	}
	if err != nil {
		return err
	}
	bytes, err := disklog.FileBytes(d.To)
	if err != nil {
		return err
	}
	if d.JSON {
		return printJSON(e.Stdout, map[string]any{"ok": true, "directory": d.To, "bytes": bytes})
	}
	_, err = fmt.Fprintf(e.Stdout, "%s  %d bytes\n", d.To, bytes)
	return err
}

// live lets the server make a copy in its directory, and moves it.
func (d *DataBackup) live(e Environment, c config.Config) error {
	if c.AdminAddr == "" {
		return usageError("a server uses the directory, and only its ADMIN_ADDR could make a copy")
	}
	copied := filepath.Join(c.DataDir, disklog.BackupName)
	if err := os.RemoveAll(copied); err != nil { // else it could be taken for the new one
		return err
	}
	server := target{base: &url.URL{Scheme: "http", Host: c.AdminAddr}}
	if path, isUnix := strings.CutPrefix(c.AdminAddr, "unix:"); isUnix {
		server = unixTarget(path)
	}
	r, err := http.NewRequestWithContext(e.Context, http.MethodPost, server.at("/backup").String(),
		nil)
	if err != nil {
		return err
	}
	if len(c.AdminKey) > 0 {
		r.Header.Set("Authorization", "Bearer "+string(c.AdminKey))
	}
	if _, err := server.call(r, time.Minute); err != nil {
		return err
	}
	if _, err := os.Stat(copied); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the server at %s (ADMIN_ADDR) uses another directory", c.AdminAddr)
	}
	return disklog.MoveBackup(copied, d.To)
}
