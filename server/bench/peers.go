//go:build linux

package main

import (
	"fmt"
	"net/url"

	"github.com/roomcast/roomcast/server/internal/bare"
	"github.com/roomcast/roomcast/server/internal/load"
	"github.com/roomcast/roomcast/server/internal/process"
)

// Transports, in the order of the tables.
const (
	webSocket   = "WebSocket"
	eventSource = "EventSource"
)

// roomcast is the name of the server that the others are compared with.
const roomcast = "Roomcast"

// peer is a server that is measured.
type peer struct {
	transport string
	name      string
	npm       bool // needs Node and the packages of the directory peers
	command   process.Command
	clients   load.Protocol
	publish   func(host string, n int) []byte // makes the request for n notifications
}

func (p peer) String() string { return p.transport + ", " + p.name }

// Clients of the protocols.
var (
	roomcastSocketIO = socketIO(`40{"userId":"u%d"}`)
	plainSocketIO    = socketIO("40")
	bareWebSocket    = &load.WebSocket{Path: "/", Joined: bare.Welcome, Mark: mark}
	roomcastStream   = &load.EventSource{Path: "/sse?userId=u%d", Mark: mark}
	plainStream      = &load.EventSource{Path: "/", Mark: mark}
	centrifugoSocket = &load.WebSocket{
		Path: "/connection/websocket", Hello: `{"id":1,"connect":{}}`,
		Answers: []load.Answer{
			{Message: `{"id":1,"connect"`, Text: `{"id":2,"subscribe":{"channel":"` + room + `"}}`},
			{Message: "{}", Text: "{}"}, // its ping
		},
		Joined: `{"id":2,"subscribe"`, Mark: mark,
	}
	centrifugoStream = &load.EventSource{
		Path: "/connection/uni_sse?cf_connect=" + url.QueryEscape(`{"subs":{"`+room+`":{}}}`),
		Mark: mark,
	}
)

// packet is the Socket.IO packet of the notification, which the bare servers send too.
const packet = `42["` + event + `",` + note + "]"

// socketIO is a client of Socket.IO v5 on Engine.IO v4 that connects with the packet given.
func socketIO(connect string) *load.WebSocket {
	return &load.WebSocket{
		Path:    "/socket.io/?EIO=4&transport=websocket",
		Answers: []load.Answer{{Message: "0{", Text: connect}, {Message: "2", Text: "3"}},
		Joined:  "40{", Mark: mark,
	}
}

// places are the files that the servers are started from.
type places struct {
	binary  string // roomcast
	against string // another one to compare with, "" for none
	self    string // this program
	scripts string // the directory peers
	// centrifugo is used where it is installed, since it takes minutes to build.
	centrifugo string
}

// peers lists all servers in the order of the columns.
func (at places) peers() []peer {
	// The bare servers send the bytes that they are given.
	frame, event := publishBody(packet), publishBody(streamEvent)
	betterSSE := at.script("node", "better-sse.mjs")
	list := []peer{
		at.socketIO("socket.io on Node", "node", "node.mjs"),
		at.socketIO("socket.io on Bun's engine", "./node_modules/.bin/bun", "bun.mjs"),
		at.socketIO("socket.io on uWebSockets", "node", "uwebsockets.mjs"),
		{webSocket, "Centrifugo", false, at.broker(), centrifugoSocket, publishCentrifugo},
		{webSocket, "bare gorilla", false, at.bare("gorilla"), bareWebSocket, frame},
		{webSocket, "bare epoll", false, at.bare("epoll"), bareWebSocket, frame},
		{eventSource, "better-sse on Node", true, betterSSE, plainStream, publishBody(note)},
		{eventSource, "Centrifugo", false, at.broker(), centrifugoStream, publishCentrifugo},
		{eventSource, "bare, hijacked", false, at.bare("hijack"), plainStream, event},
	}
	if at.against != "" {
		list = append(product("the other Roomcast", at.against), list...)
	}
	return append(product(roomcast, at.binary), list...)
}

// product is a binary of Roomcast on both transports.
func product(name, binary string) []peer {
	command := roomcastCommand(binary)
	return []peer{
		{webSocket, name, false, command, roomcastSocketIO, publishRoomcast},
		{eventSource, name, false, command, roomcastStream, publishRoomcast},
	}
}

func (at places) socketIO(name, program, file string) peer {
	return peer{webSocket, name, true, at.script(program, file), plainSocketIO, publishBody(note)}
}

func (at places) script(program, file string) process.Command {
	return process.Command{
		Args: []string{program, file}, Dir: at.scripts, Env: []string{"NODE_ENV=production"},
	}
}

func (at places) bare(kind string) process.Command {
	return process.Command{Args: []string{at.self, "bare", kind}}
}

// broker runs Centrifugo with a history for recovery, as Roomcast has one.
func (at places) broker() process.Command {
	const channel = "CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_"
	return process.Command{Args: []string{at.centrifugo}, Env: []string{
		"CENTRIFUGO_HTTP_SERVER_ADDRESS=127.0.0.1", "CENTRIFUGO_HTTP_SERVER_PORT=" + process.Port,
		"CENTRIFUGO_HTTP_API_KEY=" + apiKey, "CENTRIFUGO_LOG_LEVEL=error",
		"CENTRIFUGO_CLIENT_ALLOW_ANONYMOUS_CONNECT_WITHOUT_TOKEN=true",
		"CENTRIFUGO_UNI_SSE_ENABLED=true", channel + "ALLOW_SUBSCRIBE_FOR_CLIENT=true",
		channel + "ALLOW_SUBSCRIBE_FOR_ANONYMOUS=true", channel + "FORCE_RECOVERY=true",
		channel + "HISTORY_SIZE=256", channel + "HISTORY_TTL=300s",
	}}
}

const streamEvent = "id: 5f3a9c01-1042\nevent: " + event + "\ndata: " + note + "\n\n"

// roomcastCommand runs a binary with the defaults, except for limits that a benchmark meets.
// Heartbeats are off as far as possible, because no other server sends them within a run.
func roomcastCommand(binary string) process.Command {
	return process.Command{Args: []string{binary}, Env: []string{
		"HOST=127.0.0.1", "PORT=" + process.Port, "ADMIN_ADDR=off", "LOG_LEVEL=warn",
		"AUTH_MODE=open", "API_KEYS=" + apiKey,
		fmt.Sprintf("MAX_CONNECTIONS=%d", 2*maxClients),
		fmt.Sprintf("SSE_MAX_CONNECTIONS=%d", 2*maxClients),
		"RATE_LIMIT_INTERVAL=0", "PUBLISH_RATE=0", "HANDSHAKE_RATE=0",
		"SSE_HEARTBEAT_INTERVAL=1h", "SOCKETIO_HEARTBEAT_INTERVAL=1h",
	}}
}
