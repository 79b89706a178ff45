package api

import (
	"net/http"

	"github.com/roomcast/roomcast/notify"
)

// streamRoutes describe what package sse serves to clients beside the stream
// itself, for the document and the page alone: it is mounted by Service.Handler.
// Without a path there are none.
func (h *handler) streamRoutes(o components) []route {
	path := h.o.StreamPath
	if path == "" {
		return nil
	}
	who := []param{
		{Name: "userId", In: "query", Doc: "who it is, where a bare user id is believed", Example: "u1", Names: "user"},
		{Name: "token", In: "query", Doc: "a token, for who cannot send the header"},
	}
	ticket := param{Name: "ticket", In: "query", Doc: "a ticket in place of a token; the request uses it up"}
	stream := param{Name: "clientId", In: "path", Required: true, Doc: "of the running stream, from its connected", Names: "client"}
	const doc = "Takes the credentials of the stream's user. The same at /api"
	return []route{{
		Method: "POST", Path: path + "/tickets", ID: "createOwnTicket", Group: groupStreams, Client: true,
		Summary: "Exchange a token for a ticket for one connection",
		Doc: "For EventSource, which can send no header: the page shows its token here, and the ticket in the URL of the stream. The " +
			"connection is what it would be with the token, and ends with it. The same at /api" + path + "/tickets.",
		Params: who, Status: http.StatusCreated, Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
		Reply: objectRef(o.ticket), Example: `{"ticket":"0Xq3…","expiresAt":"2026-11-22T10:00:30.000Z"}`,
	}, {
		Method: "POST", Path: path + "/{clientId}/channels", ID: "changeStreamChannels", Group: groupStreams, Client: true,
		Summary: "Change the channels of a running stream", Doc: doc + path + "/{clientId}/channels.",
		Params: append([]param{stream, ticket}, who...), Errors: []int{http.StatusNotFound},
		Body:  &requestBody{Object: o.channelsChange, Example: `{"join": ["news"], "leave": ["orders"]}`},
		Reply: objectRef(o.channelsChanged), Example: `{"joined":["news"],"left":["orders"],"denied":[]}`,
	}, {
		Method: "POST", Path: path + "/{clientId}/messages", ID: "sendStreamMessage", Group: groupStreams, Client: true,
		Summary: "Say something to a channel in the name of a running stream",
		Doc:     "What send-message is for a socket: the members get the event message. " + doc + path + "/{clientId}/messages.",
		Params:  append([]param{stream, ticket}, who...), Errors: []int{http.StatusNotFound},
		Body:  &requestBody{Object: o.clientMessage, Example: `{"room": "news", "message": {"text": "hello"}, "metadata": {"lang": "en"}}`},
		Reply: objectRef(o.receipt), Example: exampleReceipt,
	}, {
		Method: "POST", Path: path + "/{clientId}/token", ID: "renewStreamToken", Group: groupStreams, Client: true,
		Summary: "Let a running stream live until a new token ends",
		Doc:     "The token is of the stream's user and says who asks: nothing else is needed. The same at /api" + path + "/{clientId}/token.",
		Params:  []param{stream}, Errors: []int{http.StatusNotFound},
		Body:  &requestBody{Object: o.tokenRenewal, Example: `{"token": "eyJhbGciOi…"}`},
		Reply: objectRef(o.tokenRenewed), Example: `{"expiresAt":"2026-11-22T10:10:00.000Z"}`,
	}}
}

// The objects of these routes.

func channelsChangeObject() *object {
	return &object{Name: "ChannelsChange", Doc: "Which channels to leave, and then to join.", Fields: []field{
		{Name: "join", Doc: "channels to join", Schema: listOf(plainText())},
		{Name: "leave", Doc: "channels to leave", Schema: listOf(plainText())},
	}}
}

func channelsChangedObject() *object {
	return &object{Name: "ChannelsChanged", Doc: "What came of it.", Fields: []field{
		{Name: "joined", Required: true, Doc: "channels that the stream is in", Schema: listOf(plainText())},
		{Name: "left", Required: true, Doc: "channels that it was in", Schema: listOf(plainText())},
		{Name: "denied", Required: true, Doc: "names that are no channel, not allowed or too many", Schema: listOf(plainText())},
	}}
}

func clientMessageObject() *object {
	return &object{Name: "ClientMessage", Doc: "What a client says to a channel.", Fields: []field{
		{Name: "room", Required: true, Doc: "the channel", Schema: plainText()},
		{Name: "message", Doc: "any JSON; with metadata at most " + itoa(notify.MaxData) + " bytes", Schema: schema{}},
		{Name: "metadata", Doc: "any JSON", Schema: schema{}},
	}}
}

func tokenRenewalObject() *object {
	return &object{Name: "TokenRenewal", Doc: "A new token.", Fields: []field{
		{Name: "token", Required: true, Doc: "of the stream's user", Schema: schema{"type": "string", "minLength": 1}},
	}}
}

func tokenRenewedObject() *object {
	return &object{Name: "TokenRenewed", Doc: "Until when the stream lives.", Fields: []field{
		{Name: "expiresAt", Required: true, Doc: "when the new token ends", Schema: timeSchema()},
	}}
}
