package adminui

import (
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/roomcast/roomcast/auth"
)

// A new password ends what the former one has opened: sessions, and connections. Without a change it
// ends nothing.
func TestReloadedPassword(t *testing.T) {
	t.Parallel()
	s := newStack(t, auth.ModeOpen, nil)
	next, err := bcrypt.GenerateFromPassword([]byte("changed"), minCost)
	if err != nil {
		t.Fatal(err)
	}
	session := s.bySession()
	c := s.admin(session)
	reload := func(hash string) error { return (&UI{s.ui}).Reload(Options{Hash: auth.Secret(hash)}) }
	if err := reload("changed"); err == nil || strings.Contains(err.Error(), "changed") {
		t.Errorf("the password itself: %v", err)
	}
	if err := reload(hash); err != nil {
		t.Fatal(err)
	}
	s.admin(session)
	if err := reload(string(next)); err != nil {
		t.Fatal(err)
	}
	for {
		if got := c.Read(); got == "41/admin," {
			break
		} else if !strings.HasPrefix(got, "42/admin,") {
			t.Fatalf("got %s", got)
		}
	}
	const refused = `44/admin,{"message":"invalid credentials","data":{"code":"invalid_token"}}`
	for _, credentials := range []string{session, byPassword} {
		c := s.Dial("")
		c.Send("40/admin," + credentials)
		if got := c.Read(); got != refused {
			t.Errorf("%s: %s", credentials, got)
		}
	}
	s.admin(`{"username":"admin","password":"changed"}`)
	s.admin(s.bySession())
}
