package auth

// Mode says which credentials are accepted.
type Mode string

const (
	// ModeAuto is [ModeToken] when a key is set, else [ModeOpen]. The zero Mode is ModeAuto.
	ModeAuto Mode = "auto"
	// ModeToken requires a valid token or ticket.
	ModeToken Mode = "token"
	// ModeTicket requires a valid ticket. It needs no key: the backend signs its users in without
	// tokens.
	ModeTicket Mode = "ticket"
	// ModeHook asks the application about each client, see [Hook]. It accepts tickets too.
	ModeHook Mode = "hook"
	// ModeOpen accepts a bare user id. It is for development and for networks where every client is
	// trusted.
	ModeOpen Mode = "open"
)

// Resolve returns the mode that m stands for: [ModeToken], [ModeTicket], [ModeHook] or [ModeOpen].
// An unknown mode resolves to itself.
func (m Mode) Resolve(haveKey bool) Mode {
	switch {
	case m != ModeAuto && m != "":
		return m
	case haveKey:
		return ModeToken
	default:
		return ModeOpen
	}
}
