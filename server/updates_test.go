package server

import "testing"

// update is the data of connection-update.
type update struct {
	Type, ClientID, UserID, Username string
	TotalConnections                 int
}

func TestConnectionUpdates(t *testing.T) {
	s := newServiceStack(t, nil, func(o *Options) { o.ConnectionUpdates = true })
	a, first := s.Connect(`{"userId":"a"}`)
	var n struct {
		Type string
		Data update
	}
	a.Event("connection-update", &n)
	if n.Data != (update{"new-connection", first.ClientID, "a", "a", 1}) {
		t.Errorf("its own coming: %+v", n)
	}
	b, second := s.Connect(`{"userId":"b"}`)
	if a.Event("connection-update", &n); n.Data != (update{"new-connection", second.ClientID, "b", "b", 2}) {
		t.Errorf("the coming of another: %+v", n)
	}
	b.Conn.Close()
	if a.Event("connection-update", &n); n.Data != (update{"disconnection", second.ClientID, "b", "b", 1}) {
		t.Errorf("its going: %+v", n)
	}
}
