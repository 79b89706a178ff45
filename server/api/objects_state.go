package api

import (
	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/rooms"
)

func connectionObject() *object {
	return &object{Name: "Connection", Doc: "A connection on Socket.IO or EventSource.",
		Fields: []field{
			{
				Name: "clientId", Required: true, Doc: "the id; on Socket.IO it is socket.id",
				Schema: plainText(),
			},
			{Name: "transport", Required: true, Doc: "the transport",
				Schema: schema{"type": "string", "enum": []any{"websocket", "polling", "sse"}}},
			{Name: "userId", Required: true, Doc: "the user, or anonymous", Schema: plainText()},
			{
				Name: "username", Required: true,
				Doc: "the name that the client sent when it connected", Schema: plainText(),
			},
			{
				Name: "rooms", Required: true,
				Doc:    "its channels, user:<userId> and client:<clientId>",
				Schema: listOf(plainText()),
			},
			{Name: "connectedAt", Required: true, Doc: "UTC", Schema: timeSchema()},
			{Name: "lastActive", Required: true, Schema: timeSchema(),
				Doc: "on Socket.IO when the last byte arrived, on EventSource when the last " +
					"write " +
					"succeeded"},
			{
				Name: "queue", Required: true, Doc: "notifications that wait for the writer",
				Schema: countSchema(),
			},
			{
				Name: "lag", Required: true,
				Doc:    "log entries that a slow connection has yet to read, or 0",
				Schema: countSchema(),
			},
		}}
}

// pageObject describes one page of a list.
func pageObject(name, list, doc string, item *object) *object {
	return &object{Name: name, Doc: doc, Fields: []field{
		{
			Name: list, Required: true, Doc: "the items of this page",
			Schema: listOf(objectRef(item)),
		},
		{
			Name: "next", Doc: "the cursor of the next page; absent on the last page",
			Schema: plainText(),
		},
		incompleteField(),
	}}
}

// incompleteField has the nodes of a cluster that are missing in a reply.
func incompleteField() field {
	return field{
		Name: "incomplete", Schema: listOf(plainText()),
		Doc: "nodes of the cluster that did not answer within a second, or * if none could be asked: " +
			"what they have is missing; absent when all answered",
	}
}

func userObject() *object {
	return &object{Name: "User", Doc: "An online user.", Fields: []field{
		{Name: "userId", Required: true, Doc: "the id", Schema: plainText()},
		{
			Name: "username", Required: true, Doc: "the name that a client sent when it connected",
			Schema: plainText(),
		},
		{
			Name: "connections", Required: true, Doc: "the number of connections",
			Schema: countSchema(),
		},
	}}
}

func userStateObject(connection *object) *object {
	return &object{Name: "UserState", Doc: "The state and the connections of a user.",
		Fields: []field{
			{Name: "userId", Required: true, Doc: "the id", Schema: plainText()},
			{
				Name: "online", Required: true, Doc: "whether the user has a connection",
				Schema: boolSchema(),
			},
			{
				Name: "connections", Required: true, Doc: "all connections of the user",
				Schema: listOf(objectRef(connection)),
			},
			incompleteField(),
		}}
}

func channelObject() *object {
	return &object{Name: "Channel", Doc: "A channel with members.", Fields: []field{
		{Name: "channel", Required: true, Doc: "the name", Schema: plainText()},
		{Name: "connections", Required: true, Doc: "the number of members", Schema: countSchema()},
		{Name: "users", Required: true, Schema: countSchema(),
			Doc: "distinct users among them; a user on several nodes of a cluster counts for each"},
	}}
}

// countObject describes a reply with one count of connections.
func countObject(name, counted, doc string) *object {
	return &object{Name: name, Doc: doc, Fields: []field{
		{Name: counted, Required: true, Doc: "the number of connections", Schema: countSchema()},
		incompleteField(),
	}}
}

func statsObject(node *object) *object {
	fields := append(countFields(), field{Name: "authMode", Required: true,
		Doc: "how clients authenticate, AUTH_MODE: token accepts tickets too, open " +
			"trusts a userId",
		Schema: schema{"type": "string",
			"enum": []any{auth.ModeToken, auth.ModeTicket, auth.ModeHook,
				auth.ModeOpen}}},
		field{Name: "nodes", Doc: "with cluster=1: each node that answered, sorted by uid",
			Schema: listOf(objectRef(node))},
		incompleteField())
	return &object{Name: "Stats", Doc: "Current counts of this node, and totals since its start. With " +
		"cluster=1, the sums of all nodes.", Fields: fields}
}

func nodeStatsObject() *object {
	fields := []field{
		{Name: "uid", Required: true, Doc: "the name of the process, new after each start; empty " +
			"without a cluster", Schema: plainText()},
		{Name: "addr", Doc: "where the other nodes reach it", Schema: plainText()},
		{Name: "version", Doc: "its version", Schema: plainText()},
		{Name: "tag", Required: true, Doc: "the begin of the ids of its sessions", Schema: plainText()},
	}
	return &object{Name: "NodeStats", Doc: "A node of a cluster and its counts.",
		Fields: append(fields, countFields()...)}
}

// countFields are those of notify.Stats.
func countFields() []field {
	count := func(name, doc string) field {
		return field{Name: name, Required: true, Doc: doc, Schema: countSchema()}
	}
	counts := func() schema {
		return schema{"type": "object", "additionalProperties": countSchema()}
	}
	return []field{
		count("total", "connections"),
		count("activeUsers", "distinct users among them"),
		{
			Name: "byTransport", Required: true,
			Doc:    "connections by websocket, polling and sse",
			Schema: counts(),
		},
		count("members", "streams, and the connections of each Socket.IO namespace"),
		count("lagging", "members that are too slow for their notifications"),
		count("channels", "channels with members"),
		count("rooms", "rooms of any kind with members or history"),
		count("sessions", "sessions that the server keeps for clients that reconnect"),
		count("published", "notifications since the start, including volatile ones"),
		count("delivered", "the sum of delivered in their receipts"),
		count("history", "notifications that the server keeps"),
		count("historyBytes", "their approximate size"),
		count("retained", "retained notifications"),
		count("retainedBytes", "their approximate size"),
		count("lagged", "how often a connection was too slow"),
		count("dropped", "volatile notifications that slow connections missed"),
		count("replays", "resumes that were complete"),
		count("replayed", "notifications that these resumes delivered"),
		{
			Name: "gaps", Required: true, Doc: "resumes that were incomplete, by reason",
			Schema: counts(),
		},
	}
}

func ticketRequestObject() *object {
	return &object{Name: "TicketRequest", Doc: "The identity that a ticket grants.",
		Fields: []field{
			{Name: "userId", Required: true, Doc: "the user", Schema: nameSchema(rooms.MaxUserID)},
			{Name: "username", Doc: "the display name", Schema: schema{"type": []any{"string", "integer", "null"}}},
			{Name: "channels",
				Doc: "patterns of the channels that the connection may join, such as orders or " +
					"team-*",
				Schema: orNull(listUpTo(auth.MaxTicketChannels, nameSchema(rooms.MaxName)))},
			{Name: "ttl",
				Doc: "the time in which a client must use the ticket; default and maximum are " +
					auth.MaxTicketTTL.String(),
				Schema: orNull(durationSchema())},
		}}
}

func ticketObject() *object {
	return &object{Name: "Ticket", Doc: "Credentials for one connection.", Fields: []field{
		{
			Name: "ticket", Required: true,
			Doc:    "for ticket in the URL of an EventSource, or auth.ticket of Socket.IO",
			Schema: plainText(),
		},
		{Name: "expiresAt", Required: true, Doc: "UTC", Schema: timeSchema()},
	}}
}

func statusObject() *object {
	return &object{Name: "Status", Doc: "The response to a probe.", Fields: []field{
		{
			Name: "status", Required: true, Doc: "ok, ready, draining or unavailable",
			Schema: plainText(),
		},
		{Name: "reason", Doc: "what is unavailable", Schema: plainText()},
	}}
}
