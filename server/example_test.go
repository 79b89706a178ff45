package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/sse"
)

// A handler joins its client to a room and says there what the client says.
func Example() {
	socketIO, url, stop := start()
	defer stop()
	io := socketIO.IO()
	_ = io.On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		client.Join("lobby")
		_ = client.On("say", func(args ...any) {
			if text, ok := args[0].(string); ok {
				_ = io.To("lobby").Emit("said", text)
			}
		})
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

// Everything behind one listener: what a backend posts reaches a stream. Serve ends when its context does.
func ExampleService() {
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	users, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		panic(err)
	}
	socketIO, err := server.New(server.Options{Hub: hub, Auth: users})
	if err != nil {
		panic(err)
	}
	service := server.NewService(server.ServiceOptions{
		Hub: hub, SocketIO: socketIO, Streams: sse.New(sse.Options{Hub: hub, Auth: users, Problem: server.WriteProblem}),
		APIKeys: []string{"a key that nobody can guess"},
	})
	ctx, stop := context.WithCancel(context.Background())
	address, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- service.Serve(ctx, "127.0.0.1:0", func(a net.Addr) { address <- a }) }()
	url := "http://" + (<-address).String()

	stream, err := http.Get(url + "/sse?userId=u1")
	if err != nil {
		panic(err)
	}
	defer stream.Body.Close()
	body := `{"target": {"user": "u1"}, "type": "payment:completed", "data": {"amount": 9.99}}`
	request, _ := http.NewRequest("POST", url+"/v1/notifications", strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer a key that nobody can guess")
	request.Header.Set("Content-Type", "application/json")
	receipt, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer receipt.Body.Close()
	stop()

	for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
		if name, found := strings.CutPrefix(lines.Text(), "event: "); found {
			fmt.Println(name)
		}
	}
	fmt.Println(<-ended)
	// Output:
	// connected
	// payment:completed
	// <nil>
}

// What a function given to OnEvent returns, the client gets as its acknowledgement, and no handler sees the event.
func ExampleServer_OnEvent() {
	socketIO, url, stop := start()
	defer stop()
	socketIO.OnEvent(func(_ context.Context, e server.Event) error {
		if strings.HasPrefix(e.Name, "admin:") && e.Identity.UserID != "root" {
			return auth.ErrForbidden
		}
		return nil
	})
	_ = socketIO.IO().On("connection", func(args ...any) {
		_ = args[0].(*socket.Socket).On("admin:reset", func(args ...any) {
			if ack, ok := args[len(args)-1].(socket.Ack); ok {
				ack([]any{"done"}, nil)
			}
		})
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
func ExampleServer_Ask() {
	socketIO, url, stop := start()
	defer stop()
	_ = socketIO.IO().On("connection", func(args ...any) { args[0].(*socket.Socket).Join("team") })
	for _, user := range []string{"ann", "bob"} {
		client := connect(url, user)
		defer client.Close()
		go client.answer("ready?", fmt.Sprintf(`["%s is ready"]`, user))
	}

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	answers, err := socketIO.Ask(ctx, "team", "ready?")
	var said []string
	for _, a := range answers {
		said = append(said, a.Args[0].(string))
	}
	slices.Sort(said)
	fmt.Println(said, err)
	// Output:
	// [ann is ready bob is ready] <nil>
}

// start serves Socket.IO alone, in open mode.
func start() (s *server.Server, url string, stop func()) {
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	users, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		panic(err)
	}
	s, err = server.New(server.Options{Hub: hub, Auth: users})
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

// client speaks the protocol of Socket.IO clients over a websocket, where it is text: "42" and an array are an event.
type client struct{ *websocket.Conn }

// connect returns when a first event is answered: the handlers of "connection" have run before that.
func connect(url, user string) client {
	conn, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http")+"/socket.io/?EIO=4&transport=websocket", nil)
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

// reply waits for a packet that starts so, and returns the rest.
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

// answer acknowledges one event: "42", the server's number for it, and its array become "43", the number, and another.
func (c client) answer(event, with string) {
	for {
		_, text, err := c.ReadMessage()
		if err != nil {
			return
		}
		if number, _, found := strings.Cut(strings.TrimPrefix(string(text), "42"), `["`+event+`"`); found {
			c.emit("43" + number + with)
			return
		}
	}
}
