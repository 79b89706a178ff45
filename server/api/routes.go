package api

import (
	"net/http"

	"github.com/roomcast/roomcast/notify"
)

// The headings of the routes.
const (
	groupNotifications = "Notifications"
	groupCatalogue     = "Catalogue"
	groupConnections   = "Connections"
	groupUsers         = "Users and channels"
	groupTickets       = "Tickets"
	groupStreams       = "Streams"
	groupService       = "Service"
)

const (
	exampleReceipt    = `{"id":"5f3a9c01-1042","delivered":2,"users":1,"channels":0,"stored":true}`
	exampleConnection = `{"clientId":"Zk3vX0bq5tQyVfR2AAAB","transport":"websocket","userId":"u1","username":"Ada","rooms":["client:Zk3vX0bq5tQyVfR2AAAB","orders","user:u1"],"connectedAt":"2026-11-22T09:58:00.000Z","lastActive":"2026-11-22T10:00:00.000Z","queue":0,"lag":0}`
)

// routeTable is the table.
func (h *handler) routeTable(o components) []route {
	routes := h.notificationRoutes(o)
	routes = append(routes, h.kindRoutes(o)...)
	routes = append(routes, h.connectionRoutes(o)...)
	routes = append(routes, h.userRoutes(o)...)
	if h.o.Tickets != nil {
		routes = append(routes, h.ticketRoute(o))
	}
	return append(routes, h.serviceRoutes(o)...)
}

func (h *handler) notificationRoutes(o components) []route {
	reply := schema{"oneOf": []any{objectRef(o.receipt),
		listOf(schema{"oneOf": []any{objectRef(o.receipt), objectRef(o.refused)}})}}
	return []route{{
		Method: "POST", Path: "/v1/notifications", ID: "publish", Group: groupNotifications,
		Summary: "Send a notification, or up to " + itoa(notify.MaxBatch) + " of them",
		Doc: "An array is stored in one step and answered by an array in the same order; each element is a receipt, or an error for a " +
			"notification that was refused. Nobody online is no error: the notification is kept for replay.",
		Body: &requestBody{Object: o.notification, batch: true,
			Example: `{"target": {"user": "u1"}, "type": "payment:completed", "data": {"paymentId": "p_81", "amount": 12.50}, "metadata": {"source": "webhook"}}`},
		Publishes: true, Reply: reply, Example: exampleReceipt, handle: h.publish,
	}, {
		Method: "GET", Path: "/v1/notifications", ID: "history", Group: groupNotifications,
		Summary: "Read what is kept of a user's or a channel's notifications",
		Doc:     "Without since the newest ones. Those to everyone are not among a user's.",
		Params: []param{
			{Name: "user", In: "query", Doc: "the user; this or channel", Example: "u1", Names: "user"},
			{Name: "channel", In: "query", Doc: "the channel; this or user", Names: "channel"},
			{Name: "since", In: "query", Doc: "the id after which to read, or 0 for all that is kept"},
			{Name: "limit", In: "query", Doc: "how many at most, " + itoa(defaultHistoryLimit) + " without it", Min: 1, Max: maxPage},
		},
		Reply:   objectRef(o.history),
		Example: `{"notifications":[{"id":"5f3a9c01-1042","type":"payment:completed","data":{"paymentId":"p_81"},"timestamp":"2026-11-22T10:00:00.000Z"}],"gap":false,"cursor":"5f3a9c01-1042"}`,
		handle:  h.history,
	}}
}

func pageParams(params ...param) []param {
	return append(params,
		param{Name: "limit", In: "query", Doc: "how many at most, " + itoa(defaultPage) + " without it", Min: 1, Max: maxPage},
		param{Name: "cursor", In: "query", Doc: "next of the page before"})
}

func clientParam() param {
	return param{Name: "clientId", In: "path", Required: true, Doc: "the id of the connection", Example: "Zk3vX0bq5tQyVfR2AAAB", Names: "client"}
}

func userParam() param {
	return param{Name: "userId", In: "path", Required: true, Doc: "the id of the user", Example: "u1", Names: "user"}
}

func channelParam() param {
	return param{Name: "channel", In: "path", Required: true, Doc: "the channel", Example: "orders", Names: "channel"}
}

func (h *handler) connectionRoutes(o components) []route {
	return []route{{
		Method: "GET", Path: "/v1/connections", ID: "listConnections", Group: groupConnections,
		Summary: "List connections of both transports, in the order of their ids",
		Params: pageParams(
			param{Name: "user", In: "query", Doc: "only those of a user", Names: "user"},
			param{Name: "channel", In: "query", Doc: "only those in a channel", Names: "channel"},
			param{Name: "transport", In: "query", Doc: "only those of a transport", Enum: []string{"websocket", "polling", "sse"}}),
		Reply:   objectRef(o.connections),
		Example: `{"connections":[` + exampleConnection + `]}`, handle: h.listConnections,
	}, {
		Method: "GET", Path: "/v1/connections/{clientId}", ID: "getConnection", Group: groupConnections,
		Summary: "Show a connection", Params: []param{clientParam()}, Errors: []int{http.StatusNotFound},
		Reply: objectRef(o.connection), Example: exampleConnection, handle: h.showConnection,
	}, {
		Method: "DELETE", Path: "/v1/connections/{clientId}", ID: "disconnectConnection", Group: groupConnections,
		Summary: "Close a connection for good",
		Doc: "The client is told that the server ended it, and does not reconnect by itself. Its session is void: when it comes back, it is a new one. " +
			"Whether it may come back is the business of its credentials.",
		Params: []param{clientParam()}, Errors: []int{http.StatusNotFound},
		Reply: objectRef(o.disconnected), Example: `{"disconnected":1}`, handle: h.endConnection,
	}, {
		Method: "PUT", Path: "/v1/connections/{clientId}/channels/{channel}", ID: "joinConnection", Group: groupConnections,
		Summary: "Put a connection into a channel",
		Doc:     "Whatever its token allows: the server decides. It stays there when it reconnects within the session.",
		Params:  []param{clientParam(), channelParam()}, Errors: []int{http.StatusNotFound},
		Reply: objectRef(o.joined), Example: `{"joined":1}`, handle: h.joinConnection,
	}, {
		Method: "DELETE", Path: "/v1/connections/{clientId}/channels/{channel}", ID: "leaveConnection", Group: groupConnections,
		Summary: "Take a connection out of a channel",
		Params:  []param{clientParam(), channelParam()}, Errors: []int{http.StatusNotFound},
		Reply: objectRef(o.left), Example: `{"left":1}`, handle: h.leaveConnection,
	}}
}

func (h *handler) userRoutes(o components) []route {
	return []route{{
		Method: "GET", Path: "/v1/users", ID: "listUsers", Group: groupUsers,
		Summary: "List the users who are online, in the order of their ids",
		Params: pageParams(param{Name: "online", In: "query", Enum: []string{"true"},
			Doc: "true, which it is without it too: who is not online is not known here"}),
		Reply:   objectRef(o.users),
		Example: `{"users":[{"userId":"u1","username":"Ada","connections":2}]}`, handle: h.listUsers,
	}, {
		Method: "GET", Path: "/v1/users/{userId}", ID: "getUser", Group: groupUsers,
		Summary: "Show whether a user is online, and where", Params: []param{userParam()},
		Reply:   objectRef(o.userState),
		Example: `{"userId":"u1","online":true,"connections":[` + exampleConnection + `]}`, handle: h.showUser,
	}, {
		Method: "GET", Path: "/v1/channels", ID: "listChannels", Group: groupUsers,
		Summary: "List the channels that have members, in the order of their names", Params: pageParams(),
		Reply:   objectRef(o.channels),
		Example: `{"channels":[{"channel":"orders","connections":3,"users":2}]}`, handle: h.listChannels,
	}, {
		Method: "DELETE", Path: "/v1/users/{userId}/connections", ID: "disconnectUser", Group: groupUsers,
		Summary: "Close all connections of a user for good",
		Doc:     "Those of other Socket.IO namespaces are among them, and tickets that were not used yet are void. Nobody online is no error.",
		Params:  []param{userParam()},
		Reply:   objectRef(o.disconnected), Example: `{"disconnected":2}`, handle: h.endUser,
	}, {
		Method: "PUT", Path: "/v1/users/{userId}/channels/{channel}", ID: "joinUser", Group: groupUsers,
		Summary: "Put all connections that a user has now into a channel",
		Params:  []param{userParam(), channelParam()},
		Reply:   objectRef(o.joined), Example: `{"joined":2}`, handle: h.joinUser,
	}, {
		Method: "DELETE", Path: "/v1/users/{userId}/channels/{channel}", ID: "leaveUser", Group: groupUsers,
		Summary: "Take all connections of a user out of a channel",
		Params:  []param{userParam(), channelParam()},
		Reply:   objectRef(o.left), Example: `{"left":2}`, handle: h.leaveUser,
	}}
}

func (h *handler) ticketRoute(o components) route {
	return route{
		Method: "POST", Path: "/v1/tickets", ID: "createTicket", Group: groupTickets,
		Summary: "Get a ticket for one connection of a user",
		Doc: "For applications without JWT, and for EventSource, which can send no header. The page uses it at once: it is good for one " +
			"connection. The key must cover the user and the channels.",
		Body:   &requestBody{Object: o.ticketRequest, Example: `{"userId": "u1", "username": "Ada", "channels": ["orders", "team-*"], "ttl": "20s"}`},
		Status: http.StatusCreated, Reply: objectRef(o.ticket),
		Example: `{"ticket":"0Xq3…","expiresAt":"2026-11-22T10:00:20.000Z"}`, handle: h.issueTicket,
	}
}

func (h *handler) serviceRoutes(o components) []route {
	status := objectRef(o.status)
	return []route{{
		Method: "GET", Path: "/v1/stats", ID: "stats", Group: groupService, Summary: "Count what there is on this node",
		Reply:   objectRef(o.stats),
		Example: `{"total":3,"activeUsers":2,"byTransport":{"sse":1,"websocket":2},"members":3,"lagging":0,"channels":1,"rooms":7,"sessions":0,"published":42,"delivered":97,"history":40,"historyBytes":18240,"lagged":0,"dropped":0,"replays":2,"replayed":5,"gaps":{"ahead":0,"epoch":0,"invalid":0,"too_many":0,"trimmed":1},"authMode":"token"}`,
		handle:  h.stats,
	}, {
		Method: "GET", Path: "/livez", ID: "live", Group: groupService, Summary: "Whether the process can answer", Open: true,
		Reply: status, Example: `{"status":"ok"}`, serve: h.o.Live,
	}, {
		Method: "GET", Path: "/readyz", ID: "ready", Group: groupService, Summary: "Whether new work should come here", Open: true,
		Reply: status, Example: `{"status":"ready"}`, busy: true, serve: h.o.Ready,
	}, {
		Method: "GET", Path: "/openapi.json", ID: "openapi", Group: groupService, Summary: "This description, as OpenAPI 3.1", Open: true,
		Reply: schema{"type": "object"}, Example: `{"openapi":"3.1.0"}`, serve: http.HandlerFunc(h.serveOpenAPI),
	}, {
		Method: "GET", Path: "/docs", ID: "docs", Group: groupService, Summary: "This description, as a page to read and try", Open: true,
		media: "text/html", serve: http.HandlerFunc(h.serveDocs),
	}, {
		Method: "GET", Path: "/docs/docs.css", ID: "docsStyle", Group: groupService, Summary: "The style of that page", Open: true,
		media: "text/css", serve: http.HandlerFunc(h.serveDocs),
	}, {
		Method: "GET", Path: "/docs/docs.js", ID: "docsScript", Group: groupService, Summary: "The script of that page", Open: true,
		media: "text/javascript", serve: http.HandlerFunc(h.serveDocs),
	}}
}
