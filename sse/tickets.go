package sse

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/roomcast/roomcast/auth"
)

// TicketIssuer issues tickets for an authenticated identity. An [*auth.Tickets] is one.
type TicketIssuer interface {
	IssueFor(_ auth.Identity, address netip.Addr) (ticket string, expires time.Time, err error)
}

// issued is the reply to a request for a ticket.
type issued struct {
	Ticket    string `json:"ticket"`
	ExpiresAt string `json:"expiresAt"`
}

var (
	// ErrNoTickets: this server issues no tickets.
	ErrNoTickets = &auth.Error{Code: "not_found", Message: "this server issues no tickets",
		Status: http.StatusNotFound}
	// ErrTicketForTicket: a ticket is for one connection. If it were valid for another ticket,
	// access would never end.
	ErrTicketForTicket = &auth.Error{Code: "forbidden",
		Message: "a ticket is not exchanged for another", Status: http.StatusForbidden}
)

// Tickets returns the handler of POST /sse/tickets, which exchanges the credentials of a stream,
// except a ticket, for a ticket for one connection on either transport:
//
//	{"ticket":"…","expiresAt":"2026-11-22T10:00:30.000Z"}
//
// EventSource cannot set a header, so a page sends its token in a header of this request and puts
// only the ticket into the URL of the stream. The stream has the rights of the credentials and ends
// with their token.
func (h *Handler) Tickets() http.Handler { return http.HandlerFunc(h.issueTicket) }

func (h *Handler) issueTicket(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		h.refuseMethod(w, r, "POST")
		return
	}
	answer, err := h.newTicket(r)
	if err != nil {
		h.problem(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, answer)
}

func (h *Handler) newTicket(r *http.Request) (issued, error) {
	credentials := auth.FromRequest(r)
	switch {
	case h.o.Tickets == nil:
		return issued{}, ErrNoTickets
	case credentials.Ticket != "":
		return issued{}, ErrTicketForTicket
	}
	identity, err := h.o.Auth.Authenticate(r.Context(), credentials, auth.EventSource)
	if err != nil {
		return issued{}, err
	}
	ticket, expires, err := h.o.Tickets.IssueFor(identity, h.o.Address(r))
	return issued{ticket, timestamp(expires)}, err
}
