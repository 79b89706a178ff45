package servertest

// Restored is what a handler sees of a client that connects.
type Restored struct {
	ID        string
	ByClient  bool // in the channel "by-client", which the client joins
	ByGo      bool // in the room "by-go", which the handler joins at the first connection
	Data      any  // "data", which the handler sets at the first connection
	Recovered bool
}

// ExpectRecovery checks what docs/socketio.md says about a client that comes back: with everything
// that it missed, it has its id, rooms and data. With a gap it has its rooms, and a new id and no
// data. connects gets what the handler sees at each connection. A room must keep less than 20
// notifications.
func (s *Stack) ExpectRecovery(connects <-chan Restored) {
	s.T.Helper()
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	Receive(s.T, connects)
	c.Send(`420["subscribe",{"channels":["by-client"]}]`)
	c.Sync()
	comeBack := func() Restored {
		s.T.Helper()
		c.Conn.Close()
		for _, m := range s.Hub.Members() {
			s.Gone(m.ClientID())
		}
		c = s.Dial("")
		c.JoinWithPid(Resume("u1", pid, offset))
		return Receive(s.T, connects)
	}
	if got, want := comeBack(), (Restored{sid, true, true, "data", true}); got != want {
		s.T.Errorf("without a loss it has %+v, want %+v", got, want)
	}
	for range 20 {
		s.Publish(`{"target":{"user":"u1"},"type":"n"}`)
	}
	got := comeBack()
	if want := (Restored{got.ID, true, true, nil, false}); got != want || got.ID == sid {
		s.T.Errorf("after a loss it has %+v, want %+v with a new id", got, want)
	}
}
