package adminui

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"

	"golang.org/x/crypto/bcrypt"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/socketio"
)

// maxPassword is the number of bytes that bcrypt uses. Longer passwords are wrong: without that,
// everything that begins with the password would be right.
const maxPassword = 72

// errCredentials has the message for which the UI asks for the password again. Its code closes the
// connection of a client that guesses.
var errCredentials = &auth.Error{
	Code: auth.ErrInvalid.Code, Message: "invalid credentials", Status: auth.ErrInvalid.Status,
}

// entry is what the guard knows about an admin.
type entry struct {
	address string // "" if it is not known
	session string // the id of a new session; "" for an admin that has one
}

// login checks the credentials of admins.
type login struct {
	username [sha256.Size]byte
	hash     auth.Secret
	attempts *attempts
	sessions *sessions
}

func newLogin(username string, hash auth.Secret) *login {
	return &login{
		username: sha256.Sum256([]byte(username)), hash: hash,
		attempts: newAttempts(), sessions: newSessions(),
	}
}

// admit is the guard of the namespace. The UI sends a session id after the page was loaded again,
// else a name and a password.
func (u *ui) admit(ctx context.Context, a socketio.Arrival) (any, error) {
	e := &entry{}
	if a.Address.IsValid() {
		e.address = a.Address.String()
	}
	if u.login.sessions.has(textOf(a.Payload["sessionId"])) {
		u.note("adminUiLogin", e, "", 0, nil)
		return e, nil
	}
	username, password := textOf(a.Payload["username"]), textOf(a.Payload["password"])
	err := error(errCredentials)
	if username != "" && password != "" {
		err = u.login.attempts.run(ctx, a.Address, func() bool {
			return u.login.matches(username, password)
		})
	}
	if err != nil {
		u.note("adminUiLogin", e, "", 0, err)
		return nil, err
	}
	e.session = u.login.sessions.add()
	u.note("adminUiLogin", e, "", 0, nil)
	return e, nil
}

// matches compares in the same time whatever is wrong.
func (l *login) matches(username, password string) bool {
	given := sha256.Sum256([]byte(username))
	known := subtle.ConstantTimeCompare(given[:], l.username[:]) == 1
	fits := len(password) <= maxPassword
	if !fits {
		password = password[:maxPassword]
	}
	right := bcrypt.CompareHashAndPassword(l.hash, []byte(password)) == nil
	return known && fits && right
}

// textOf returns a JSON string, "" for anything else.
func textOf(value json.RawMessage) (s string) {
	_ = json.Unmarshal(value, &s)
	return s
}
