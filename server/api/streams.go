package api

import (
	"net/http"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// streamRoutes describes the routes that package sse serves to clients next to the stream itself.
// The handler only describes them; Service.Handler of package server serves them. Without
// StreamPath there are none.
func (h *handler) streamRoutes(c components) []route {
	path := h.o.StreamPath
	if path == "" {
		return nil
	}
	credentials := []param{
		{
			Name: "userId", In: "query", Doc: "the user, in the authentication mode open",
			Example: "u1", Names: "user",
		},
		{Name: "token", In: "query", Doc: "a token, for clients that cannot send the header"},
	}
	ticket := param{
		Name: "ticket", In: "query", Doc: "a ticket in place of a token; the request consumes it",
	}
	stream := param{
		Name: "clientId", In: "path", Required: true,
		Doc: "the id of the open stream, from its event connected", Names: "client",
	}
	const doc = "It takes the credentials of the stream's user. The same route exists at /api"
	return []route{{
		Method: "POST", Path: path + "/tickets", ID: "createOwnTicket", Group: groupStreams,
		Client:  true,
		Summary: "Exchange a token for a ticket for one connection",
		Doc: "EventSource cannot send headers. The page sends its token here and puts the ticket " +
			"into the URL of the stream. The connection has the permissions of the token and " +
			"ends when the token expires. The same route exists at /api" + path + "/tickets.",
		Params: credentials, Status: http.StatusCreated,
		Errors:  []int{http.StatusNotFound, http.StatusServiceUnavailable},
		Reply:   objectRef(c.ticket),
		Example: `{"ticket":"0Xq3…","expiresAt":"2026-11-22T10:00:30.000Z"}`,
	}, {
		Method: "POST", Path: path + "/{clientId}/channels", ID: "changeStreamChannels",
		Group: groupStreams, Client: true,
		Summary: "Change the channels of an open stream", Doc: doc + path + "/{clientId}/channels.",
		Params: append([]param{stream, ticket}, credentials...), Errors: []int{http.StatusNotFound},
		Body: &requestBody{
			Object: c.channelsChange, Example: `{"join": ["news"], "leave": ["orders"]}`,
		},
		Reply:   objectRef(c.channelsChanged),
		Example: `{"joined":["news"],"left":["orders"],"denied":[]}`,
	}, {
		Method: "POST", Path: path + "/{clientId}/messages", ID: "sendStreamMessage",
		Group: groupStreams, Client: true,
		Summary: "Send a message to a channel from an open stream",
		Doc: "This is what the event send-message does on Socket.IO: the members receive the " +
			"event message. " + doc + path + "/{clientId}/messages.",
		Params: append([]param{stream, ticket}, credentials...), Errors: []int{http.StatusNotFound},
		Body: &requestBody{
			Object:  c.clientMessage,
			Example: `{"room": "news", "message": {"text": "hello"}, "metadata": {"lang": "en"}}`,
		},
		Reply: objectRef(c.receipt), Example: exampleReceipt,
	}, {
		Method: "POST", Path: path + "/{clientId}/token", ID: "renewStreamToken",
		Group: groupStreams, Client: true,
		Summary: "Extend an open stream until a new token expires",
		Doc: "The token must belong to the stream's user. It authenticates the request too. The " +
			"same route exists at /api" + path + "/{clientId}/token.",
		Params: []param{stream}, Errors: []int{http.StatusNotFound},
		Body:  &requestBody{Object: c.tokenRenewal, Example: `{"token": "eyJhbGciOi…"}`},
		Reply: objectRef(c.tokenRenewed), Example: `{"expiresAt":"2026-11-22T10:10:00.000Z"}`,
	}}
}

func channelsChangeObject() *object {
	return &object{Name: "ChannelsChange",
		Doc: "The channels to leave and to join. The stream leaves first.",
		Fields: []field{
			{Name: "join", Doc: "channels to join", Schema: listOf(nameSchema(rooms.MaxName))},
			{Name: "leave", Doc: "channels to leave", Schema: listOf(nameSchema(rooms.MaxName))},
		}}
}

func channelsChangedObject() *object {
	return &object{Name: "ChannelsChanged", Doc: "The result of a change of channels.",
		Fields: []field{
			{
				Name: "joined", Required: true, Doc: "channels that the stream is in now",
				Schema: listOf(plainText()),
			},
			{
				Name: "left", Required: true, Doc: "channels that the stream left",
				Schema: listOf(plainText()),
			},
			{
				Name: "denied", Required: true,
				Doc:    "names that are invalid, not allowed or above the limit",
				Schema: listOf(plainText()),
			},
		}}
}

func clientMessageObject() *object {
	return &object{Name: "ClientMessage", Doc: "A message of a client to a channel.",
		Fields: []field{
			{Name: "room", Required: true, Doc: "the channel", Schema: plainText()},
			{
				Name: "message",
				Doc: "any JSON; together with metadata at most " + itoa(notify.MaxData) +
					" bytes",
				Schema: schema{},
			},
			{Name: "metadata", Doc: "any JSON", Schema: schema{}},
		}}
}

func tokenRenewalObject() *object {
	return &object{Name: "TokenRenewal", Doc: "A new token for a stream.", Fields: []field{
		{
			Name: "token", Required: true, Doc: "a token of the stream's user",
			Schema: schema{"type": "string", "minLength": 1},
		},
	}}
}

func tokenRenewedObject() *object {
	return &object{Name: "TokenRenewed", Doc: "The new end of the stream.", Fields: []field{
		{
			Name: "expiresAt", Required: true, Doc: "when the new token expires",
			Schema: timeSchema(),
		},
	}}
}
