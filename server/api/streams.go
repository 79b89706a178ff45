package api

import (
	"net/http"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/sse"
)

// streamMedia is the media type of the response that does not end.
const streamMedia = "text/event-stream"

// streamRoutes describes the routes that package sse serves to clients: the stream and those of an
// open stream. The handler only describes them; Service.Handler of package server serves them.
// Without StreamPath there are none.
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
	secret := param{
		Name: sse.HeaderSecret, In: "header",
		Doc: "the secret of the open stream, from its event connected; required for a stream " +
			"without a user, in place of credentials for others",
	}
	const doc = "It takes the credentials of the stream's user, or the secret of the stream. The " +
		"same route exists at /api"
	return []route{{
		Method: "GET", Path: path, ID: "openStream", Group: groupStreams, Client: true,
		Summary: "Open a stream of server-sent events",
		Doc: "For EventSource. The stream ignores parameters that are not listed, such as those " +
			"against caches. Passing trouble is a short stream with the event overloaded, " +
			"because EventSource gives up after any other status. The same route at /api" + path +
			" sends all events as message.",
		Params: append(append([]param{ticket}, credentials...), streamParams()...),
		media:  streamMedia,
	}, {
		Method: "GET", Path: path + "/position", ID: "streamPosition", Group: groupStreams,
		Open: true, Client: true, Summary: "Get the present position in the log, without credentials",
		Doc: "A client that connects with it as since gets everything that is published after " +
			"this response. Read your state after the response, and nothing falls between state " +
			"and stream. The same route exists at /api" + path + "/position.",
		Reply: objectRef(c.position), Example: examplePosition,
	}, {
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
		Summary: "Change the channels of an open stream",
		Doc: "A stream with envelope=true then gets the event sync, even if nothing changes. " + doc +
			path + "/{clientId}/channels.",
		Params: append([]param{stream, secret, ticket}, credentials...), Errors: []int{http.StatusNotFound},
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
		Params: append([]param{stream, secret, ticket}, credentials...), Errors: []int{http.StatusNotFound},
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

// streamParams returns the parameters of a stream besides its credentials.
func streamParams() []param {
	return []param{
		{
			Name: "channel", In: "query", Many: true, Example: "orders", Names: "channel",
			Doc: "a channel to join; repeat it for several. It may contain commas. " +
				"channel[], channels[] and channels[0] are the same",
		},
		{
			Name: "channels", In: "query", Many: true,
			Doc: "channels to join, separated by commas or repeated",
		},
		{Name: "username", In: "query", Doc: "the display name, if the token has none"},
		{Name: "sessionId", In: "query", Doc: "a name for the tab, whose channels are kept"},
		{
			Name: "lastEventId", In: "query",
			Doc: "the id of the last event, or 0 for all kept notifications; also last_event_id " +
				"and since",
		},
		{Name: "Last-Event-ID", In: "header", Doc: "the same; it takes precedence"},
		{Name: "as", In: "query", Doc: "one event name for all notifications"},
		{
			Name: "envelope", In: "query", Enum: []string{"true", "false"},
			Doc: "true: one event name and one form for everything except control events",
		},
	}
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
