package api

import (
	"net/http"

	"github.com/roomcast/roomcast/notify"
)

// The headings of the description.
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
	exampleConnection = `{"clientId":"Zk3vX0bq5tQyVfR2AAAB","transport":"websocket",` +
		`"userId":"u1","username":"Ada","rooms":["client:Zk3vX0bq5tQyVfR2AAAB","orders",` +
		`"user:u1"],"connectedAt":"2026-11-22T09:58:00.000Z",` +
		`"lastActive":"2026-11-22T10:00:00.000Z","queue":0,"lag":0}`
)

// routeTable returns the routes in the order of the description.
func (h *handler) routeTable(c components) []route {
	routes := h.notificationRoutes(c)
	routes = append(routes, h.emitRoute(c), h.positionRoute(c))
	routes = append(routes, h.kindRoutes(c)...)
	routes = append(routes, h.connectionRoutes(c)...)
	routes = append(routes, h.userRoutes(c)...)
	routes = append(routes, h.retainedRoutes(c)...)
	if h.o.Tickets != nil {
		routes = append(routes, h.ticketRoute(c))
	}
	routes = append(routes, h.requestRoute(c))
	return append(routes, h.serviceRoutes(c)...)
}

// receipts returns the replies to one publish and to an array of them.
func receipts(c components) []any {
	return []any{objectRef(c.receipt), listOf(oneOf(objectRef(c.receipt), objectRef(c.refused)))}
}

func (h *handler) notificationRoutes(c components) []route {
	return []route{{
		Method: "POST", Path: "/v1/notifications", ID: "publish", Group: groupNotifications,
		Summary: "Publish a notification, or up to " + itoa(notify.MaxBatch) + " of them",
		Doc: "The server stores an array in one step. The response is an array in the same " +
			"order, with a receipt for each notification or the error for which the server " +
			"refused it. A target without connections is not an error: the server keeps the " +
			"notification for replay.",
		Body: &requestBody{Object: c.notification, batch: true,
			Example: `{"target": {"user": "u1"}, "type": "payment:completed", "data": ` +
				`{"paymentId": "p_81", "amount": 12.50}, "metadata": {"source": "webhook"}}`},
		Publishes: true, Reply: oneOf(receipts(c)...), Example: exampleReceipt, handle: h.publish,
	}, {
		Method: "GET", Path: "/v1/notifications", ID: "history", Group: groupNotifications,
		Summary: "Read the kept notifications of a user or a channel",
		Doc: "Without since it returns the newest ones. Notifications to every connection " +
			"are not in the history of a user.",
		Params: []param{
			{
				Name: "user", In: "query", Doc: "the user; exactly one of user and channel",
				Example: "u1", Names: "user",
			},
			{
				Name: "channel", In: "query", Doc: "the channel; exactly one of user and channel",
				Names: "channel",
			},
			{
				Name: "since", In: "query",
				Doc: "the id after which to read, or 0 for all kept notifications",
			},
			{
				Name: "limit", In: "query",
				Doc: "the maximum number; the default is " + itoa(defaultHistoryLimit), Min: 1,
				Max: maxPage,
			},
		},
		Reply: objectRef(c.history),
		Example: `{"notifications":[{"id":"5f3a9c01-1042","type":"payment:completed",` +
			`"data":{"paymentId":"p_81"},"timestamp":"2026-11-22T10:00:00.000Z"}],"gap":false,` +
			`"cursor":"5f3a9c01-1042"}`,
		handle: h.history,
	}}
}

func (h *handler) connectionRoutes(c components) []route {
	return []route{{
		Method: "GET", Path: "/v1/connections", ID: "listConnections", Group: groupConnections,
		Summary: "List connections on Socket.IO and EventSource, sorted by id",
		Doc: "In a cluster, lists and changes are about the connections of all nodes. A single " +
			"connection that no node has is 404, or 503 while a node does not answer.",
		Params: pageParams(
			param{Name: "user", In: "query", Doc: "only connections of this user", Names: "user"},
			param{
				Name: "channel", In: "query", Doc: "only members of this channel", Names: "channel",
			},
			param{Name: "transport", In: "query", Doc: "only connections of this transport",
				Enum: []string{"websocket", "polling", "sse"}}),
		Reply:   objectRef(c.connections),
		Example: `{"connections":[` + exampleConnection + `]}`, handle: h.listConnections,
	}, {
		Method: "GET", Path: "/v1/connections/{clientId}", ID: "getConnection",
		Group:   groupConnections,
		Summary: "Show a connection", Params: []param{clientParam()},
		Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
		Reply:  objectRef(c.connection), Example: exampleConnection, handle: h.showConnection,
	}, {
		Method: "DELETE", Path: "/v1/connections/{clientId}", ID: "disconnectConnection",
		Group:   groupConnections,
		Summary: "Close a connection",
		Doc: "The client learns that the server closed the connection and does not reconnect by " +
			"itself. The session is void: a client that connects again gets a new id. Its " +
			"credentials decide whether it can.",
		Params: []param{clientParam()},
		Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
		Reply:  objectRef(c.disconnected), Example: `{"disconnected":1}`, handle: h.endConnection,
	}, {
		Method: "PUT", Path: "/v1/connections/{clientId}/channels/{channel}", ID: "joinConnection",
		Group:   groupConnections,
		Summary: "Add a connection to a channel",
		Doc: "The token of the client does not need to allow the channel. The client keeps " +
			"it when it resumes its session.",
		Params: []param{clientParam(), channelParam()},
		Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
		Reply:  objectRef(c.joined), Example: `{"joined":1}`, handle: h.joinConnection,
	}, {
		Method: "DELETE", Path: "/v1/connections/{clientId}/channels/{channel}",
		ID: "leaveConnection", Group: groupConnections,
		Summary: "Remove a connection from a channel",
		Params:  []param{clientParam(), channelParam()},
		Errors:  []int{http.StatusNotFound, http.StatusServiceUnavailable},
		Reply:   objectRef(c.left), Example: `{"left":1}`, handle: h.leaveConnection,
	}}
}

func (h *handler) userRoutes(c components) []route {
	return []route{{
		Method: "GET", Path: "/v1/users", ID: "listUsers", Group: groupUsers,
		Summary: "List online users, sorted by id",
		Params: pageParams(param{Name: "online", In: "query", Enum: []string{"true"},
			Doc: "true, the default: the server does not know users who are offline"}),
		Reply:   objectRef(c.users),
		Example: `{"users":[{"userId":"u1","username":"Ada","connections":2}]}`,
		handle:  h.listUsers,
	}, {
		Method: "GET", Path: "/v1/users/{userId}", ID: "getUser", Group: groupUsers,
		Summary: "Show the state and the connections of a user", Params: []param{userParam()},
		Reply:   objectRef(c.userState),
		Example: `{"userId":"u1","online":true,"connections":[` + exampleConnection + `]}`,
		handle:  h.showUser,
	}, {
		Method: "GET", Path: "/v1/channels", ID: "listChannels", Group: groupUsers,
		Summary: "List channels with members, sorted by name", Params: pageParams(),
		Reply:   objectRef(c.channels),
		Example: `{"channels":[{"channel":"orders","connections":3,"users":2}]}`,
		handle:  h.listChannels,
	}, {
		Method: "DELETE", Path: "/v1/users/{userId}/connections", ID: "disconnectUser",
		Group:   groupUsers,
		Summary: "Close all connections of a user",
		Doc: "This includes other Socket.IO namespaces. Unused tickets of the user become " +
			"void. A user without connections is not an error. 503 means that the connections are " +
			"closed, and that a ticket may be valid after a restart: try again.",
		Params: []param{userParam()}, Errors: []int{http.StatusServiceUnavailable},
		Reply: objectRef(c.disconnected), Example: `{"disconnected":2}`, handle: h.endUser,
	}, {
		Method: "PUT", Path: "/v1/users/{userId}/channels/{channel}", ID: "joinUser",
		Group:   groupUsers,
		Summary: "Add all current connections of a user to a channel",
		Params:  []param{userParam(), channelParam()},
		Reply:   objectRef(c.joined), Example: `{"joined":2}`, handle: h.joinUser,
	}, {
		Method: "DELETE", Path: "/v1/users/{userId}/channels/{channel}", ID: "leaveUser",
		Group:   groupUsers,
		Summary: "Remove all connections of a user from a channel",
		Params:  []param{userParam(), channelParam()},
		Reply:   objectRef(c.left), Example: `{"left":2}`, handle: h.leaveUser,
	}}
}

func (h *handler) ticketRoute(c components) route {
	return route{
		Method: "POST", Path: "/v1/tickets", ID: createTicket, Group: groupTickets,
		Summary: "Issue a ticket for one connection of a user",
		Doc: "It is for applications without JWT and for EventSource, which cannot send headers. " +
			"The client must use it soon, for one connection. The API key must cover the user " +
			"and the channels.",
		Body: &requestBody{
			Object: c.ticketRequest,
			Example: `{"userId": "u1", "username": "Ada", "channels": ["orders", "team-*"], ` +
				`"ttl": "20s"}`,
		},
		Status: http.StatusCreated, Reply: objectRef(c.ticket),
		Example: `{"ticket":"0Xq3…","expiresAt":"2026-11-22T10:00:20.000Z"}`, handle: h.issueTicket,
	}
}

func (h *handler) serviceRoutes(c components) []route {
	status := objectRef(c.status)
	return []route{{
		Method: "GET", Path: "/v1/stats", ID: "stats", Group: groupService,
		Summary: "Show the counts of this node, or of all nodes of a cluster",
		Params: []param{{Name: "cluster", In: "query", Enum: []string{"1"},
			Doc: "1: the sums of all nodes, and each node"}},
		Reply: objectRef(c.stats),
		Example: `{"total":3,"activeUsers":2,"byTransport":{"sse":1,"websocket":2},"members":3,` +
			`"lagging":0,"channels":1,"rooms":7,"sessions":0,"published":42,"delivered":97,` +
			`"history":40,"historyBytes":18240,"retained":2,"retainedBytes":3120,"lagged":0,"dropped":0,"replays":2,"replayed":5,` +
			`"gaps":{"ahead":0,"epoch":0,"invalid":0,"too_many":0,"trimmed":1},"authMode":"token"}`,
		handle: h.stats,
	}, {
		Method: "GET", Path: "/livez", ID: "live", Group: groupService,
		Summary: "Report whether the process responds", Open: true,
		Reply: status, Example: `{"status":"ok"}`, serve: h.o.Live,
	}, {
		Method: "GET", Path: "/readyz", ID: "ready", Group: groupService,
		Summary: "Report whether this node accepts new work", Open: true,
		Reply: status, Example: `{"status":"ready"}`, busy: true, serve: h.o.Ready,
	}, {
		Method: "GET", Path: "/openapi.json", ID: "openapi", Group: groupService,
		Summary: "Get this description as OpenAPI 3.1", Open: true,
		Reply: schema{"type": "object"}, Example: `{"openapi":"3.1.0"}`,
		serve: http.HandlerFunc(h.serveOpenAPI),
	}, {
		Method: "GET", Path: "/docs", ID: "docs", Group: groupService,
		Summary: "Get this description as a web page", Open: true,
		media: "text/html", serve: http.HandlerFunc(h.serveDocs),
	}, {
		Method: "GET", Path: "/docs/docs.css", ID: "docsStyle", Group: groupService,
		Summary: "Get the style of the web page", Open: true,
		media: "text/css", serve: http.HandlerFunc(h.serveDocs),
	}, {
		Method: "GET", Path: "/docs/docs.js", ID: "docsScript", Group: groupService,
		Summary: "Get the script of the web page", Open: true,
		media: "text/javascript", serve: http.HandlerFunc(h.serveDocs),
	}}
}
