package nodewire

import (
	"errors"
	"fmt"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// ErrIgnored is the error for an entry that is valid, and that no member of a Hub gets: other
// applications wrote it, or a later version of Roomcast, or all its rooms have names that no room
// of the Hub can have. The reader continues with the next entry and has nothing to report.
var ErrIgnored = errors.New("the entry is for nobody here")

// SkipError is the error for an entry that is damaged or too large. The reader should count it and
// continue with the next entry: reading it again gives the same error.
type SkipError struct {
	Field  string // where the fault is, such as "data" or "packet.data"
	Reason string // what the value is and what is expected
}

// Error returns the field and the reason.
func (e *SkipError) Error() string { return e.Field + ": " + e.Reason }

// skip returns a *SkipError.
func skip(field, format string, args ...any) error {
	return &SkipError{field, fmt.Sprintf(format, args...)}
}

// refuse returns the error for what must not be written.
func refuse(field, format string, args ...any) error {
	return &notify.ValidationError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// checkNamespace checks a namespace, which has its slash in every medium.
func checkNamespace(name string) error {
	if name == "" {
		return errors.New("is empty, expected / and a name")
	}
	err := rooms.CheckNamespace(name)
	if err == nil { // usual, and without memory for the target of As
		return nil
	}
	var refused *rooms.NameError
	if errors.As(err, &refused) {
		return errors.New(refused.Reason)
	}
	return err
}
