package disklog

import (
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

// Sessions returns the sessions of the directory.
func (s *Store) Sessions() notify.SessionStore { return sessions{s} }

type sessions struct{ *Store }

// savedSession is the stored form of a session; its key is the key.
type savedSession struct {
	UserID    string          `json:"userId,omitempty"`
	ClientID  string          `json:"clientId"`
	Namespace string          `json:"namespace"`
	Channels  []string        `json:"channels,omitempty"`
	Granted   []string        `json:"granted,omitempty"`
	Epoch     uint32          `json:"epoch,omitempty"`
	Seq       uint64          `json:"seq,omitempty"`
	Expires   int64           `json:"expires,omitempty"` // Unix, milliseconds; 0: attached
	Data      json.RawMessage `json:"data,omitempty"`
	Address   netip.Addr      `json:"address,omitzero"`
}

// Save implements notify.SessionStore.
func (s sessions) Save(changed []notify.Session, ended []string) error {
	if err := s.Log().room(); err != nil {
		return err
	}
	s.state.RLock()
	defer s.state.RUnlock()
	b := s.db.NewBatch()
	defer b.Close()
	for _, of := range changed {
		saved := savedSession{
			UserID: of.UserID, ClientID: of.ClientID, Namespace: of.Namespace, Channels: of.Channels,
			Granted: of.Granted, Epoch: of.Cursor.Epoch, Seq: of.Cursor.Seq, Address: of.Address,
		}
		saved.Data, _ = of.Data.(json.RawMessage)
		if !of.Expires.IsZero() {
			saved.Expires = of.Expires.UnixMilli()
		}
		text, err := json.Marshal(saved)
		if err != nil {
			return err
		}
		if err := b.Set([]byte(sessionPrefix+of.Key), text, nil); err != nil {
			return err
		}
	}
	for _, key := range ended {
		if err := b.Delete([]byte(sessionPrefix+key), nil); err != nil {
			return err
		}
	}
	return b.Commit(pebble.Sync)
}

// Load implements notify.SessionStore. Damaged sessions are dropped: their clients start new ones,
// and do not miss a message for that.
func (s sessions) Load() (all []notify.Session) {
	err := s.Log().scan([]byte(sessionPrefix), successor(sessionPrefix), func(key, value []byte) error {
		var saved savedSession
		if err := json.Unmarshal(value, &saved); err != nil {
			return errors.Join(errEntry, err)
		}
		of := notify.Session{
			Key: string(key[len(sessionPrefix):]), UserID: saved.UserID, ClientID: saved.ClientID,
			Namespace: saved.Namespace, Channels: saved.Channels, Granted: saved.Granted,
			Cursor: notify.ID{Epoch: saved.Epoch, Seq: saved.Seq}, Address: saved.Address,
		}
		if saved.Data != nil {
			of.Data = saved.Data
		}
		if saved.Expires != 0 {
			of.Expires = time.UnixMilli(saved.Expires)
		}
		all = append(all, of)
		return nil
	})
	if err != nil {
		s.o.Log.Error("stored sessions are damaged: they are dropped", zap.Error(err))
		err = s.db.DeleteRange([]byte(sessionPrefix), successor(sessionPrefix), pebble.NoSync)
		if err != nil {
			s.o.Fatal(err)
		}
	}
	return all
}
