package rooms

import (
	"testing"

	"pgregory.net/rapid"
)

func TestHubRooms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ namespace, room, want string }{
		{"/", "orders", "orders"},
		{"", "orders", "orders"},
		{"/", All, "*"},
		{"/", User("auth0|5f7"), "user:auth0|5f7"},
		{"/admin", "orders", "/admin#orders"},
		{"/admin", All, "/admin#*"},
		{"/admin", Client("x"), "/admin#client:x"},
		{"/admin", "", "/admin#"},
		{"/", "a#b", "a#b"},
		{"/", "/admin", "/admin"},
		{"/", "/admin#orders", "/#/admin#orders"}, // a room of Go code that looks qualified
	} {
		if got := In(c.namespace, c.room); got != c.want {
			t.Errorf("In(%q, %q) = %q, want %q", c.namespace, c.room, got, c.want)
		}
		namespace := c.namespace
		if namespace == "" {
			namespace = "/"
		}
		if n, r := Split(c.want); n != namespace || r != c.room {
			t.Errorf("Split(%q) = %q, %q, want %q, %q", c.want, n, r, namespace, c.room)
		}
	}
}

// Two rooms never have the same hub room: no name in one namespace reaches a room of another.
func TestSplitIsInverseOfIn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		namespace := rapid.StringMatching(`/[a-z/]{0,3}`).Draw(t, "namespace")
		room := rapid.StringMatching(`[/#a-b:*]{0,6}`).Draw(t, "room")
		if n, r := Split(In(namespace, room)); n != namespace || r != room {
			t.Fatalf("Split(In(%q, %q)) = %q, %q", namespace, room, n, r)
		}
	})
}

func TestLooksLikeClientID(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Zk3vX0bq5tQyVfR2AAAB": true, "tag_Zk3vX0bq5tQyVfR2AAAB": true, "-A-----------------_": true,
		"Zk3vX0bq5tQyVfR2AAA": false, "Zk3vX0bq5tQyVfR2AAABC": false, "Zk3vX0bq5tQyVfR2AAA:": false,
		"zk3vx0bq5tqyvfr2aaab": false, "507f1f77bcf86cd799439011": false,
		"V1StGXR8_Z5jdHi6B-myT": false, "Zk3vX0bq5tQyVfR2AAÉ": false,
	} {
		if LooksLikeClientID(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	ids := []string{"zk3vx0bq5tqyvfr2aaab", "short", "Zk3vX0bq5tQyVfR2AAAB"}
	next := func() (id string) {
		id, ids = ids[0], ids[1:]
		return id
	}
	if id := ClientID(next); id != "Zk3vX0bq5tQyVfR2AAAB" {
		t.Errorf("the id is %s", id)
	}
}

func TestRoomKinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		room         string
		user, client string
		channel      bool
	}{
		{"orders", "", "", true},
		{"users", "", "", true},
		{All, "", "", false},
		{"user:7", "7", "", false},
		{"client:7", "", "7", false},
		{"user:client:7", "client:7", "", false},
	} {
		user, isUser := IsUser(c.room)
		client, isClient := IsClient(c.room)
		if isUser != (c.user != "") || isUser && user != c.user {
			t.Errorf("IsUser(%q) = %q, %v", c.room, user, isUser)
		}
		if isClient != (c.client != "") || isClient && client != c.client {
			t.Errorf("IsClient(%q) = %q, %v", c.room, client, isClient)
		}
		if got := IsChannel(c.room); got != c.channel {
			t.Errorf("IsChannel(%q) = %v", c.room, got)
		}
	}
}
