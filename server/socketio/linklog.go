package socketio

import (
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
)

// logClose tells why a transport is gone, with the clients that it carried. Streams
// tell it themselves.
func (l *link) logClose(reason string, peers []*peer) {
	if !l.srv.log.Core().Enabled(zap.DebugLevel) {
		return
	}
	fields := []zap.Field{
		zap.String("transport", l.session.Transport()), zap.String("reason", reason), zap.Strings("clients", clientsOf(peers)),
	}
	if cause := l.cause.Load(); cause != nil {
		fields = append(fields, zap.String("cause", edge.LogValue(*cause)))
	}
	l.srv.log.Debug("connection closed", fields...)
}

// logUpgrade tells that a connection moved on to another transport.
func (l *link) logUpgrade(from, to string, peers []*peer) {
	if l.srv.log.Core().Enabled(zap.DebugLevel) {
		l.srv.log.Debug("upgraded", zap.String("from", from), zap.String("transport", to), zap.Strings("clients", clientsOf(peers)))
	}
}

// clientsOf are the ids of a connection's clients, one in each namespace.
func clientsOf(peers []*peer) []string {
	clients := make([]string, 0, len(peers))
	for _, p := range peers {
		if m := p.hubMember(); m != nil {
			clients = append(clients, m.ClientID())
		}
	}
	return clients
}

// end closes the transport for a reason of ours that the engine has no word for.
// The log tells it; handlers see the engine's.
func (l *link) end(cause string) {
	l.cause.CompareAndSwap(nil, &cause)
	l.session.Close(reasonForced)
}
