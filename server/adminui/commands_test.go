package adminui

import (
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
)

// commands are all that change something, for a socket.
func commandsFor(id string) []string {
	return []string{
		`["emit","/","` + id + `","hello",1]`,
		`["emit","/",null,"hello",1]`,
		`["join","/","vip","` + id + `"]`,
		`["leave","/","vip","` + id + `"]`,
		`["_disconnect","/",false,"` + id + `"]`,
		`["_disconnect","/",true,"` + id + `"]`,
		`["_disconnect","/",true]`,
	}
}

func TestReadOnlyRefusesEveryCommand(t *testing.T) {
	t.Parallel()
	s := newStack(t, auth.ModeOpen, nil)
	user, connected := s.Connect(`{"userId":"u1"}`)
	c := s.admin(s.bySession())
	for _, command := range commandsFor(connected.ClientID) {
		if got := c.ask(command); got != `[{"error":{"code":"forbidden"}}]` {
			t.Errorf("%s: %s", command, got)
		}
	}
	user.Sync() // it is still connected
	if m := s.Hub.Member("/", connected.ClientID); m == nil || m.In("vip") || s.Hub.Stats().Published != 0 {
		t.Error("a command of a read-only admin had an effect")
	}
	if n := strings.Count(s.log.Text(), `"result":"forbidden"`); n != 7 {
		t.Errorf("%d lines of the audit log: %s", n, s.log.Text())
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	s := newStack(t, auth.ModeOpen, func(o *Options) { o.ReadOnly = false })
	user, connected := s.Connect(`{"userId":"u1"}`)
	id := connected.ClientID
	stream := s.stream(map[string][]string{"userId": {"u2"}})
	c := s.admin(s.bySession())
	if want := `{"supportedFeatures":["EMIT","JOIN","LEAVE","DISCONNECT","MJOIN","MLEAVE",` +
		`"MDISCONNECT","AGGREGATED_EVENTS","ALL_EVENTS"]}`; c.config != want {
		t.Errorf("config %s", c.config)
	}
	do := func(command string) {
		t.Helper()
		c.Send("42/admin," + command) // as the page does, without an acknowledgement
	}
	do(`["join","/","vip","` + id + `"]`)
	c.until(func() bool { return slices.Contains(c.page.rooms("/", id), "vip") })
	do(`["join","/","both"]`)
	c.until(func() bool {
		return slices.Contains(c.page.rooms("/", stream), "both") && slices.Contains(c.page.rooms("/", id), "both")
	})
	do(`["leave","/","vip","` + id + `"]`)
	c.until(func() bool { return slices.Equal(c.page.rooms("/", id), []string{"both", "user:u1"}) })
	do(`["leave","/","both"]`)
	c.until(func() bool { return !slices.Contains(c.page.rooms("/", stream), "both") })
	do(`["emit","/","` + id + `","hello",9007199254740993,{"a":[]}]`)
	if got := user.Read(); !strings.HasPrefix(got, `42["hello",9007199254740993,{"a":[]},"`) {
		t.Errorf("the client got %s", got)
	}
	do(`["_disconnect","/",false,"` + stream + `"]`)
	c.until(func() bool { return c.page.rooms("/", stream) == nil })
	do(`["_disconnect","/",true,"` + id + `"]`)
	user.Closed()
	c.until(func() bool { return c.page.rooms("/", id) == nil })
	for _, want := range []string{
		`"action":"adminUiLogin","actor":"admin-ui","result":"ok","ip":"127.0.0.1"}`,
		`"action":"adminUiJoin","actor":"admin-ui","target":"namespace:/ room:` + id + `","result":"ok","count":1,"ip":"127.0.0.1"}`,
		`"action":"adminUiJoin","actor":"admin-ui","target":"namespace:/","result":"ok","count":2,"ip":"127.0.0.1"}`,
		`"action":"adminUiLeave","actor":"admin-ui","target":"namespace:/","result":"ok","count":2,"ip":"127.0.0.1"}`,
		`"action":"adminUiEmit","actor":"admin-ui","target":"namespace:/ room:` + id + `","result":"ok","count":1,"ip":"127.0.0.1"}`,
		`"action":"adminUiDisconnect","actor":"admin-ui","target":"namespace:/ room:` + stream + `","result":"ok","count":1,"ip":"127.0.0.1"}`,
	} {
		if !strings.Contains(s.log.Text(), want) {
			t.Errorf("no %s in the audit log:\n%s", want, s.log.Text())
		}
	}
}

func TestWrongCommandsAreRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, auth.ModeOpen, func(o *Options) { o.ReadOnly = false })
	_, connected := s.Connect(`{"userId":"u1"}`)
	c := s.admin(s.bySession())
	for command, want := range map[string]string{
		`["join"]`:               `"validation","detail":"argument 1: is missing"`,
		`["join","nowhere","x"]`: `"validation","detail":"argument 1: expected the name of a namespace"`,
		`["join","","x"]`:        `"validation","detail":"argument 1: expected the name of a namespace"`,
		`["join","/"]`:           `"validation","detail":"argument 2: is missing"`,
		`["join","/",7]`:         `"validation","detail":"argument 2: got number, expected string"`,
		`["join","/","user:u2"]`: `"validation","detail":"argument 2: room: \"user:u2\" is owned by the server, expected no name that starts with \"user:\""`,
		`["join","/","` + connected.ClientID + `"]`: `"validation","detail":"argument 2: is the id of a socket"`,
		`["join","/","x",{"room":"y"}]`:             `"validation","detail":"argument 3: expected the name of a room"`,
		`["join","/admin","x"]`:                     `"forbidden"`,
		`["emit","/admin",null,"config"]`:           `"forbidden"`,
		`["emit","/",null]`:                         `"validation","detail":"argument 3: is missing"`,
		`["emit","/",null,7]`:                       `"validation","detail":"argument 3: expected the name of an event"`,
		`["emit","/",null,"connect"]`:               `"validation","detail":"event: \"connect\" is reserved by Socket.IO"`,
		`["_disconnect","/"]`:                       `"validation","detail":"argument 2: is missing"`,
		`["reboot"]`:                                `"unknown_event"`,
	} {
		if got := c.ask(command); got != `[{"error":{"code":`+want+`}}]` {
			t.Errorf("%s:\n%s, want\n%s", command, got, want)
		}
	}
	servertest.Eventually(t, "the client is still there",
		func() bool { return s.Hub.Member("/", connected.ClientID) != nil })
}
