package socketio

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
)

var errTooManyNamespaces = &auth.Error{Code: "room_limit", Message: "Forbidden", Detail: "too many namespaces on one connection", Status: 403}

// refuse writes CONNECT_ERROR; message and code are those of the contract.
func (l *link) refuse(namespace string, err error) {
	refusal := refusalOf(err)
	fields := []zap.Field{zap.String("code", refusal.Data.Code), zap.String("namespace", edge.LogValue(namespace))}
	if refusal.Data.RetryAfter > 0 {
		fields = append(fields, zap.Int("retry_after", refusal.Data.RetryAfter)) // seconds
	}
	l.srv.log.Debug("connection refused", fields...)
	l.srv.opts.Metrics.Refused(refusal.Data.Code)
	text, _, encodeErr := encodePacket(kindConnectError, namespace, nil, refusal)
	if encodeErr != nil {
		return
	}
	l.send(reply{frame: newFrame(text), size: len(text), now: true})
	l.countRefusal()
}

// countRefusal closes a client at its third refusal.
func (l *link) countRefusal() {
	l.mu.Lock()
	l.refusals++
	enough := l.refusals >= maxRefusals
	l.mu.Unlock()
	if enough {
		l.session.Close(reasonParse)
	}
}

// refused sees a CONNECT_ERROR of the library: a middleware said no, or the
// namespace does not exist.
func (l *link) refused(p *peer) {
	if p == nil {
		return
	}
	unknown := p.sock() == nil
	p.forget()
	if unknown {
		l.countRefusal()
	}
}

// refusal is the data of a CONNECT_ERROR.
type refusal struct {
	Message string      `json:"message"`
	Data    refusalData `json:"data"`
}

type refusalData struct {
	Code       string `json:"code"`
	Detail     string `json:"detail,omitempty"`     // which field is at fault
	RetryAfter int    `json:"retryAfter,omitempty"` // seconds
}

// bareRefusal is what a middleware's refusal comes down to when its data cannot be
// encoded: a client that got nothing would wait for its CONNECT to time out.
func bareRefusal(data any) refusal {
	bare := refusal{"Internal error", refusalData{Code: edge.CodeInternal}}
	if fields, ok := data.(map[string]any); ok {
		if message, ok := fields["message"].(string); ok {
			bare.Message = message
		}
	}
	return bare
}

func refusalOf(err error) refusal {
	var known *auth.Error
	var full edge.Overload
	switch {
	case errors.As(err, &known):
		return refusal{known.Message, refusalData{Code: known.Code, Detail: detailOf(known), RetryAfter: int(known.RetryAfter / time.Second)}}
	case errors.As(err, &full):
		return refusal{"Too many connections", refusalData{Code: edge.CodeTooManyConnections, RetryAfter: int(full.RetryAfter() / time.Second)}}
	}
	return refusal{"Internal error", refusalData{Code: edge.CodeInternal}}
}

// detailOf tells a client which field it got wrong; of credentials it learns no
// more than that they do not count.
func detailOf(err *auth.Error) string {
	if errors.Is(err, auth.ErrMalformed) {
		return err.Detail
	}
	return ""
}
