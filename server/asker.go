package server

import (
	"context"
	"errors"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/api"
	"github.com/roomcast/roomcast/server/socketio"
)

// asker waits for the acknowledgements of POST /v1/emit.
type asker struct{ sio *socketio.Server }

// AskAll emits to the Socket.IO clients among the recipients. Clients that left or have too many
// asks are missing, which is no error: the others have the event. Neither is it one that the clients of
// other servers were not asked: a backend that repeats the request would ask those of this one again.
func (a asker) AskAll(ctx context.Context, e notify.Emission) (api.Acks, error) {
	answers, missing, err := a.sio.AskAll(ctx, e)
	var others *socketio.OthersError
	isPartial := errors.As(err, &others)
	var invalid *notify.ValidationError
	if !isPartial && (errors.As(err, &invalid) || errors.Is(err, notify.ErrUnavailable)) {
		return api.Acks{}, err
	}
	reply := api.Acks{
		Acks: make([]api.Ack, 0, len(answers)), Missing: append([]string{}, missing...),
		TimedOut: isPartial || errors.Is(err, context.DeadlineExceeded),
	}
	for _, answer := range answers {
		args, err := answer.MarshalJSON()
		if err != nil {
			return api.Acks{}, err
		}
		reply.Acks = append(reply.Acks, api.Ack{Client: answer.ClientID, Args: args})
	}
	return reply, nil
}
