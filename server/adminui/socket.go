package adminui

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/socketio"
)

// socket describes a connection in one namespace, of either transport.
type socket struct {
	ID        string    `json:"id"`
	ClientID  string    `json:"clientId"` // the same in all namespaces
	Transport string    `json:"transport"`
	Namespace string    `json:"nsp"`
	Data      data      `json:"data"`
	Handshake handshake `json:"handshake"`
	Rooms     []string  `json:"rooms"`
}

// data is what the server knows about the user, in the place of socket.data.
type data struct {
	UserID   string `json:"userId,omitempty"`
	Username string `json:"username,omitempty"`
}

type handshake struct {
	Address string            `json:"address"`
	Headers map[string]string `json:"headers"`
	Query   map[string]string `json:"query"`
	Issued  int64             `json:"issued"` // in milliseconds
	Secure  bool              `json:"secure"`
	Time    string            `json:"time"`
	URL     string            `json:"url"`
	XDomain bool              `json:"xdomain"`
}

// The parts of a request that an admin sees. Others can be secrets, such as the cookies and the
// queries of an application.
var (
	shownHeaders = []string{"Host", "Origin", "Referer", "User-Agent", "Accept-Language"}
	shownQuery   = []string{"EIO", "transport"}
)

func describe(m *notify.Member, names []string) socket {
	at := m.ConnectedAt()
	s := socket{
		ID: m.ClientID(), ClientID: m.ClientID(), Transport: m.Transport(),
		Namespace: m.Namespace(), Rooms: names,
		Data: data{edge.LogValue(m.UserID()), edge.LogValue(m.Username())},
		Handshake: handshake{
			Headers: map[string]string{}, Query: map[string]string{}, Issued: at.UnixMilli(),
			Time: at.UTC().Format(time.RFC1123),
		},
	}
	switch owner := m.Owner().(type) {
	case *socketio.Conn:
		s.ClientID = owner.ConnectionID()
		s.Handshake.fill(owner.Handshake())
	case interface{ Address() netip.Addr }: // a stream
		if ip := owner.Address(); ip.IsValid() {
			s.Handshake.Address = ip.String()
		}
	}
	return s
}

// fill takes over what an admin may see of a request.
func (h *handshake) fill(from socketio.Handshake) {
	h.Address, h.Secure = from.Address, from.Secure
	h.URL, _, _ = strings.Cut(edge.LogValue(from.URL), "?")
	h.XDomain = from.Headers.Get("Origin") != ""
	for _, name := range shownHeaders {
		if value := from.Headers.Get(name); value != "" {
			h.Headers[strings.ToLower(name)] = withoutQuery(name, edge.LogValue(value))
		}
	}
	for _, name := range shownQuery {
		if value := from.Query.Get(name); value != "" {
			h.Query[name] = edge.LogValue(value)
		}
	}
}

// withoutQuery removes the query of the page's address.
func withoutQuery(header, value string) string {
	if header == "Referer" {
		value, _, _ = strings.Cut(value, "?")
	}
	return value
}

// roomsOf returns the rooms of a member as its clients see them, its own first, and at most so many
// others, sorted.
func roomsOf(m *notify.Member, most int) []string {
	own := m.ClientID()
	var names []string
	for _, hubRoom := range m.Rooms() {
		_, name := rooms.Split(hubRoom)
		if id, ok := rooms.IsClient(name); ok {
			name = id
		}
		if name != rooms.All && name != own {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names) // a room can be two in the Hub, see notify.Hub.PlacesIn
	return append([]string{own}, names[:min(len(names), most)]...)
}

// endReason returns why a connection has ended.
func endReason(m *notify.Member) string {
	if owner, ok := m.Owner().(interface{ EndReason() string }); ok {
		return owner.EndReason()
	}
	return socketio.ReasonTransportClose
}
