package disklog

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
)

// maxLogBytes is how much of the write-ahead logs is read, the newest first. The engine keeps a few
// of them, each of about memTableBytes.
const maxLogBytes = 256 << 20

// logBlock is the size of the blocks of a write-ahead log. A record can begin in each.
const logBlock = 32 << 10

// readLogs reads the write-ahead logs. The engine keeps some whose entries are in tables, to use the
// files again. Those do no harm while all later ones are whole: the newest version of every key that
// they have is in one of them.
func (l *loose) readLogs(names []string) {
	var logs []string
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			logs = append(logs, name)
		}
	}
	slices.SortFunc(logs, func(a, b string) int { return cmp.Compare(fileNumber(b), fileNumber(a)) })
	inTables, left := l.firstLog(names), maxLogBytes
	for _, name := range logs {
		writes, dels, err := l.readLog(name, &left)
		if err != nil && fileNumber(name) < inTables {
			break
		}
		l.writes, l.dels = append(l.writes, writes...), append(l.dels, dels...)
		if err != nil {
			l.unreadable = append(l.unreadable, name+": "+oneLine(err))
		}
		if left <= 0 {
			break
		}
	}
	slices.SortFunc(l.writes, write.compare)
	slices.SortFunc(l.dels, func(a, b span) int { return bytes.Compare(a.from, b.from) })
}

// readLog reads the records of a write-ahead log. After a part that cannot be read it goes on, and
// returns an error with the rest.
func (l *loose) readLog(name string, left *int) (writes []write, dels []span, failed error) {
	f, err := l.fs.Open(l.fs.PathJoin(l.path, name))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	for at := int64(0); at < info.Size() && *left > 0; {
		records := newRecords(record.NewReader, io.NewSectionReader(f, at, info.Size()-at), fileNumber(name))
		end := int64(0)
		for *left > 0 {
			end = records.Offset()
			batch, err := readRecord(records)
			if errors.Is(err, io.EOF) || errors.Is(err, record.ErrUnexpectedEOF) {
				return writes, dels, failed // a record that was not finished is its end
			}
			if err == nil {
				*left -= len(batch)
				writes, dels, err = decodeBatch(batch, fileNumber(name), writes, dels)
			}
			if err != nil {
				failed = err
				break
			}
		}
		at += (end/logBlock + 1) * logBlock
	}
	return writes, dels, failed
}

// newRecords calls record.NewReader with the number of a file, whose type has no name outside of its
// module.
func newRecords[N ~uint64](
	newReader func(io.Reader, N) *record.Reader, f io.Reader, number uint64,
) *record.Reader {
	return newReader(f, N(number))
}

func readRecord(records *record.Reader) ([]byte, error) {
	r, err := records.Next()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// decodeBatch appends the versions of entries and the range deletions of a batch, which keep it.
func decodeBatch(batch []byte, file uint64, writes []write, dels []span) (
	_ []write, _ []span, err error,
) {
	defer recovered(&err)
	header, ok := batchrepr.ReadHeader(batch)
	if !ok {
		return writes, dels, errEntry
	}
	seq, in := uint64(header.SeqNum), batchrepr.Read(batch)
	for {
		kind, key, value, ok, err := in.Next()
		if !ok {
			return writes, dels, err
		}
		switch kind {
		case pebble.InternalKeyKindLogData:
			continue // has no number
		case pebble.InternalKeyKindRangeDelete, pebble.InternalKeyKindExcise:
			dels = append(dels, span{key, value, seq})
		default:
			writes = append(writes, write{key, value, seq, file, kind})
		}
		seq++
	}
}

// writesFrom returns the part of sorted writes that is not before a key.
func writesFrom(writes []write, key []byte) []write {
	i, _ := slices.BinarySearchFunc(writes, key, func(w write, key []byte) int {
		if bytes.Compare(w.key, key) < 0 {
			return -1
		}
		return 1
	})
	return writes[i:]
}

// The first fields of an edit in a manifest.
const (
	tagComparer  = 1
	tagLogNumber = 2
)

// firstLog returns the number of the first write-ahead log with entries that are in no table, as far
// as the newest manifest can be read: 0 if it cannot.
func (l *loose) firstLog(names []string) (number uint64) {
	newest := ""
	for _, name := range names {
		if strings.HasPrefix(name, "MANIFEST-") {
			newest = max(newest, name)
		}
	}
	f, err := l.fs.Open(l.fs.PathJoin(l.path, newest))
	if newest == "" || err != nil {
		return 0
	}
	defer f.Close()
	for records := record.NewReader(f, 0); ; {
		edit, err := readRecord(records)
		if err != nil {
			return number
		}
		if tag, n := binary.Uvarint(edit); tag == tagComparer && n > 0 {
			size, m := binary.Uvarint(edit[n:])
			if m <= 0 || size > uint64(len(edit)-n-m) {
				return number
			}
			edit = edit[n+m+int(size):]
		}
		if tag, n := binary.Uvarint(edit); tag == tagLogNumber && n > 0 {
			value, _ := binary.Uvarint(edit[n:])
			number = max(number, value)
		}
	}
}
