package disklog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/notify"
)

// Stat says what a directory has.
type Stat struct {
	FileBytes     int64      `json:"fileBytes"`
	Epoch         string     `json:"epoch"`
	Notifications int        `json:"notifications"`
	Bytes         int64      `json:"bytes"` // of the notifications, as DATA_MAX_BYTES counts them
	Oldest        *Place     `json:"oldest"`
	Newest        *Place     `json:"newest"`
	Sessions      int        `json:"sessions"`
	Retained      int        `json:"retained"`
	Tickets       int        `json:"tickets"` // unused, some of which may have expired
	Rooms         int        `json:"rooms"`
	Largest       []RoomStat `json:"largest"` // rooms by bytes
	Unreadable    int        `json:"unreadable"`
}

// Place is the id of a notification and when it was stored.
type Place struct {
	ID     string    `json:"id"`
	Stored time.Time `json:"stored"`
}

// RoomStat says what a hub room has. A notification in several rooms counts in each.
type RoomStat struct {
	Room          string `json:"room"`
	Notifications int    `json:"notifications"`
	Bytes         int64  `json:"bytes"`
}

// Stat reads all entries that can be read. It returns at most some of the largest rooms.
func (f *Files) Stat(largest int) (s Stat, err error) {
	if s.FileBytes, err = FileBytes(f.dir); err != nil {
		return s, err
	}
	s.Epoch = fmt.Sprintf("%08x", f.meta.epoch)
	rooms := map[string]*RoomStat{}
	s.Unreadable = f.messages(0, func(m *notify.Message) bool {
		s.Notifications++
		s.Bytes += int64(size(m))
		s.Newest = &Place{m.ID.String(), m.Stored}
		if s.Oldest == nil {
			s.Oldest = s.Newest
		}
		for _, name := range m.Rooms {
			if !f.holds(name, m.ID.Seq) {
				continue
			}
			room := rooms[name]
			if room == nil {
				room = &RoomStat{Room: name}
				rooms[name] = room
			}
			room.Notifications++
			room.Bytes += int64(size(m))
		}
		return true
	})
	for prefix, count := range map[string]*int{
		sessionPrefix: &s.Sessions, retainedPrefix: &s.Retained, ticketPrefix: &s.Tickets,
	} {
		skipped, _ := f.in.read([]byte(prefix), successor(prefix), time.Time{},
			func([]byte, []byte) bool {
				*count++
				return true
			})
		s.Unreadable += skipped
	}
	s.Rooms = len(rooms)
	s.Largest = make([]RoomStat, 0, len(rooms))
	for _, room := range rooms {
		s.Largest = append(s.Largest, *room)
	}
	slices.SortFunc(s.Largest, func(a, b RoomStat) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Room, b.Room))
	})
	s.Largest = s.Largest[:min(largest, len(s.Largest))]
	return s, nil
}

// FileBytes returns the size of the files in a directory, which a process may have open.
func FileBytes(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreMissing(err)
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return ignoreMissing(err)
	})
	return bytes, err
}

// ignoreMissing ignores files that Pebble has removed meanwhile.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Newest returns the id of the newest notification in a directory, which a process may have open. It
// is the zero ID if that is not known.
func Newest(dir string) notify.ID { return readMark(vfs.Default, dir) }
