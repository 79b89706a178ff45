package disklog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/roomcast/roomcast/notify"
)

// meta is what the store knows about the log.
type meta struct {
	epoch uint32
	fresh bool // the epoch begins now
	floor uint64
	rooms map[string]uint64 // floors of rooms that have lost more
	open  bool              // a process has it, or has crashed
}

// format returns the version that the store needs. A program that knows only the first one would not
// see what single rooms have lost.
func (m meta) format() uint32 {
	if len(m.rooms) > 0 {
		return formatRooms
	}
	return formatFirst
}

// begin reads the meta keys, and writes those of a new store.
func (s *Store) begin() (meta, error) {
	m, err := readMeta(engine{s.db})
	if err != nil {
		return m, err
	}
	// After a crash ids may have been given that the file does not have, and they would be given
	// again.
	reused := m.open && s.o.SyncInterval > 0
	if m.epoch == 0 || m.epoch == notify.StreamEpoch || reused {
		m.epoch, m.fresh = newEpoch(max(m.epoch, s.former)), true
	}
	b := s.db.NewBatch()
	defer b.Close()
	for _, e := range metaEntries(m) {
		if err := b.Set(e.key, e.value, nil); err != nil {
			return m, err
		}
	}
	return m, b.Commit(pebble.Sync)
}

// metaEntries returns the entries of the meta keys of a store that is open.
func metaEntries(m meta) []entry {
	return []entry{
		{keyFormat, formatValue(m.format())},
		{keyEpoch, binary.BigEndian.AppendUint32(nil, m.epoch)},
		{keyFloor, number(m.floor)},
		{keyOpen, []byte{1}},
	}
}

// readMeta reads the meta keys. In a store without them they are 0. With an error it has those that can
// be read.
func readMeta(in source) (m meta, err error) {
	version, err := numberOf(in, keyFormat, 4)
	if version > format {
		return m, fmt.Errorf("has the format %d, and this program knows formats up to %d", version,
			format)
	}
	epoch, epochErr := numberOf(in, keyEpoch, 4)
	floor, floorErr := numberOf(in, keyFloor, 8)
	rooms, roomsErr := readFloors(in)
	open, openErr := numberOf(in, keyOpen, 1)
	return meta{epoch: uint32(epoch), floor: floor, rooms: rooms, open: open > 0},
		errors.Join(err, epochErr, floorErr, roomsErr, openErr)
}

// readFloors reads the floors of rooms.
func readFloors(in source) (rooms map[string]uint64, err error) {
	skipped, _ := in.read([]byte(floorPrefix), successor(floorPrefix), time.Time{},
		func(key, value []byte) bool {
			if len(value) != 8 {
				err = errEntry
				return true
			}
			if rooms == nil {
				rooms = make(map[string]uint64)
			}
			rooms[roomOf(key)] = binary.BigEndian.Uint64(value)
			return true
		})
	if skipped > 0 {
		err = errEntry
	}
	return rooms, err
}

// numberOf reads a number of some bytes, 0 when there is none.
func numberOf(in source, key []byte, size int) (n uint64, err error) {
	value, err := in.get(key)
	if value == nil || err != nil {
		return 0, err
	}
	if len(value) != size {
		return 0, fmt.Errorf("%w: %s has %d bytes, expected %d", errEntry, key, len(value), size)
	}
	for _, b := range value {
		n = n<<8 | uint64(b)
	}
	return n, nil
}

// newEpoch returns an epoch that is neither 0, nor that of the streams, nor the former one.
func newEpoch(former uint32) uint32 {
	for {
		var b [4]byte
		_, _ = rand.Read(b[:]) // has no error: crypto/rand ends the process instead
		epoch := binary.BigEndian.Uint32(b[:])
		if epoch != 0 && epoch != notify.StreamEpoch && epoch != former {
			return epoch
		}
	}
}

func formatValue(version uint32) []byte { return binary.BigEndian.AppendUint32(nil, version) }
