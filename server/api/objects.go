package api

import (
	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/edge"
)

// The objects of the API as its description shows them. What a request may hold
// is decided by the decoders and the Hub; a test holds both against each other.

// components are the components of the document besides the bodies of kinds.
type components struct {
	target, notification, receipt, refused, delivered, history *object
	connection, connections, disconnected, joined, left        *object
	user, users, userState, channel, channels                  *object
	ticketRequest, ticket, stats, status, problem              *object
	channelsChange, channelsChanged, clientMessage             *object
	tokenRenewal, tokenRenewed                                 *object
}

func newComponents() (o components) {
	o.target, o.receipt, o.problem, o.delivered = targetObject(), receiptObject(), problemObject(), deliveredObject()
	o.notification, o.refused, o.history = notificationObject(o.target), itemErrorObject(o.problem), historyObject(o.delivered)
	o.connection, o.user, o.channel = connectionObject(), userObject(), channelObject()
	o.connections = pageObject("Connections", "connections", "Connections.", o.connection)
	o.users = pageObject("Users", "users", "Users who are online.", o.user)
	o.userState = userStateObject(o.connection)
	o.channels = pageObject("Channels", "channels", "Channels that have members.", o.channel)
	o.disconnected = countObject("Disconnected", "disconnected", "Connections that are being closed.")
	o.joined = countObject("Joined", "joined", "Connections that are in the channel now.")
	o.left = countObject("Left", "left", "Connections that were in the channel and are no longer.")
	o.ticketRequest, o.ticket = ticketRequestObject(), ticketObject()
	o.stats, o.status = statsObject(), statusObject()
	o.channelsChange, o.channelsChanged, o.clientMessage = channelsChangeObject(), channelsChangedObject(), clientMessageObject()
	o.tokenRenewal, o.tokenRenewed = tokenRenewalObject(), tokenRenewedObject()
	return o
}

func (o components) all() []*object {
	return []*object{o.target, o.notification, o.receipt, o.refused, o.delivered, o.history, o.connection, o.connections, o.disconnected,
		o.joined, o.left, o.user, o.users, o.userState, o.channel, o.channels, o.ticketRequest, o.ticket, o.channelsChange, o.channelsChanged,
		o.clientMessage, o.tokenRenewal, o.tokenRenewed, o.stats, o.status, o.problem}
}

func textSchema(most int) schema { return schema{"type": "string", "minLength": 1, "maxLength": most} }
func plainText() schema          { return schema{"type": "string"} }
func countSchema() schema        { return schema{"type": "integer", "minimum": 0} }
func boolSchema() schema         { return schema{"type": "boolean"} }
func listOf(item schema) schema  { return schema{"type": "array", "items": item} }
func objectRef(o *object) schema { return schema{"$ref": "#/components/schemas/" + o.Name} }
func timeSchema() schema         { return schema{"type": "string", "format": "date-time"} }
func orNull(s schema) schema     { return schema{"anyOf": []any{s, schema{"type": "null"}}} }
func listUpTo(most int, s schema) schema {
	return schema{"type": "array", "items": s, "maxItems": most}
}

func idSchema() schema {
	return schema{"type": "string", "pattern": "^[0-9a-f]{8}-(0|[1-9][0-9]{0,15})$"}
}

func durationSchema() schema {
	return schema{"type": "string", "pattern": `^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)`}
}

func anys(names []string) []any {
	all := make([]any, len(names))
	for i, name := range names {
		all[i] = name
	}
	return all
}

func targetObject() *object {
	names := func(most int) schema {
		list := listUpTo(notify.MaxTargets, textSchema(most))
		list["minItems"] = 1
		return list
	}
	return &object{Name: "Target", Doc: "Who gets it: exactly one of these.", exact: true, Fields: []field{
		{Name: "user", Doc: "every connection of a user", Schema: textSchema(rooms.MaxUserID)},
		{Name: "users", Doc: "every connection of up to " + itoa(notify.MaxTargets) + " users", Schema: names(rooms.MaxUserID)},
		{Name: "channel", Doc: "the members of a channel", Schema: textSchema(rooms.MaxName)},
		{Name: "channels", Doc: "the members of up to " + itoa(notify.MaxTargets) + " channels, each of them once", Schema: names(rooms.MaxName)},
		{Name: "client", Doc: "one connection", Schema: textSchema(rooms.MaxName)},
		{Name: "all", Doc: "every connection", Schema: schema{"const": true}},
	}}
}

// deliveryFields are what every publish may say about its delivery. Of POST
// /v1/notifications they may be null.
func deliveryFields(nullable bool) []field {
	or := func(s schema) schema {
		if nullable {
			return orNull(s)
		}
		return s
	}
	return []field{
		{Name: "except", Doc: "client ids of connections that do not get it, such as the one that caused it",
			Schema: or(listUpTo(notify.MaxTargets, textSchema(rooms.MaxName)))},
		{Name: "volatile", Doc: "only for who is connected and keeps up now: not stored, not replayed, no id",
			Schema: or(boolSchema())},
		{Name: "ttl", Doc: `how long it is worth a replay, such as "30s" or "5m"; not with volatile. Who is connected gets it however old it is`,
			Schema: or(durationSchema())},
	}
}

func notificationObject(target *object) *object {
	return &object{Name: "Notification", Doc: "What a backend sends.", Fields: append([]field{
		{Name: "target", Required: true, Doc: "who gets it", Schema: objectRef(target)},
		{Name: "type", Required: true, Doc: "the name of the event, which clients listen for. Names that Socket.IO, EventSource or Roomcast use themselves are refused",
			Schema: textSchema(rooms.MaxType)},
		{Name: "data", Doc: "any JSON, passed on byte for byte, up to 256 KiB and 32 levels deep; without it null", Schema: schema{}},
		{Name: "metadata", Doc: "passed on beside data; for a channel its name is added as channel (several: channels)",
			Schema: schema{"type": []any{"object", "null"}}},
	}, deliveryFields(true)...)}
}

func receiptObject() *object {
	return &object{Name: "Receipt", Doc: "What a publish reached at that moment.", Fields: []field{
		{Name: "id", Doc: "its place in the log, from which clients resume; absent when volatile", Schema: idSchema()},
		{Name: "delivered", Required: true, Doc: "distinct connections that it matched, slow ones included", Schema: countSchema()},
		{Name: "users", Required: true, Doc: "distinct users among them", Schema: countSchema()},
		{Name: "channels", Required: true, Doc: "channels of the target with a member", Schema: countSchema()},
		{Name: "stored", Required: true, Doc: "whether a client that comes back gets it", Schema: boolSchema()},
	}}
}

func problemObject() *object {
	return &object{Name: "Problem", Doc: "An error, RFC 9457. Programs switch on code.", Fields: []field{
		{Name: "type", Required: true, Doc: "always about:blank", Schema: schema{"const": "about:blank"}},
		{Name: "title", Required: true, Doc: "the name of the status", Schema: plainText()},
		{Name: "status", Required: true, Doc: "the HTTP status", Schema: schema{"type": "integer"}},
		{Name: "detail", Doc: "for people: which field it is, what came, what is expected", Schema: plainText()},
		{Name: "code", Required: true, Doc: "for programs", Schema: schema{"type": "string", "enum": anys(problemCodes())}},
		{Name: "request_id", Doc: "finds the request in the log; also in the header X-Request-ID", Schema: plainText()},
		{Name: "field", Doc: "the field at fault: target.user, [3].type", Schema: plainText()},
	}}
}

// problemCodes are the codes that the API answers.
func problemCodes() []string {
	return []string{edge.CodeValidation, edge.CodeUnauthenticated, edge.CodeForbidden, edge.CodeNotFound, edge.CodeMethodNotAllowed, edge.CodeRequestTimeout, edge.CodeConflict,
		edge.CodePayloadTooLarge, edge.CodeUnsupportedMediaType, edge.CodeRateLimited, edge.CodeUnavailable, edge.CodeInternal}
}

func itemErrorObject(problem *object) *object {
	return &object{Name: "Refused", Doc: "In place of the receipt of a notification in a batch that was refused; the others are sent all the same.", Fields: []field{
		{Name: "error", Required: true, Doc: "why", Schema: objectRef(problem)},
	}}
}

func deliveredObject() *object {
	return &object{Name: "Delivered", Doc: "A notification as clients get it.", Fields: []field{
		{Name: "id", Required: true, Doc: "its place in the log", Schema: idSchema()},
		{Name: "type", Required: true, Doc: "the name of the event", Schema: plainText()},
		{Name: "data", Required: true, Doc: "as it was sent", Schema: schema{}},
		{Name: "timestamp", Required: true, Doc: "when it was published, UTC", Schema: timeSchema()},
		{Name: "metadata", Doc: "as it was sent, and the channel", Schema: schema{"type": "object"}},
	}}
}

func historyObject(delivered *object) *object {
	return &object{Name: "History", Doc: "Notifications that are kept.", Fields: []field{
		{Name: "notifications", Required: true, Doc: "oldest first", Schema: listOf(objectRef(delivered))},
		{Name: "gap", Required: true, Doc: "whether others after since are not kept any more", Schema: boolSchema()},
		{Name: "cursor", Required: true, Doc: "since of the request that reads on", Schema: plainText()},
	}}
}

func connectionObject() *object {
	return &object{Name: "Connection", Doc: "A connection of either transport.", Fields: []field{
		{Name: "clientId", Required: true, Doc: "its id: socket.id on Socket.IO", Schema: plainText()},
		{Name: "transport", Required: true, Doc: "how it is connected", Schema: schema{"type": "string", "enum": []any{"websocket", "polling", "sse"}}},
		{Name: "userId", Required: true, Doc: "anonymous without a user", Schema: plainText()},
		{Name: "username", Required: true, Doc: "the name given at connect", Schema: plainText()},
		{Name: "rooms", Required: true, Doc: "its channels, user:<userId> and client:<clientId>", Schema: listOf(plainText())},
		{Name: "connectedAt", Required: true, Doc: "UTC", Schema: timeSchema()},
		{Name: "lastActive", Required: true, Doc: "Socket.IO: the last byte received; EventSource: the last successful write", Schema: timeSchema()},
		{Name: "queue", Required: true, Doc: "notifications that wait to be written", Schema: countSchema()},
		{Name: "lag", Required: true, Doc: "how many entries of the log it is behind when it is too slow, else 0", Schema: countSchema()},
	}}
}

func pageObject(name, list, doc string, item *object) *object {
	return &object{Name: name, Doc: doc, Fields: []field{
		{Name: list, Required: true, Doc: "this page", Schema: listOf(objectRef(item))},
		{Name: "next", Doc: "cursor of the next page; absent on the last one", Schema: plainText()},
	}}
}

func userObject() *object {
	return &object{Name: "User", Doc: "A user who is online.", Fields: []field{
		{Name: "userId", Required: true, Doc: "the id", Schema: plainText()},
		{Name: "username", Required: true, Doc: "the name given at connect", Schema: plainText()},
		{Name: "connections", Required: true, Doc: "how many", Schema: countSchema()},
	}}
}

func userStateObject(connection *object) *object {
	return &object{Name: "UserState", Doc: "Whether a user is online, and where.", Fields: []field{
		{Name: "userId", Required: true, Doc: "the id", Schema: plainText()},
		{Name: "online", Required: true, Doc: "whether there is a connection", Schema: boolSchema()},
		{Name: "connections", Required: true, Doc: "all of them", Schema: listOf(objectRef(connection))},
	}}
}

func channelObject() *object {
	return &object{Name: "Channel", Doc: "A channel with a member.", Fields: []field{
		{Name: "channel", Required: true, Doc: "its name", Schema: plainText()},
		{Name: "connections", Required: true, Doc: "its members", Schema: countSchema()},
		{Name: "users", Required: true, Doc: "distinct users among them", Schema: countSchema()},
	}}
}

func countObject(name, counted, doc string) *object {
	return &object{Name: name, Doc: doc, Fields: []field{{Name: counted, Required: true, Doc: "how many connections", Schema: countSchema()}}}
}

func statsObject() *object {
	count := func(name, doc string) field {
		return field{Name: name, Required: true, Doc: doc, Schema: countSchema()}
	}
	return &object{Name: "Stats", Doc: "Counts of this node: of the moment, and totals since its start.", Fields: []field{
		count("total", "connections"), count("activeUsers", "distinct users among them"),
		{Name: "byTransport", Required: true, Doc: "connections by websocket, polling and sse", Schema: schema{"type": "object", "additionalProperties": countSchema()}},
		count("members", "connections of all Socket.IO namespaces"), count("lagging", "of these, those too slow for their notifications"),
		count("channels", "channels with a member"), count("rooms", "rooms of any kind with a member or history"),
		count("sessions", "sessions kept for clients that may come back"),
		count("published", "notifications since the start, volatile ones included"), count("delivered", "sum of their delivered"),
		count("history", "notifications kept"), count("historyBytes", "their size, about"),
		count("lagged", "times that a connection was too slow"), count("dropped", "volatile notifications that a slow connection did not get"),
		count("replays", "resumes that got all there was"), count("replayed", "notifications that these got"),
		{Name: "gaps", Required: true, Doc: "resumes that missed something, by reason", Schema: schema{"type": "object", "additionalProperties": countSchema()}},
		{Name: "authMode", Required: true, Doc: "how clients say who they are, AUTH_MODE: token takes tickets too, open believes a userId",
			Schema: schema{"type": "string", "enum": []any{auth.ModeToken, auth.ModeTicket, auth.ModeOpen}}},
	}}
}

func ticketRequestObject() *object {
	return &object{Name: "TicketRequest", Doc: "Whom a ticket is for.", Fields: []field{
		{Name: "userId", Required: true, Doc: "the user", Schema: textSchema(rooms.MaxUserID)},
		{Name: "username", Doc: "the name to show", Schema: schema{"type": "string"}},
		{Name: "channels", Doc: "patterns of channels that the connection may join, such as orders or team-*",
			Schema: orNull(listUpTo(auth.MaxTicketChannels, textSchema(rooms.MaxName)))},
		{Name: "ttl", Doc: "how long it may take to be used, up to " + auth.MaxTicketTTL.String() + ", which is the default", Schema: orNull(durationSchema())},
	}}
}

func ticketObject() *object {
	return &object{Name: "Ticket", Doc: "Credentials for one connection.", Fields: []field{
		{Name: "ticket", Required: true, Doc: "for the query ticket of an EventSource URL, or auth.ticket of Socket.IO", Schema: plainText()},
		{Name: "expiresAt", Required: true, Doc: "UTC", Schema: timeSchema()},
	}}
}

func statusObject() *object {
	return &object{Name: "Status", Doc: "The answer to a probe.", Fields: []field{
		{Name: "status", Required: true, Doc: "ok, ready, draining or unavailable", Schema: plainText()},
		{Name: "reason", Doc: "what is not available", Schema: plainText()},
	}}
}
