package adminui

import (
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
)

// More sockets than an admin may see take places when others leave.
func TestSocketsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t, auth.ModeOpen, func(o *Options) { o.bounds.sockets, o.bounds.rooms = 3, 2 })
	users := map[string]*servertest.WebSocket{}
	for range 6 {
		c, connected := s.Connect(`{"userId":"u1"}`)
		for _, name := range []string{"a", "b", "c"} {
			c.Send(`42["join-room","` + name + `"]`)
		}
		c.Sync()
		users[connected.ClientID] = c
	}
	c := s.admin(s.bySession())
	if n := len(c.page.sockets); n != 3 {
		t.Fatalf("%d sockets", n)
	}
	if got := c.page.stats.Namespaces[0]; got != (namespaceCount{"/", 6}) {
		t.Errorf("counted %+v", got)
	}
	for range 3 {
		for k, socket := range c.page.sockets {
			if k.namespace == "/" {
				if len(socket.Rooms) != 3 || socket.Rooms[0] != socket.ID {
					t.Errorf("rooms %q", socket.Rooms)
				}
				users[k.id].Send("41")
				c.until(func() bool {
					_, shown := c.page.sockets[k]
					return !shown && len(c.page.sockets) == 3
				})
				break
			}
		}
	}
}

func TestAdminsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t, auth.ModeOpen, func(o *Options) { o.bounds.admins = 1 })
	c := s.admin(s.bySession())
	other := s.Dial("")
	other.Send("40/admin," + s.bySession())
	if got := other.Read(); got != `44/admin,{"message":"too many admins","data":{"code":"too_many_connections"}}` {
		t.Error(got)
	}
	c.Send("41/admin,")
	servertest.Eventually(t, "another admin has a place", func() bool {
		other.Send("40/admin," + s.bySession())
		for {
			switch text := other.Read(); {
			case strings.HasPrefix(text, "44"):
				return false
			case strings.HasPrefix(text, "40"):
				return true
			}
		}
	})
}

func TestMountRefusesOptions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		hash:                                     "",
		strings.Replace(hash, "$2a$", "$2y$", 1): "",
		strings.Replace(hash, "$10$", "$09$", 1): "a bcrypt hash with a cost from 10 to 14, not 9",
		strings.Replace(hash, "$10$", "$15$", 1): "a bcrypt hash with a cost from 10 to 14, not 15",
		"changeit":                               "a bcrypt hash of 60 characters, not the password itself",
		"":                                       "a bcrypt hash of 60 characters, not the password itself",
		hash + "x":                               "a bcrypt hash of 60 characters, not the password itself",
		"$1$abc$" + strings.Repeat("x", 53):      "a bcrypt hash of 60 characters, not the password itself",
	} {
		got := ""
		if err := CheckHash(text); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
