package adminui

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"sync/atomic"

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
	address    string      // "" if it is not known
	session    string      // the id of a new session; "" for an admin that has one
	credential *credential // with which the admin has logged in
}

// login checks the credentials of admins.
type login struct {
	username   [sha256.Size]byte
	attempts   *attempts
	credential atomic.Pointer[credential]
}

// credential is a password with the sessions of those who have sent it, which end with it.
type credential struct {
	hash     auth.Secret
	sessions *sessions
}

func newLogin(username string, hash auth.Secret) *login {
	l := &login{username: sha256.Sum256([]byte(username)), attempts: newAttempts()}
	l.credential.Store(&credential{hash, newSessions()})
	return l
}

// reload replaces the password, and disconnects the admins of the former one.
func (u *ui) reload(hash auth.Secret) error {
	if err := CheckHash(string(hash)); err != nil {
		return err
	}
	if bytes.Equal(u.login.credential.Load().hash, hash) {
		return nil
	}
	u.login.credential.Store(&credential{hash, newSessions()})
	u.mu.Lock()
	var admins []*socketio.Conn
	for c, a := range u.admins {
		if a.entry.credential != u.login.credential.Load() {
			admins = append(admins, c)
		}
	}
	u.mu.Unlock()
	for _, c := range admins {
		c.Close()
	}
	return nil
}

// admit is the guard of the namespace. The UI sends a session id after the page was loaded again,
// else a name and a password.
func (u *ui) admit(ctx context.Context, a socketio.Arrival) (any, error) {
	current := u.login.credential.Load()
	e := &entry{credential: current}
	if a.Address.IsValid() {
		e.address = a.Address.String()
	}
	if current.sessions.has(textOf(a.Payload["sessionId"])) {
		u.note("adminUiLogin", e, "", 0, nil)
		return e, nil
	}
	username, password := textOf(a.Payload["username"]), textOf(a.Payload["password"])
	err := error(errCredentials)
	if username != "" && password != "" {
		err = u.login.attempts.run(ctx, a.Address, func() bool {
			return u.login.matches(current.hash, username, password)
		})
	}
	if err != nil {
		u.note("adminUiLogin", e, "", 0, err)
		return nil, err
	}
	e.session = current.sessions.add()
	u.note("adminUiLogin", e, "", 0, nil)
	return e, nil
}

// matches compares in the same time whatever is wrong.
func (l *login) matches(hash auth.Secret, username, password string) bool {
	given := sha256.Sum256([]byte(username))
	known := subtle.ConstantTimeCompare(given[:], l.username[:]) == 1
	fits := len(password) <= maxPassword
	if !fits {
		password = password[:maxPassword]
	}
	right := bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil
	return known && fits && right
}

// textOf returns a JSON string, "" for anything else.
func textOf(value json.RawMessage) (s string) {
	_ = json.Unmarshal(value, &s)
	return s
}
