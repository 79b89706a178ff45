package server

import (
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
)

// logConnections logs at debug level when a member attaches and detaches, in every namespace. A
// line has the client and its user, and no credentials. A reload can change the level, so the
// functions look at it each time.
func logConnections(hub *notify.Hub, log *zap.Logger) {
	hub.OnAttach(func(m *notify.Member) {
		if !log.Core().Enabled(zap.DebugLevel) {
			return
		}
		fields := connectionFields(m)
		if from, resumed := m.Resumed(); resumed {
			// "" when the client sent an invalid id.
			fields = append(fields, zap.String("resumes_from", from))
		}
		log.Debug("connected", fields...)
	})
	hub.OnDetach(func(m *notify.Member) {
		if !log.Core().Enabled(zap.DebugLevel) {
			return
		}
		log.Debug("disconnected", append(connectionFields(m),
			zap.Duration("after", time.Since(m.ConnectedAt())))...)
	})
}

func connectionFields(m *notify.Member) []zap.Field {
	return []zap.Field{
		zap.String("client", m.ClientID()), zap.String("namespace", m.Namespace()),
		zap.String("transport", m.Transport()), zap.String("user", edge.LogValue(m.UserID())),
	}
}
