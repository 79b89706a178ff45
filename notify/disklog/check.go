package disklog

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/notify"
)

// Checked is what a check has read.
type Checked struct {
	Tables        int `json:"tables"` // files of the store, with all their blocks
	Notifications int `json:"notifications"`
	Sessions      int `json:"sessions"`
	Retained      int `json:"retained"`
	Tickets       int `json:"tickets"` // unused, some of which may have expired
}

// Check reads every block of the files and every entry. It calls report with one line for each damage.
func (f *Files) Check(report func(string)) (c Checked, err error) {
	if c.Tables, err = f.checkTables(report); err != nil {
		return c, err
	}
	if damage := f.Damage(); damage != "" {
		report(damage)
	}
	if l, ok := f.in.(*loose); ok {
		for _, line := range l.unreadable {
			if !strings.Contains(line, ".sst") { // checkTables has those
				report(line)
			}
		}
	}
	head := f.checkMessages(&c, report)
	if last := f.mark; last.Epoch == f.meta.epoch && last.Seq > head {
		report(fmt.Sprintf("the end is missing: the last notification is %v, expected %v",
			notify.ID{Epoch: last.Epoch, Seq: head}, last))
	}
	for _, part := range []struct {
		name, prefix string
		count        *int
		valid        func(value []byte) bool
	}{
		{"session", sessionPrefix, &c.Sessions, func(v []byte) bool {
			return json.Unmarshal(v, new(savedSession)) == nil
		}},
		{"retained notification", retainedPrefix, &c.Retained, func(v []byte) bool {
			_, err := decodeRetained(v)
			return err == nil
		}},
		{"ticket", ticketPrefix, &c.Tickets, json.Valid},
	} {
		skipped, _ := f.in.read([]byte(part.prefix), successor(part.prefix), time.Time{},
			func(key, value []byte) bool {
				if *part.count++; !part.valid(value) {
					what := fmt.Sprint(*part.count) // the key of a session can be a secret
					if part.prefix == retainedPrefix {
						what = fmt.Sprintf("%q", key)
					}
					report(fmt.Sprintf("%s %s is damaged", part.name, what))
				}
				return true
			})
		if skipped > 0 {
			report(fmt.Sprintf("%ss: %d parts cannot be read", part.name, skipped))
		}
	}
	return c, nil
}

// checkMessages checks that each message is in the index of its rooms, and nothing else is. It returns
// the sequence number of the last one.
func (f *Files) checkMessages(c *Checked, report func(string)) (head uint64) {
	head = f.meta.floor
	_, _ = f.in.read(chunkKey(head+1), successor(chunkPrefix), time.Time{}, func(key, _ []byte) bool {
		head = seqOf(key) // the last entry of a chunk may be dropped
		return true
	})
	refs := 0
	unreadable := f.messages(0, func(m *notify.Message) bool {
		c.Notifications++
		head = max(head, m.ID.Seq)
		held := false
		for _, room := range m.Rooms {
			if !f.holds(room, m.ID.Seq) {
				continue
			}
			held = true
			refs++
			if f.db == nil { // it takes long, and the index is made again
				continue
			}
			if value, err := f.in.get(roomKey(room, m.ID.Seq)); value == nil || err != nil {
				report(fmt.Sprintf("notification %v is not in the index of the room %q", m.ID, room))
			}
		}
		if !held {
			report(fmt.Sprintf("notification %v is in no room", m.ID))
		}
		return true
	})
	if unreadable > 0 {
		report(fmt.Sprintf("notifications: %d parts cannot be read", unreadable))
	}
	skipped, _ := f.in.read([]byte(roomPrefix), successor(roomPrefix), time.Time{},
		func(key, _ []byte) bool {
			if seqOf(key) > f.meta.floor {
				refs--
			}
			return true
		})
	switch {
	case f.db == nil:
	case skipped > 0:
		report(fmt.Sprintf("index of the rooms: %d parts cannot be read", skipped))
	case refs < 0 && unreadable == 0:
		report(fmt.Sprintf("index of the rooms: %d entries have no notification", -refs))
	}
	return head
}

// checkTables reads every block of the tables.
func (f *Files) checkTables(report func(string)) (n int, err error) {
	names, err := f.fs.List(f.path)
	if err != nil {
		return 0, err
	}
	var used map[string]uint64 // nil: not known
	if f.db != nil {
		if used, err = tablesOf(f.db); err != nil {
			return 0, err
		}
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		if _, ok := used[name]; used != nil && !ok {
			continue
		}
		n++
		if err := checkTable(f.fs, filepath.Join(f.path, name)); err != nil {
			report(name + ": " + oneLine(err))
		}
	}
	return n, nil
}

// tablesOf returns the names of the tables that a store uses, with their highest sequence numbers.
func tablesOf(db *pebble.DB) (names map[string]uint64, err error) {
	levels, err := db.SSTables()
	names = map[string]uint64{}
	for _, level := range levels {
		for _, table := range level {
			names[fmt.Sprintf("%06d.sst", uint64(table.BackingSSTNum))] = uint64(table.LargestSeqNum)
		}
	}
	return names, err
}

func checkTable(files vfs.FS, path string) (err error) {
	defer recovered(&err)
	reader, err := openReader(files, path)
	if err != nil {
		return err
	}
	defer reader.Close()
	return reader.ValidateBlockChecksums()
}

// oneLine returns the first line of an error.
func oneLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
