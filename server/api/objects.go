package api

import (
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/edge"
)

// components are the objects of the API in the description, without the bodies of kinds. The
// decoders and the Hub decide what a request may contain; TestContract compares both.
type components struct {
	target, notification, receipt, refused, delivered, history *object
	connection, connections, disconnected, joined, left        *object
	user, users, userState, channel, channels                  *object
	ticketRequest, ticket, stats, nodeStats, status, problem   *object
	channelsChange, channelsChanged, clientMessage             *object
	tokenRenewal, tokenRenewed                                 *object
	emission, acks                                             *object
	position, retained, deleted, request                       *object
}

func newComponents() (c components) {
	c.target, c.receipt, c.problem = targetObject(), receiptObject(), problemObject()
	c.notification, c.refused = notificationObject(c.target), refusedObject(c.problem)
	c.delivered = deliveredObject()
	c.history = historyObject(c.delivered)
	c.connection, c.user, c.channel = connectionObject(), userObject(), channelObject()
	c.connections = pageObject("Connections", "connections", "A page of connections.", c.connection)
	c.users = pageObject("Users", "users", "A page of online users.", c.user)
	c.userState = userStateObject(c.connection)
	c.channels = pageObject("Channels", "channels", "A page of channels with members.", c.channel)
	c.disconnected = countObject("Disconnected", "disconnected",
		"The connections that the server closes.")
	c.joined = countObject("Joined", "joined", "The connections that are now in the channel.")
	c.left = countObject("Left", "left", "The connections that left the channel.")
	c.ticketRequest, c.ticket = ticketRequestObject(), ticketObject()
	c.nodeStats, c.status = nodeStatsObject(), statusObject()
	c.stats = statsObject(c.nodeStats)
	c.channelsChange, c.channelsChanged = channelsChangeObject(), channelsChangedObject()
	c.clientMessage = clientMessageObject()
	c.tokenRenewal, c.tokenRenewed = tokenRenewalObject(), tokenRenewedObject()
	c.emission, c.acks = emissionObject(c.target), acksObject()
	c.position, c.retained, c.deleted = positionObject(), retainedObject(c.delivered), deletedObject()
	c.request = requestObject()
	return c
}

// all returns the objects in the order of the page.
func (c components) all() []*object {
	return []*object{
		c.target, c.notification, c.receipt, c.refused, c.emission, c.acks, c.delivered, c.history,
		c.position, c.retained, c.deleted,
		c.connection, c.connections, c.disconnected, c.joined, c.left,
		c.user, c.users, c.userState, c.channel, c.channels, c.ticketRequest, c.ticket,
		c.channelsChange, c.channelsChanged, c.clientMessage, c.tokenRenewal, c.tokenRenewed,
		c.request, c.stats, c.nodeStats, c.status, c.problem,
	}
}

func targetObject() *object {
	names := func(most int) schema {
		list := listUpTo(notify.MaxTargets, nameSchema(most))
		list["minItems"] = 1
		return list
	}
	limit := itoa(notify.MaxTargets)
	return &object{Name: "Target", Doc: "The recipients: exactly one of these fields.", exact: true,
		Fields: []field{
			{Name: "user", Doc: "every connection of a user", Schema: nameSchema(rooms.MaxUserID)},
			{
				Name: "users", Doc: "every connection of up to " + limit + " users",
				Schema: names(rooms.MaxUserID),
			},
			{Name: "channel", Doc: "every member of a channel", Schema: nameSchema(rooms.MaxName)},
			{
				Name: "channels", Doc: "every member of up to " + limit + " channels, once each",
				Schema: names(rooms.MaxName),
			},
			{Name: "client", Doc: "one connection", Schema: nameSchema(rooms.MaxName)},
			{Name: "all", Doc: "every connection", Schema: schema{"const": true}},
		}}
}

// deliveryFields returns the fields about delivery that every publish has. In POST
// /v1/notifications they can be null.
func deliveryFields(nullable bool) []field {
	or := func(s schema) schema {
		if nullable {
			return orNull(s)
		}
		return s
	}
	return []field{
		{Name: "except",
			Doc: "client ids of connections that do not receive it, such as the one that caused " +
				"it",
			Schema: or(listUpTo(notify.MaxTargets, nameSchema(rooms.MaxName)))},
		{Name: "volatile",
			Doc: "deliver it only to connections that keep up; it is not stored, cannot be " +
				"replayed and has no id",
			Schema: or(boolSchema())},
		{Name: "ttl", Doc: `how long it can be replayed and is retained, such as "30s" or "5m"; ` +
			`not with volatile. Connected clients receive it regardless of its age`,
			Schema: or(durationSchema())},
		{Name: "retain",
			Doc: "keep it as the newest of its type: connections that join the channel, or " +
				"connect as the user, later receive it first, with retained: true in its " +
				"metadata; only with one channel or one user as the target, not with volatile",
			Schema: or(boolSchema())},
	}
}

func notificationObject(target *object) *object {
	return &object{Name: "Notification", Doc: "A notification to publish.", Fields: append([]field{
		{Name: "target", Required: true, Doc: "the recipients", Schema: objectRef(target)},
		{Name: "type", Required: true, Schema: textSchema(rooms.MaxType),
			Doc: "the event name for which clients listen. The server refuses names that " +
				"Socket.IO, EventSource or Roomcast reserve"},
		{
			Name: "data",
			Doc: "any JSON, delivered byte for byte, up to 256 KiB and 32 levels deep; the " +
				"default is null",
			Schema: schema{},
		},
		{Name: "metadata",
			Doc: "delivered with data; for a channel the server adds the name as channel, for " +
				"several as channels",
			Schema: metadataSchema()},
	}, deliveryFields(true)...)}
}

func receiptObject() *object {
	return &object{Name: "Receipt", Doc: "What a publish reached at that moment.", Fields: []field{
		{
			Name:   "id",
			Doc:    "the position in the log from which clients resume; absent when volatile",
			Schema: idSchema(),
		},
		{
			Name: "delivered", Required: true,
			Doc:    "distinct connections that it matched, including slow ones; in a cluster an upper bound",
			Schema: countSchema(),
		},
		{Name: "users", Required: true, Schema: countSchema(),
			Doc: "distinct users among them; in a cluster an upper bound"},
		{
			Name: "channels", Required: true, Doc: "channels of the target that have members",
			Schema: countSchema(),
		},
		{
			Name: "stored", Required: true,
			Doc: "whether a client that reconnects later can receive it", Schema: boolSchema(),
		},
	}}
}

func problemObject() *object {
	return &object{Name: "Problem", Doc: "An error, RFC 9457. Programs branch on code.",
		Fields: []field{
			{
				Name: "type", Required: true, Doc: "always about:blank",
				Schema: schema{"const": "about:blank"},
			},
			{Name: "title", Required: true, Doc: "the name of the status", Schema: plainText()},
			{
				Name: "status", Required: true, Doc: "the HTTP status",
				Schema: schema{"type": "integer"},
			},
			{
				Name:   "detail",
				Doc:    "for people: the field at fault, its value, and what the server expects",
				Schema: plainText(),
			},
			{
				Name: "code", Required: true, Doc: "for programs",
				Schema: schema{"type": "string", "enum": anys(problemCodes())},
			},
			{
				Name:   "request_id",
				Doc:    "the id of the request in the log, also in the header X-Request-ID",
				Schema: plainText(),
			},
			{
				Name: "field", Doc: "the field at fault, such as target.user or [3].type",
				Schema: plainText(),
			},
		}}
}

// problemCodes returns the codes of the problems that the API returns.
func problemCodes() []string {
	return []string{
		edge.CodeValidation, edge.CodeUnauthenticated, edge.CodeForbidden, edge.CodeNotFound,
		edge.CodeMethodNotAllowed, edge.CodeRequestTimeout, edge.CodeConflict,
		edge.CodeRetainedLimit, edge.CodePayloadTooLarge,
		edge.CodeUnsupportedMediaType, edge.CodeRateLimited, edge.CodeUnavailable,
		edge.CodeInternal,
	}
}

func refusedObject(problem *object) *object {
	return &object{Name: "Refused",
		Doc: "Replaces the receipt of a notification in a batch that the server refused. It " +
			"publishes the others.",
		Fields: []field{
			{Name: "error", Required: true, Doc: "the reason", Schema: objectRef(problem)},
		}}
}

func deliveredObject() *object {
	return &object{Name: "Delivered", Doc: "A notification as clients receive it.", Fields: []field{
		{Name: "id", Required: true, Doc: "the position in the log", Schema: idSchema()},
		{Name: "type", Required: true, Doc: "the event name", Schema: plainText()},
		{
			Name: "data", Required: true, Doc: "the data of the publish, byte for byte",
			Schema: schema{},
		},
		{
			Name: "timestamp", Required: true, Doc: "when it was published, UTC",
			Schema: timeSchema(),
		},
		{
			Name: "metadata", Doc: "the metadata of the publish, with the channel",
			Schema: schema{"type": "object"},
		},
	}}
}

func historyObject(delivered *object) *object {
	return &object{Name: "History", Doc: "Notifications that the server keeps.", Fields: []field{
		{
			Name: "notifications", Required: true, Doc: "the oldest first",
			Schema: listOf(objectRef(delivered)),
		},
		{
			Name: "gap", Required: true,
			Doc:    "whether the server no longer keeps some notifications after since",
			Schema: boolSchema(),
		},
		{
			Name: "cursor", Required: true, Doc: "the value of since for the next request",
			Schema: plainText(),
		},
	}}
}
