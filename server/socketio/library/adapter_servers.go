package library

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/socketio"
)

// callTimeout is how long a call to other servers takes that the caller gives no time.
const callTimeout = 5 * time.Second

// ServerCount returns how many servers have the namespace, 1 if the cluster cannot be asked.
func (a *adapter) ServerCount() int64 {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	n, err := a.f.srv.ServerCount(ctx, a.nsp.Name())
	if err != nil {
		a.f.log.Error("did not count the servers", zap.Error(err))
		return 1
	}
	return int64(n)
}

// ServerSideEmit sends an event to the other servers. With a function as its last argument it calls
// the function with one answer of each server, on another goroutine. Errors are logged, too,
// because the library's own examples ignore them.
func (a *adapter) ServerSideEmit(args []any) error {
	name, _ := args[0].(string)
	nsp := a.f.srv.Of(a.nsp.Name())
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	ack, wantsAck := args[len(args)-1].(socket.Ack)
	var err error
	switch {
	case !wantsAck:
		err = nsp.ServerSideEmit(ctx, name, args[1:]...)
	case !a.f.srv.HasPeers():
		err = socketio.ErrAlone
	default:
		go func() {
			defer cancel()
			defer a.f.recovered("acknowledgement of servers")
			answers, err := nsp.ServerSideAsk(ctx, name, args[1:len(args)-1]...)
			ack(valuesOf(answers), err)
		}()
		return nil
	}
	cancel()
	if err != nil {
		a.f.log.Error("refused ServerSideEmit", zap.Error(err))
	}
	return err
}

// valuesOf returns the first argument of each answer.
func valuesOf(answers []socketio.Args) []any {
	values := make([]any, len(answers))
	for i, answer := range answers {
		if list, err := answer.Values(); err == nil && len(list) > 0 {
			values[i] = buffer(list[0])
		}
	}
	return values
}

// ServerEvent calls the listeners of an event of another server. The last argument is a function
// if the server waits for an answer.
func (f *facade) ServerEvent(_ context.Context, e *socketio.ServerEvent) bool {
	found, known := f.namespaces.Load(e.Namespace)
	if !known {
		return false
	}
	nsp := found.(*namespace).nsp
	if nsp.EventEmitter().ListenerCount(events.EventName(e.Name)) == 0 {
		return false
	}
	values, err := e.Values()
	if err != nil {
		return false
	}
	args := slices.Concat([]any{e.Name}, buffers(values))
	if e.WantsAck() {
		args = append(args, socket.Ack(func(answer []any, _ error) {
			var value any
			if len(answer) > 0 {
				value = answer[0]
			}
			if err := e.Ack(value); err != nil {
				f.log.Error("did not answer a server", zap.Error(err))
			}
		}))
	}
	nsp.OnServerSideEmit(args)
	return true
}

// remoteDetails describes a client of another server.
type remoteDetails struct{ info socketio.ConnInfo }

func (s remoteDetails) Id() socket.SocketId { return socket.SocketId(s.info.ID) }

func (s remoteDetails) Rooms() *types.Set[socket.Room] {
	set := types.NewSet[socket.Room]()
	for _, name := range s.info.Rooms {
		set.Add(socket.Room(name))
	}
	return set
}

func (s remoteDetails) Data() (data any) {
	_ = json.Unmarshal(s.info.Data, &data) // JSON, or nothing
	return data
}

func (s remoteDetails) Handshake() *socket.Handshake {
	var h struct {
		Headers map[string]string `json:"headers"`
		Time    string            `json:"time"`
		Address string            `json:"address"`
		XDomain bool              `json:"xdomain"`
		Secure  bool              `json:"secure"`
		Issued  int64             `json:"issued"`
		URL     string            `json:"url"`
		Query   map[string]any    `json:"query"`
		Auth    any               `json:"auth"`
	}
	_ = json.Unmarshal(s.info.Handshake, &h) // what has another type stays empty
	out := &socket.Handshake{
		Headers: map[string][]string{}, Time: h.Time, Address: h.Address, Xdomain: h.XDomain,
		Secure: h.Secure, Issued: h.Issued, Url: h.URL, Query: map[string][]string{}, Auth: h.Auth,
	}
	for name, value := range h.Headers {
		out.Headers[name] = []string{value}
	}
	for name, value := range h.Query {
		out.Query[name] = textsOf(value)
	}
	return out
}

// textsOf returns the strings of a value: one, or an array of them.
func textsOf(value any) (texts []string) {
	switch v := value.(type) {
	case string:
		texts = []string{v}
	case []any:
		for _, element := range v {
			texts = append(texts, textsOf(element)...)
		}
	}
	return texts
}

// timeoutOf returns how long a call of clients may take.
func timeoutOf(opts *socket.BroadcastOptions) time.Duration {
	if opts != nil && opts.Flags != nil && opts.Flags.Timeout != nil {
		return *opts.Flags.Timeout
	}
	return callTimeout
}

// fetchOthers returns the clients of other servers.
func (a *adapter) fetchOthers(opts *socket.BroadcastOptions) ([]socket.SocketDetails, error) {
	if isLocal(opts) || !a.f.srv.HasPeers() {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeoutOf(opts))
	defer cancel()
	infos, err := a.target(opts).FetchOthers(ctx)
	details := make([]socket.SocketDetails, len(infos))
	for i, info := range infos {
		details[i] = remoteDetails{info}
	}
	return details, err
}

// askOthers asks the clients of other servers.
func (a *adapter) askOthers(
	opts *socket.BroadcastOptions, name string, args []any, count func(uint64), ack socket.Ack,
) {
	if isLocal(opts) || !a.f.srv.HasPeers() {
		return
	}
	go func() {
		defer a.f.recovered("acknowledgement of a broadcast")
		ctx, cancel := context.WithTimeout(context.Background(), timeoutOf(opts))
		defer cancel()
		err := a.target(opts).AskOthers(ctx, func(clients int) { count(uint64(clients)) },
			func(answer socketio.Args) { acknowledge(ack, socketio.Answer{Args: answer}, nil) },
			name, args...)
		if err != nil {
			a.logUnsent(name, err)
		}
	}()
}
