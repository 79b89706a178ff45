package server

import "testing"

// update is the data of the event connection-update.
type update struct {
	Type, ClientID, UserID, Username string
	TotalConnections                 int
}

func TestConnectionUpdates(t *testing.T) {
	t.Parallel()
	s := newServiceStack(t, nil, func(o *Options) { o.ConnectionUpdates = true })
	a, first := s.Connect(`{"userId":"a"}`)
	var n struct {
		Type string
		Data update
	}
	a.Event("connection-update", &n)
	if n.Data != (update{"new-connection", first.ClientID, "a", "a", 1}) {
		t.Errorf("its own connection: %+v", n)
	}
	b, second := s.Connect(`{"userId":"b"}`)
	a.Event("connection-update", &n)
	if n.Data != (update{"new-connection", second.ClientID, "b", "b", 2}) {
		t.Errorf("another connection opens: %+v", n)
	}
	b.Conn.Close()
	a.Event("connection-update", &n)
	if n.Data != (update{"disconnection", second.ClientID, "b", "b", 1}) {
		t.Errorf("the other connection closes: %+v", n)
	}
}
