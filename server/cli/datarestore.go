package cli

import (
	"fmt"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify/disklog"
)

// DataRestore puts a backup in place.
type DataRestore struct {
	JSON bool   `name:"json" help:"Print the result as JSON."`
	From string `arg:"" optional:"" name:"dir" help:"Directory of the backup. Without it DATA_DIR stays as it is, because it is a copy already, such as a snapshot of a volume."`
}

// Run puts it in place.
func (d *DataRestore) Run(e Environment, c config.Config) error {
	if c.DataDir == "" {
		return usageError("DATA_DIR is not set; set it, or use --data-dir")
	}
	if err := disklog.Restore(c.DataDir, d.From); err != nil {
		return err
	}
	if d.JSON {
		return printJSON(e.Stdout, map[string]any{"ok": true, "directory": c.DataDir})
	}
	_, err := fmt.Fprintf(e.Stdout, "%s  restored: the next server begins an epoch\n", c.DataDir)
	return err
}
