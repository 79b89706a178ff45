package adminui

import (
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/socketio"
)

// note writes a line of the audit log. It has no name that a stranger has sent: some type their
// password there.
func (u *ui) note(action string, e *entry, target string, count int, err error) {
	var argument *socketio.ArgumentError
	if errors.As(err, &argument) {
		err = &edge.Problem{Status: http.StatusBadRequest, Code: edge.CodeValidation, Detail: argument.Error()}
	}
	what := edge.Action{Name: action, Actor: "admin-ui", Target: target, Count: count, Err: err}
	if target == "" {
		what.Count = -1
	}
	if e.address != "" {
		what.Fields = append(what.Fields, zap.String("ip", e.address))
	}
	u.o.Audit.Note(nil, what)
}
