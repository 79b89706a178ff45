package socketio_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/socketio"
)

// A handler adds its client to a room and sends the client's messages to that room.
func Example() {
	srv, url, stop := start()
	defer stop()
	root := srv.Of("/")
	root.OnConnect(func(_ context.Context, c *socketio.Conn) error {
		c.Join("lobby")
		return nil
	})
	root.On("say", func(_ context.Context, c *socketio.Conn, e *socketio.Event) error {
		var text string
		if err := e.Bind(&text); err != nil {
			return err
		}
		_, err := root.To("lobby").Emit("said", text)
		return err
	})

	ann, bob := connect(url, "ann"), connect(url, "bob")
	defer ann.Close()
	defer bob.Close()
	ann.emit(`42["say","hello"]`)
	fmt.Println(ann.next("said"))
	fmt.Println(bob.next("said"))
	// Output:
	// ["said","hello"]
	// ["said","hello"]
}

// The client gets the error of a Before function as its acknowledgement, and no handler sees the
// event.
func ExampleServer_Before() {
	srv, url, stop := start()
	defer stop()
	srv.Before(func(_ context.Context, c *socketio.Conn, e *socketio.Event) error {
		if strings.HasPrefix(e.Name, "admin:") && c.Identity().UserID != "root" {
			return auth.ErrForbidden
		}
		return nil
	})
	srv.Of("/").On("admin:reset", func(_ context.Context, _ *socketio.Conn,
		e *socketio.Event) error {
		e.Ack("done")
		return nil
	})

	for _, user := range []string{"ann", "root"} {
		client := connect(url, user)
		defer client.Close()
		client.emit(`427["admin:reset"]`) // 7 is the client's number for the acknowledgement
		fmt.Println(user, client.reply("437"))
	}
	// Output:
	// ann [{"error":{"code":"forbidden"}}]
	// root ["done"]
}

// Ask waits for every client of a room.
func ExampleBroadcast_Ask() {
	srv, url, stop := start()
	defer stop()
	srv.Of("/").OnConnect(func(_ context.Context, c *socketio.Conn) error {
		c.Join("team")
		return nil
	})
	for _, user := range []string{"ann", "bob"} {
		client := connect(url, user)
		defer client.Close()
		go client.answer("ready?", fmt.Sprintf(`["%s is ready"]`, user))
	}

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	answers, err := srv.To("team").Ask(ctx, "ready?")
	var said []string
	for _, answer := range answers {
		var text string
		if err := answer.Bind(&text); err == nil {
			said = append(said, text)
		}
	}
	slices.Sort(said)
	fmt.Println(said, err)
	// Output:
	// [ann is ready bob is ready] <nil>
}

// start serves only Socket.IO, in open mode.
func start() (s *socketio.Server, url string, stop func()) {
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	users, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		panic(err)
	}
	o := socketio.DefaultOptions()
	o.Hub, o.Auth = hub, users
	s, err = socketio.New(o)
	if err != nil {
		panic(err)
	}
	listener := httptest.NewServer(s)
	return s, listener.URL, func() {
		_ = s.Shutdown(context.Background())
		listener.Close()
		hub.Close()
	}
}

// client speaks the Socket.IO protocol over a websocket, where it is text: "42" and an array are an
// event.
type client struct{ *websocket.Conn }

// connect returns when the server has answered a first event.
func connect(url, user string) client {
	conn, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http")+
		"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	c := client{conn}
	c.emit(`40{"userId":"` + user + `"}`)
	c.emit(`420["ping"]`)
	c.reply("430")
	return c
}

func (c client) emit(packet string) { _ = c.WriteMessage(websocket.TextMessage, []byte(packet)) }

// next waits for an event and returns it without the id at its end.
func (c client) next(event string) string {
	text := c.reply(`42["` + event + `"`)
	return `["` + event + `"` + text[:strings.LastIndexByte(text, ',')] + "]"
}

// reply waits for a packet with this prefix and returns the rest.
func (c client) reply(start string) string {
	for {
		_, text, err := c.ReadMessage()
		if err != nil {
			panic(err)
		}
		if rest, found := strings.CutPrefix(string(text), start); found {
			return rest
		}
	}
}

// answer acknowledges one event: "42", the server's number for it, and its array become "43", the
// number, and another.
func (c client) answer(event, with string) {
	for {
		_, text, err := c.ReadMessage()
		if err != nil {
			return
		}
		number, _, found := strings.Cut(strings.TrimPrefix(string(text), "42"), `["`+event+`"`)
		if found {
			c.emit("43" + number + with)
			return
		}
	}
}
