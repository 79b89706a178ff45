package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/disklog"
)

// Data has the commands for DATA_DIR.
type Data struct {
	Check  DataCheck  `cmd:"" help:"Read every block and every entry, and print what is damaged. The server must not run."`
	Stat   DataStat   `cmd:"" help:"Print sizes, numbers and the largest rooms. Of a directory that a server uses, print the size and the newest id."`
	Export DataExport `cmd:"" help:"Print the notifications, one JSON object a line. The server must not run."`
	Backup DataBackup `cmd:"" help:"Copy the directory, also while the server runs, which needs its ADMIN_ADDR."`

	Restore DataRestore `cmd:"" help:"Put a backup in place, or take the directory as one. The server must not run."`
}

// errDamaged is the error of a command that has found damage.
var errDamaged = errors.New("the data is damaged")

// open opens DATA_DIR for a command that only reads.
func openData(c config.Config) (*disklog.Files, error) {
	if c.DataDir == "" {
		return nil, usageError("DATA_DIR is not set; set it, or use --data-dir")
	}
	files, err := disklog.OpenFiles(c.DataDir)
	if errors.Is(err, disklog.ErrInUse) {
		return nil, fmt.Errorf("%w; stop it first, or use a copy: roomcast data backup", err)
	}
	return files, err
}

// DataCheck reads everything.
type DataCheck struct {
	JSON bool `name:"json" help:"Print the result as JSON."`
}

// Run prints the damage, one line each.
func (d *DataCheck) Run(e Environment, c config.Config) error {
	files, err := openData(c)
	if err != nil {
		return err
	}
	defer files.Close()
	damage := []string{}
	checked, err := files.Check(func(line string) {
		if damage = append(damage, line); !d.JSON {
			fmt.Fprintln(e.Stdout, clean(line))
		}
	})
	if err != nil {
		return err
	}
	if d.JSON {
		err = printJSON(e.Stdout, struct {
			OK     bool     `json:"ok"`
			Damage []string `json:"damage"`
			disklog.Checked
		}{len(damage) == 0, damage, checked})
	} else {
		_, err = fmt.Fprintf(e.Stdout, "tables %d  notifications %d  sessions %d  retained %d  tickets %d  damage %d\n",
			checked.Tables, checked.Notifications, checked.Sessions, checked.Retained,
			checked.Tickets, len(damage))
	}
	if err == nil && len(damage) > 0 {
		return fmt.Errorf("%w in %d places", errDamaged, len(damage))
	}
	return err
}

// DataStat prints sizes and numbers.
type DataStat struct {
	Largest int  `name:"largest" default:"10" min:"0" max:"1000000" help:"Number of rooms to print, the largest first."`
	JSON    bool `name:"json" help:"Print them as JSON."`
}

// Run prints them.
func (d *DataStat) Run(e Environment, c config.Config) error {
	files, err := openData(c)
	if errors.Is(err, disklog.ErrInUse) {
		return d.printUsed(e, c, err)
	}
	if err != nil {
		return err
	}
	defer files.Close()
	s, err := files.Stat(d.Largest)
	if err != nil {
		return err
	}
	if err := d.print(e, s); err != nil {
		return err
	}
	return damageOf(files, s.Unreadable)
}

func (d *DataStat) print(e Environment, s disklog.Stat) error {
	if d.JSON {
		return printJSON(e.Stdout, s)
	}
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "files\t%d bytes\n", s.FileBytes)
	fmt.Fprintf(w, "epoch\t%s\n", s.Epoch)
	fmt.Fprintf(w, "notifications\t%d\t%d bytes\n", s.Notifications, s.Bytes)
	for _, place := range []struct {
		name string
		at   *disklog.Place
	}{{"oldest", s.Oldest}, {"newest", s.Newest}} {
		if place.at != nil {
			fmt.Fprintf(w, "%s\t%s\t%s\n", place.name, place.at.ID,
				place.at.Stored.Format(time.RFC3339))
		}
	}
	fmt.Fprintf(w, "sessions\t%d\nretained\t%d\ntickets\t%d\nrooms\t%d\n", s.Sessions, s.Retained,
		s.Tickets, s.Rooms)
	for _, room := range s.Largest {
		fmt.Fprintf(w, "  %s\t%d\t%d bytes\n", cell(room.Room), room.Notifications, room.Bytes)
	}
	if s.Unreadable > 0 {
		fmt.Fprintf(w, "unreadable\t%d parts\n", s.Unreadable)
	}
	return w.Flush()
}

// printUsed prints what can be read while a server writes.
func (d *DataStat) printUsed(e Environment, c config.Config, used error) error {
	bytes, err := disklog.FileBytes(c.DataDir)
	if err != nil {
		return err
	}
	newest := ""
	if id := disklog.Newest(c.DataDir); !id.IsZero() {
		newest = id.String()
	}
	if d.JSON {
		return printJSON(e.Stdout, map[string]any{"fileBytes": bytes, "newest": newest,
			"note": used.Error()})
	}
	fmt.Fprintln(e.Stderr, clean(used.Error()))
	_, err = fmt.Fprintf(e.Stdout, "files   %d bytes\nnewest  %s\n", bytes, newest)
	return err
}

// DataExport prints notifications.
type DataExport struct {
	Room  string `name:"room" placeholder:"ROOM" help:"Only those of this channel, of user:<id>, or of a room of a namespace, /name#room."`
	Since string `name:"since" placeholder:"ID" help:"Only those after this id."`
}

// Run prints them, oldest first.
func (d *DataExport) Run(e Environment, c config.Config) error {
	after := notify.ID{}
	if d.Since != "" {
		var err error
		if after, err = notify.ParseID(d.Since); err != nil {
			return usageError("--since: " + err.Error())
		}
	}
	files, err := openData(c)
	if err != nil {
		return err
	}
	defer files.Close()
	out := bufio.NewWriterSize(e.Stdout, 64<<10)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	unreadable, err := files.Export(after, d.Room, func(n disklog.Exported) error {
		if err := e.Context.Err(); err != nil {
			return err
		}
		return encoder.Encode(n)
	})
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	return damageOf(files, unreadable)
}

// damageOf returns an error if a command could not read everything.
func damageOf(files *disklog.Files, unreadable int) error {
	switch damage := files.Damage(); {
	case damage != "" && unreadable > 0:
		return fmt.Errorf("%w: %s; of its files %d parts cannot be read and are left out", errDamaged,
			damage, unreadable)
	case damage != "":
		return fmt.Errorf("%w: %s; its files were read without it", errDamaged, damage)
	case unreadable > 0:
		return fmt.Errorf("%w: %d parts cannot be read and are left out", errDamaged, unreadable)
	}
	return nil
}
