package notify

import (
	"context"
	"encoding/json"
)

// takeKind is the kind of the question by which a node takes a session from another one.
const takeKind = "session.take"

// taking is the question. The answer is a state, or nothing if the node does not have the session.
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
}

// reasonTaken is for the log of the node that ends the connection.
const reasonTaken = "resumed on another node"

// ask tells a former owner of a session that it has a new one, and adds to the session what the former
// one knows of it.
func (h *Hub) ask(ctx context.Context, s *Session, former *Owner) {
	if former == nil || former.Node == s.Owner.Node {
		return
	}
	question, _ := json.Marshal(taking{[]byte(s.Key), s.Owner.Node, s.Owner.Term})
	answer, err := h.cluster.Peers.Ask(ctx, former.Node, takeKind, question)
	var last state
	if err != nil || len(answer) == 0 || json.Unmarshal(answer, &last) != nil {
		return // the node has ended, or does not have the session any more
	}
	s.Channels, s.Granted, s.Data = last.Channels, last.Granted, nil
	if last.Data != nil {
		s.Data = last.Data
	}
}

// answerTaking answers the question of another node.
func (h *Hub) answerTaking(question []byte) []byte {
	var q taking
	if json.Unmarshal(question, &q) != nil {
		return nil
	}
	key, by := string(q.Key), &Owner{Node: q.Node, Term: q.Term}
	h.mu.Lock()
	h.noteTaken(key, by)
	h.mu.Unlock()
	last := h.giveUp(key, by)
	if last == nil {
		return nil
	}
	answer, _ := json.Marshal(last) // strings, and JSON that was checked
	return answer
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
	last := &state{s.Channels, s.Granted, s.text}
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
