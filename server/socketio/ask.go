package socketio

import (
	"context"
	"fmt"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/rooms"
)

// Answer is what one client acknowledged.
type Answer struct {
	ClientID string
	Args     []any
}

// Ask emits an event to the Socket.IO clients of a room of "/" ("*" for all of
// them) and waits for their acknowledgements. It returns those that came, with
// the error of ctx when not all did. Nothing is logged: who is away is not asked
// later. Ask is the way to broadcast with acknowledgement: the library's own
// counts its answers with a data race.
func (s *Server) Ask(ctx context.Context, room, event string, args ...any) ([]Answer, error) {
	nsp := s.io.Sockets()
	view, ok := nsp.Adapter().(*adapter)
	if !ok {
		return nil, fmt.Errorf("server: the adapter was replaced by a %T", nsp.Adapter())
	}
	to := []string{rooms.All}
	if room != rooms.All {
		to[0] = view.hubRoom(socket.Room(room))
	}
	id := nsp.Ids()
	answers := make(chan Answer, 64)
	done := make(chan struct{})
	defer close(done)
	var asked []*socket.Socket
	defer func() {
		for _, sock := range asked {
			sock.Acks().Delete(id)
		}
	}()
	sent := view.direct(
		&parser.Packet{Type: parser.EVENT, Nsp: nsp.Name(), Id: &id, Data: append([]any{event}, args...)},
		to, nil, func(sock *socket.Socket) {
			asked = append(asked, sock)
			client := string(sock.Id())
			sock.Acks().Store(id, func(args []any, _ error) {
				select {
				case answers <- Answer{ClientID: client, Args: args}:
				case <-done:
				}
			})
		})
	got := make([]Answer, 0, sent)
	for uint64(len(got)) < sent {
		select {
		case a := <-answers:
			got = append(got, a)
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
	return got, nil
}
