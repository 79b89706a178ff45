package api

import (
	"github.com/roomcast/roomcast/notify"
)

// position serves GET /v1/position. It does not depend on the scope of the key: any key may publish
// something, and its receipt has an id too.
func (h *handler) position(*call) (any, error) {
	if err := h.hub.Ready(); err != nil {
		return nil, err
	}
	return notify.Position{Position: h.hub.Head().String()}, nil
}

// retained serves GET …/retained.
func (h *handler) retained(c *call) (any, error) {
	of, err := h.retainer(c)
	if err != nil {
		return nil, err
	}
	return listOfMessages(`{"retained":[`, h.hub.Retained(of), []byte(`]}`)), nil
}

type deletedReply struct {
	Deleted int `json:"deleted"`
}

// deleteRetained serves DELETE …/retained/{type}, and DELETE …/retained for all types.
func (h *handler) deleteRetained(c *call) (any, error) {
	of, err := h.retainer(c)
	if err != nil {
		return nil, err
	}
	deleted, err := h.hub.DeleteRetained(c.Context(), of, c.value("type"))
	if err != nil {
		return nil, err
	}
	return deletedReply{deleted}, nil
}

// retainer returns the channel or user of the path, if the key covers it.
func (h *handler) retainer(c *call) (notify.Target, error) {
	of := notify.ToUser(c.value("userId"))
	if channel := c.value("channel"); channel != "" {
		of = notify.ToChannel(channel)
	}
	return of, c.key.permit("", of.Subjects()...)
}

func (h *handler) positionRoute(c components) route {
	return route{
		Method: "GET", Path: "/v1/position", ID: "position", Group: groupNotifications,
		Summary: "Get the present position in the log",
		Doc: "A client that connects with it as since gets everything that is published after " +
			"this response. Read your state after the response, and nothing falls between state " +
			"and stream. Pages, which have no API key, get it from the same route below the path " +
			"of streams.",
		Reply: objectRef(c.position), Example: examplePosition, handle: h.position,
	}
}

const (
	examplePosition = `{"position":"5f3a9c01-1042"}`
	exampleRetained = `{"retained":[{"id":"5f3a9c01-1042","type":"status","data":{"open":true},` +
		`"timestamp":"2026-11-22T10:00:00.000Z","metadata":{"retained":true}}]}`
)

// retainedRoutes returns the routes of channels and of users.
func (h *handler) retainedRoutes(c components) []route {
	kind := param{Name: "type", In: "path", Required: true, Doc: "the type of the notification",
		Example: "status", Names: "type"}
	var routes []route
	for _, of := range []struct {
		path, id, name string
		param          param
	}{
		{"/v1/channels/{channel}", "Channel", "a channel", channelParam()},
		{"/v1/users/{userId}", "User", "a user", userParam()},
	} {
		routes = append(routes, route{
			Method: "GET", Path: of.path + "/retained", ID: "list" + of.id + "Retained",
			Group: groupUsers, Summary: "List the retained notifications of " + of.name,
			Doc:    "The oldest first: one of each type, as connections that join receive them.",
			Params: []param{of.param}, Reply: objectRef(c.retained), Example: exampleRetained,
			handle: h.retained,
		}, route{
			Method: "DELETE", Path: of.path + "/retained/{type}", ID: "delete" + of.id + "Retained",
			Group: groupUsers, Summary: "Delete the retained notification of a type of " + of.name,
			Doc: "None of that type is not an error. Connections that have it are not informed: " +
				"publish a notification if they have to know.",
			Params: []param{of.param, kind}, Reply: objectRef(c.deleted),
			Example: `{"deleted":1}`, handle: h.deleteRetained,
		}, route{
			Method: "DELETE", Path: of.path + "/retained", ID: "deleteAll" + of.id + "Retained",
			Group: groupUsers, Summary: "Delete all retained notifications of " + of.name,
			Params: []param{of.param}, Reply: objectRef(c.deleted),
			Example: `{"deleted":2}`, handle: h.deleteRetained,
		})
	}
	return routes
}

func positionObject() *object {
	return &object{Name: "Position", Doc: "A position in the log.", Fields: []field{
		{Name: "position", Required: true, Doc: "an id, for since", Schema: idSchema()},
	}}
}

func retainedObject(delivered *object) *object {
	return &object{Name: "Retained", Doc: "Retained notifications.", Fields: []field{
		{
			Name: "retained", Required: true, Doc: "the oldest first",
			Schema: listOf(objectRef(delivered)),
		},
	}}
}

func deletedObject() *object {
	return &object{Name: "Deleted", Doc: "The retained notifications that are deleted.",
		Fields: []field{
			{Name: "deleted", Required: true, Doc: "their number", Schema: countSchema()},
		}}
}
