package auth

import (
	"fmt"
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// ErrTicketsFull is returned by [Tickets.Issue] while the maximum number of unused tickets is
// stored.
var ErrTicketsFull = &Error{
	Code: "unavailable", Message: "Too many tickets are waiting to be used", Status: 503,
	RetryAfter: MaxTicketTTL,
}

// ErrTicketsClosed is returned by [Tickets.Issue] and [Tickets.IssueFor] after [Tickets.Close].
var ErrTicketsClosed = &Error{
	Code: "unavailable", Message: "The server is shutting down", Status: 503,
	RetryAfter: time.Second,
}

// errOwnTickets is returned by [Tickets.IssueFor] for a user with too many unused tickets. Without
// this limit one user's script could use up the tickets of all.
var errOwnTickets = &Error{
	Code: "rate_limited", Message: "Rate limit exceeded",
	Detail: fmt.Sprintf("this user has %d unused tickets", maxOwnTickets),
	Status: 429, RetryAfter: MaxTicketTTL,
}

// errAddressTickets is returned by [Tickets.IssueFor] for an address with too many unused tickets: in
// open mode a client can name any number of users.
var errAddressTickets = &Error{
	Code: "rate_limited", Message: "Rate limit exceeded",
	Detail: "this address has too many unused tickets",
	Status: 429, RetryAfter: MaxTicketTTL,
}

var errTicket = ErrInvalid.because("the ticket is unknown, used or expired")

func checkTicket(userID string, channels []string, ttl time.Duration) error {
	if err := rooms.CheckUserID("userId", userID); err != nil {
		return ErrMalformed.because(err.Error())
	}
	if len(channels) > MaxTicketChannels {
		return ErrMalformed.because(fmt.Sprintf("channels: %d patterns, expected at most %d",
			len(channels), MaxTicketChannels))
	}
	for _, channel := range channels {
		if err := rooms.CheckName("channels", channel, rooms.MaxName); err != nil {
			return ErrMalformed.because(err.Error())
		}
	}
	if ttl < 0 || ttl > MaxTicketTTL {
		return ErrMalformed.because(fmt.Sprintf("ttl: got %s, expected more than 0s and at most %s",
			ttl, MaxTicketTTL))
	}
	return nil
}
