package notify

import (
	"context"
	"encoding/json"
	"errors"
)

const (
	// takeKind is the kind of the question by which a node takes a session from its former owner. The
	// answer is a state, or nothing if the node does not have the session.
	takeKind = "session.take"
	// tookKind is the kind of the message that says so to all nodes. The store can have named a wrong
	// owner: one that saved the session at the moment when another one took it.
	tookKind = "session.took"
)

// taking is the body of both.
type taking struct {
	Key  []byte `json:"key"` // may be no text
	Node string `json:"node"`
	Term uint64 `json:"term"`
}

// state is what the former owner knows better than the store, where the last changes may be missing.
type state struct {
	Channels []string        `json:"channels"`
	Granted  []string        `json:"granted"`
	Data     json.RawMessage `json:"data,omitempty"`
	Ended    bool            `json:"ended,omitempty"` // the store may have the session still
}

// reasonTaken is for the log of the node that ends the connection.
const reasonTaken = "resumed on another node"

// ask tells a former owner of a session that it has a new one, and adds to the session what the former
// one knows of it. It reports whether that node has ended the session.
func (h *Hub) ask(ctx context.Context, s *Session, former *Owner) (ended bool) {
	if former == nil || former.Node == s.Owner.Node {
		return false
	}
	answer, err := h.cluster.Peers.Ask(ctx, former.Node, takeKind, takingBy(s.Key, s.Owner))
	if err != nil {
		return false // the node has ended, or is silent
	}
	var last state
	if len(answer) == 0 || json.Unmarshal(answer, &last) != nil {
		// The node does not have the session any more. If it has ended it, that is in the store now.
		_, err := h.cluster.Sessions.Load(ctx, s.Key)
		return errors.Is(err, ErrNoSession)
	}
	s.Channels, s.Granted, s.Data = last.Channels, last.Granted, nil
	if last.Data != nil {
		s.Data = last.Data
	}
	return last.Ended
}

func takingBy(key string, by *Owner) []byte {
	body, _ := json.Marshal(taking{[]byte(key), by.Node, by.Term})
	return body
}

// tell says to all nodes who has a session. One that is not told finds out later.
func (h *Hub) tell(ctx context.Context, key string, owner *Owner) {
	_ = h.cluster.Peers.Tell(ctx, tookKind, takingBy(key, owner))
}

// answerTaking answers the question of another node.
func (h *Hub) answerTaking(question []byte) []byte {
	key, last := h.noteTaking(question)
	if last == nil {
		h.mu.Lock()
		ended := h.hasEnded(key)
		h.mu.Unlock()
		if !ended {
			return nil
		}
		last = &state{Ended: true}
	}
	answer, _ := json.Marshal(last) // strings, and JSON that was checked
	return answer
}

// hearTaking handles the message of another node. If this one has the session and is the later owner,
// it says so in turn.
func (h *Hub) hearTaking(message []byte) []byte {
	key, _ := h.noteTaking(message)
	h.mu.Lock()
	var own *Owner
	if s := h.sessions.byKey[key]; s != nil {
		own = s.Owner
	}
	h.mu.Unlock()
	if own != nil {
		ctx, cancel := context.WithTimeout(context.Background(), h.o.ResumeTimeout)
		defer cancel()
		h.tell(ctx, key, own)
	}
	return nil
}

// noteTaking gives up a session that another node has taken. last is nil if this one did not have it,
// or has it later.
func (h *Hub) noteTaking(body []byte) (key string, last *state) {
	var q taking
	if json.Unmarshal(body, &q) != nil || q.Node == h.cluster.Node {
		return "", nil
	}
	by := &Owner{Node: q.Node, Term: q.Term}
	key = string(q.Key)
	h.mu.Lock()
	h.noteTaken(key, by)
	h.mu.Unlock()
	return key, h.giveUp(key, by)
}

// giveUp drops the session of a key if another owner has a newer one, and returns its state, else
// nil. The connection ends if only one can have such a session.
func (h *Hub) giveUp(key string, to *Owner) *state {
	h.mu.Lock()
	s := h.sessions.byKey[key]
	if s == nil || !s.Owner.isBefore(to) {
		h.mu.Unlock()
		return nil
	}
	last := &state{Channels: s.Channels, Granted: s.Granted, Data: s.text}
	m := s.member
	if m != nil {
		last.Channels, last.Granted = m.rooms(isChannel), append([]string(nil), m.granted...)
	}
	h.release(s)
	h.mu.Unlock()
	if _, isPID := CutPIDKey(key); isPID && m != nil {
		m.Drop(reasonTaken)
	}
	return last
}
