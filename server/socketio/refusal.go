package socketio

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
)

var (
	errTooManyNamespaces = &auth.Error{
		Code: "room_limit", Message: "Forbidden",
		Detail: "too many namespaces on one connection", Status: 403,
	}
	errServerNamespaces = &auth.Error{
		Code: "room_limit", Message: "Forbidden",
		Detail: "too many namespaces on this server", Status: 403,
	}
	errLargeAuth = Refuse("Payload too large", map[string]any{
		"code":   edge.CodePayloadTooLarge,
		"detail": fmt.Sprintf("auth: expected at most %d bytes", maxAuth),
	})
	errLargeData = Refuse("Payload too large", map[string]any{"code": edge.CodePayloadTooLarge})

	errNoNamespace = Refuse("Invalid namespace", nil)
	errInternal    = errors.New("internal error")
)

// Refuse returns an error with which App.Connect or an OnConnect function refuses a client:
// socket.io-client gets message as the message, and data, which may be nil, as the data of its
// connect_error. Other errors reach the client as follows: an *auth.Error with its message and
// {"code"}, any other as "Internal error" with the code "internal".
func Refuse(message string, data any) error { return &refusedError{message, data} }

type refusedError struct {
	message string
	data    any
}

func (e *refusedError) Error() string { return e.message }

// refusal is the data of a CONNECT_ERROR.
type refusal struct {
	Message string      `json:"message"`
	Data    refusalData `json:"data"`
}

type refusalData struct {
	Code       string `json:"code"`
	Detail     string `json:"detail,omitempty"`     // which field is wrong
	RetryAfter int    `json:"retryAfter,omitempty"` // seconds
}

// refuse answers CONNECT with a CONNECT_ERROR. It closes a client that guesses credentials. Other
// refusals leave the connection open, because its other namespaces use it.
func (c *client) refuse(namespace string, err error) {
	code, body := refusalBody(err)
	fields := []zap.Field{
		zap.String("code", code), zap.String("namespace", edge.LogValue(namespace)),
	}
	if retry := refusalOf(err).Data.RetryAfter; retry > 0 {
		fields = append(fields, zap.Int("retry_after", retry)) // seconds
	}
	c.srv.log.Debug("connection refused", append(fields, claimField(err))...)
	c.srv.opts.Metrics.Refused(code)
	text := append(appendHeader(nil, kindConnectError, 0, namespace, nil), body...)
	c.send(reply{frame: c.srv.newFrame(text), size: len(text), now: true})
	if !errors.Is(err, auth.ErrInvalid) {
		return
	}
	c.mu.Lock()
	c.guesses++
	enough := c.guesses >= maxGuesses
	c.mu.Unlock()
	if enough {
		c.end("too many CONNECTs with invalid credentials")
	}
}

// claimField is the log field with the refused claims of a token. It is empty without any.
func claimField(err error) zap.Field {
	var refused *auth.Error
	if !errors.As(err, &refused) || refused.Claim == "" {
		return zap.Skip()
	}
	return zap.String("claim", refused.Claim)
}

// refusalBody returns the JSON of a CONNECT_ERROR, and its code for the metrics. If the data cannot
// be encoded, the JSON has only the message: without an answer the client would wait for a timeout.
func refusalBody(err error) (code string, body []byte) {
	var (
		own  *refusedError
		hook *auth.Error
	)
	if errors.As(err, &hook) && hook.FromHook {
		own = &refusedError{message: hook.Message}
		if hook.Data != nil {
			own.data = hook.Data
		}
		_, body = refusalBody(own)
		return hook.Code, body
	}
	if !errors.As(err, &own) {
		r := refusalOf(err)
		body, _ = marshal(r) // strings and numbers always marshal
		return r.Data.Code, body
	}
	code = "refused"
	if fields, ok := own.data.(map[string]any); ok {
		if given, ok := fields["code"].(string); ok {
			code = given
		}
	}
	body, err = marshal(struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitempty"`
	}{own.message, own.data})
	if err != nil {
		code = edge.CodeInternal
		body, _ = marshal(refusal{own.message, refusalData{Code: code}})
	}
	return code, body
}

func refusalOf(err error) refusal {
	var (
		known    *auth.Error
		full     edge.Overload
		own      *refusedError
		argument *ArgumentError
		invalid  *notify.ValidationError
	)
	switch {
	case errors.As(err, &known):
		return refusal{known.Message, refusalData{
			Code: known.Code, Detail: detailOf(known),
			RetryAfter: int(known.RetryAfter / time.Second),
		}}
	case errors.As(err, &full):
		return refusal{"Too many connections", refusalData{
			Code: edge.CodeTooManyConnections, RetryAfter: int(full.RetryAfter() / time.Second),
		}}
	case errors.As(err, &argument):
		return invalidRefusal(argument)
	case errors.As(err, &invalid):
		return invalidRefusal(invalid)
	case errors.As(err, &own):
		code, _ := refusalBody(err)
		return refusal{own.message, refusalData{Code: code, Detail: own.message}}
	}
	return refusal{"Internal error", refusalData{Code: edge.CodeInternal}}
}

func invalidRefusal(err error) refusal {
	return refusal{"Validation failed", refusalData{
		Code: edge.CodeValidation, Detail: err.Error(),
	}}
}

// detailOf returns which field is malformed. It returns nothing for credentials that are not valid:
// the client must not learn why.
func detailOf(err *auth.Error) string {
	if errors.Is(err, auth.ErrMalformed) {
		return err.Detail
	}
	return ""
}

// errorReply is the acknowledgement of an event that failed.
type errorReply struct {
	Error any `json:"error"`
}
