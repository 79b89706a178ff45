package disklog

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

// Retained returns the retained notifications of the directory.
func (s *Store) Retained() notify.RetainedStore { return retained{s} }

type retained struct{ *Store }

// idSize is the size of the id before the entry of a retained message. The key of an entry in the
// log has its sequence number, and the epoch is that of the log.
const idSize = 12

func idOf(m *notify.Message) []byte {
	id := binary.BigEndian.AppendUint32(make([]byte, 0, idSize), m.ID.Epoch)
	return binary.BigEndian.AppendUint64(id, m.ID.Seq)
}

// Retained implements notify.RetainedStore. It removes those whose time is over, and those that it
// cannot read: the application publishes its state again.
func (s retained) Retained() (all []*notify.Message) {
	s.state.RLock()
	defer s.state.RUnlock()
	b := s.db.NewBatch()
	defer b.Close()
	now := s.o.Now()
	err := s.Log().scan([]byte(retainedPrefix), successor(retainedPrefix), func(key, value []byte) error {
		m, err := decodeRetained(value)
		switch {
		case err != nil:
			s.o.Log.Error("a retained notification is damaged: it is dropped", zap.Error(err))
			return b.Delete(key, nil)
		case m.TTL > 0 && now.Sub(m.Timestamp) >= m.TTL:
			return b.Delete(key, nil)
		}
		all = append(all, m)
		return nil
	})
	if damaged(err) {
		s.o.Log.Error("retained notifications are damaged: they are dropped", zap.Error(err))
		err = b.DeleteRange([]byte(retainedPrefix), successor(retainedPrefix), nil)
	}
	if err == nil && !b.Empty() {
		err = b.Commit(pebble.Sync)
	}
	if err != nil {
		s.o.Fatal(err)
	}
	return all
}

func decodeRetained(value []byte) (*notify.Message, error) {
	if len(value) < idSize {
		return nil, errEntry
	}
	id := notify.ID{
		Epoch: binary.BigEndian.Uint32(value), Seq: binary.BigEndian.Uint64(value[4:]),
	}
	return decodeEntry(id, value[idSize:])
}

// DeleteRetained implements notify.RetainedStore.
func (s retained) DeleteRetained(_ context.Context, hubRoom, kind string) error {
	if err := s.Log().room(); err != nil {
		return err
	}
	s.state.RLock()
	defer s.state.RUnlock()
	if err := s.db.Delete(retainedKey(hubRoom, kind), pebble.Sync); err != nil {
		return fmt.Errorf("cannot be deleted: %w", err)
	}
	return nil
}
