package socketio

import (
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
)

// logClose logs why a transport has closed, and the ids of its clients.
func (c *client) logClose(reason string, conns []*Conn) {
	if !c.srv.log.Core().Enabled(zap.DebugLevel) {
		return
	}
	fields := []zap.Field{
		zap.String("transport", c.session.Transport()), zap.String("reason", reason),
		zap.Strings("clients", clientsOf(conns)),
	}
	if cause := c.cause.Load(); cause != nil {
		fields = append(fields, zap.String("cause", edge.LogValue(*cause)))
	}
	c.srv.log.Debug("connection closed", fields...)
}

// logUpgrade logs that a connection uses another transport now.
func (c *client) logUpgrade(from, to string, conns []*Conn) {
	if c.srv.log.Core().Enabled(zap.DebugLevel) {
		c.srv.log.Debug("upgraded", zap.String("from", from), zap.String("transport", to),
			zap.Strings("clients", clientsOf(conns)))
	}
}

// clientsOf returns the client ids of a connection, one for each namespace.
func clientsOf(conns []*Conn) []string {
	clients := make([]string, len(conns))
	for i, conn := range conns {
		clients[i] = conn.ID()
	}
	return clients
}

// recovered logs and counts a panic, then calls then. Functions that run code of applications defer
// it.
func (s *Server) recovered(where string, then func()) {
	v := recover()
	if v == nil {
		return
	}
	s.Contain(where, v)
	if then != nil {
		then()
	}
}

func (s *Server) logEncodeError(namespace string, err error) {
	s.log.Error("packet cannot be encoded", zap.String("namespace", namespace), zap.Error(err))
}

// Contain logs and counts a panic that an application has recovered from.
func (s *Server) Contain(where string, v any) {
	s.panics.Add(1)
	s.opts.Metrics.Panicked()
	s.log.Error("panic in a "+where, zap.Any("panic", v), zap.ByteString("stack", debug.Stack()))
}
