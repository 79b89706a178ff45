package api

import (
	"net/http"

	"github.com/roomcast/roomcast/server/edge"
)

// requestView says how a request has arrived, which depends on the proxies on its way.
type requestView struct {
	Address      string `json:"address"` // of the client, as limits count it
	Peer         string `json:"peer"`    // of the connection
	Protocol     string `json:"protocol"`
	Host         string `json:"host"`
	ForwardedFor string `json:"forwardedFor"`
}

// showRequest serves GET /v1/request. It does not depend on the scope of the key: a request shows
// nothing of others.
func (h *handler) showRequest(c *call) (any, error) {
	view := requestView{Protocol: c.Proto, Host: c.Host,
		ForwardedFor: c.Header.Get(edge.HeaderForwardedFor)}
	if ip := edge.ClientIP(c.Request); ip.IsValid() {
		view.Address = ip.String()
	}
	if ip := edge.RemoteIP(c.RemoteAddr); ip.IsValid() {
		view.Peer = ip.String()
	}
	return view, nil
}

func (h *handler) requestRoute(c components) route {
	return route{
		Method: http.MethodGet, Path: "/v1/request", ID: "request", Group: groupService,
		Summary: "Show how this request has arrived",
		Doc: "It shows what the proxies on the way make of a request, for roomcast verify: above all " +
			"the address by which the server counts a client.",
		Reply: objectRef(c.request),
		Example: `{"address":"198.51.100.7","peer":"10.0.0.2","protocol":"HTTP/1.1",` +
			`"host":"push.example.com","forwardedFor":"198.51.100.7"}`,
		handle: h.showRequest,
	}
}

func requestObject() *object {
	return &object{Name: "Request", Doc: "How a request has arrived.", Fields: []field{
		{Name: "address", Required: true, Schema: schema{"type": "string"},
			Doc: "the address of the client, as limits count it; TRUSTED_PROXIES decides whether " +
				"X-Forwarded-For counts. 127.0.0.1 for a Unix socket"},
		{Name: "peer", Required: true, Schema: schema{"type": "string"},
			Doc: "the address of the connection, such as that of a proxy. 127.0.0.1 for a Unix socket"},
		{Name: "protocol", Required: true, Schema: schema{"type": "string"}, Doc: "the version of HTTP"},
		{Name: "host", Required: true, Schema: schema{"type": "string"}, Doc: "the header Host"},
		{Name: "forwardedFor", Required: true, Schema: schema{"type": "string"},
			Doc: "the header X-Forwarded-For, trusted or not"},
	}}
}
