package disklog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/notify"
)

// mark is a file with the id of the last stored message. The store reads its own write-ahead log up
// to the first damaged record, which can look like the end, so it cannot tell whether it has lost
// the newest messages. The mark can. Messages do not sync it, which would double the syncs: after a
// power cut it may be older than the log, which does no harm as long as its epoch is the same. So
// it is synced when an epoch begins, before the first id of the epoch is given, and at the end.
type mark struct {
	f   vfs.File
	buf []byte
}

const (
	markName = "mark"
	markSize = 4 + 8 + 4 // epoch, sequence number, checksum
)

// openMark opens the file and returns the id in it, the zero ID if there is none that is valid.
func openMark(fs vfs.FS, path string) (m *mark, id notify.ID, err error) {
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, id, err
	}
	m = &mark{f: f, buf: make([]byte, markSize)}
	n, err := f.ReadAt(m.buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, id, errors.Join(err, f.Close())
	}
	if n == markSize {
		id = parseMark(m.buf)
	}
	return m, id, nil
}

// parseMark returns the id in a mark, the zero ID if the checksum is wrong.
func parseMark(b []byte) (id notify.ID) {
	if crc32.ChecksumIEEE(b[:12]) == binary.BigEndian.Uint32(b[12:]) {
		id.Epoch, id.Seq = binary.BigEndian.Uint32(b), binary.BigEndian.Uint64(b[4:])
	}
	return id
}

// sync returns when no power cut takes the id that was set.
func (m *mark) sync() error { return m.f.Sync() }

// set writes an id.
func (m *mark) set(id notify.ID) error {
	binary.BigEndian.PutUint32(m.buf, id.Epoch)
	binary.BigEndian.PutUint64(m.buf[4:], id.Seq)
	binary.BigEndian.PutUint32(m.buf[12:], crc32.ChecksumIEEE(m.buf[:12]))
	_, err := m.f.WriteAt(m.buf, 0)
	return err
}
