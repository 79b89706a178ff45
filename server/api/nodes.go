package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/server/edge"
)

// The kinds of questions to other nodes.
const (
	kindConnections = "api.connections" // listing -> part[connectionView]
	kindUsers       = "api.users"       // listing -> part[userView]
	kindChannels    = "api.channels"    // listing -> part[channelView]
	kindConnection  = "api.connection"  // selection -> connectionView or null
	kindEnd         = "api.end"         // selection -> effect
	kindJoin        = "api.join"        // selection -> effect
	kindLeave       = "api.leave"       // selection -> effect
	kindStats       = "api.stats"       // nothing -> nodeStats
)

// everyNode is in the list of silent nodes when none could be asked.
const everyNode = "*"

// maxAnswer is the size of an answer from which on a page is cut.
const maxAnswer = cluster.MaxBody / 2

// errNodeSilent is for a connection that this node does not have while some of the others do not
// answer.
var errNodeSilent = &edge.Problem{Status: http.StatusServiceUnavailable, Code: edge.CodeUnavailable,
	Detail:     "some nodes of the cluster did not answer, and no other one has the connection; try again",
	RetryAfter: time.Second}

// answerNodes answers the questions of other nodes.
func (h *handler) answerNodes() {
	handle(h, kindConnections, h.ownConnections)
	handle(h, kindUsers, h.ownUsers)
	handle(h, kindChannels, h.ownChannels)
	handle(h, kindConnection, h.ownConnection)
	handle(h, kindEnd, h.made(h.endOwn))
	handle(h, kindJoin, h.made(h.joinOwn))
	handle(h, kindLeave, h.made(h.leaveOwn))
	handle(h, kindStats, func(struct{}) nodeStats { return h.ownStats() })
}

// handle answers questions of a kind. A question that is damaged has no answer.
func handle[Q, A any](h *handler, kind string, answer func(Q) A) {
	h.o.Bus.Handle(kind, func(_ string, body []byte) []byte {
		var question Q
		if json.Unmarshal(body, &question) != nil {
			return nil
		}
		text, err := json.Marshal(answer(question))
		if err != nil {
			return nil
		}
		return text
	})
}

// ask asks all other nodes. silent are those that did not answer, in order, or everyNode.
func ask[A any](ctx context.Context, h *handler, kind string, question any) (
	answers []A, silent []string,
) {
	if h.o.Bus == nil {
		return nil, nil
	}
	var got map[string][]byte
	body, err := json.Marshal(question)
	if err == nil {
		got, silent, err = h.o.Bus.Ask(ctx, kind, body)
	}
	if err != nil {
		h.log.Debug("other nodes not asked", zap.String("kind", kind), zap.Error(err))
		return nil, []string{everyNode}
	}
	for uid, text := range got {
		var answer A
		if json.Unmarshal(text, &answer) != nil {
			silent = append(silent, uid)
			continue
		}
		answers = append(answers, answer)
	}
	slices.Sort(silent)
	return answers, silent
}

// listing says what a page has.
type listing struct {
	User      string `json:"user,omitempty"`
	Channel   string `json:"channel,omitempty"`
	Transport string `json:"transport,omitempty"`
	After     string `json:"after,omitempty"` // the last name of the page before
	Limit     int    `json:"limit"`
}

// part is a page of one node, sorted by name.
type part[T any] struct {
	Items []T  `json:"items"`
	More  bool `json:"more"` // there are items after these
}

// fit cuts a part that is too large for an answer.
func (p part[T]) fit() part[T] {
	for len(p.Items) > 1 {
		text, err := json.Marshal(p)
		if err != nil || len(text) <= maxAnswer {
			break
		}
		p.Items, p.More = p.Items[:len(p.Items)/2], true
	}
	return p
}

// list returns a page of all nodes. add adds an item of another node with the same name.
func list[T any](
	ctx context.Context, h *handler, kind string, q listing, own part[T],
	name func(T) string, add func(to *T, other T),
) (page part[T], silent []string) {
	if h.o.Bus == nil {
		return own, nil
	}
	parts, silent := ask[part[T]](ctx, h, kind, q)
	return merge(append(parts, own), q, name, add), silent
}

// merge merges pages that begin after the same name. What is not after it is left out, so that every
// page leads on, whatever a node answers. What is behind the end of a page that has more
// is left out, because its node may have an item before that.
func merge[T any](
	parts []part[T], q listing, name func(T) string, add func(to *T, other T),
) (page part[T]) {
	var all []T
	end, cut := "", false
	for _, p := range parts {
		all = append(all, p.Items...)
		if !p.More || len(p.Items) == 0 {
			continue
		}
		if last := name(p.Items[len(p.Items)-1]); !cut || last < end {
			end, cut = last, true
		}
	}
	slices.SortStableFunc(all, func(x, y T) int { return strings.Compare(name(x), name(y)) })
	page.Items = make([]T, 0, min(len(all), q.Limit))
	for _, item := range all {
		n := len(page.Items)
		switch {
		case name(item) <= q.After:
		case cut && name(item) > end:
			return part[T]{page.Items, true}
		case n > 0 && name(page.Items[n-1]) == name(item):
			add(&page.Items[n-1], item)
		case n == q.Limit:
			return part[T]{page.Items, true}
		default:
			page.Items = append(page.Items, item)
		}
	}
	page.More = cut
	return page
}

// selection names connections, and for some questions a channel.
type selection struct {
	ClientID string `json:"clientId,omitempty"`
	User     string `json:"user,omitempty"`
	Channel  string `json:"channel,omitempty"`
	Change   string `json:"change,omitempty"` // see Servers
}

// effect is what a change did.
type effect struct {
	Found   int `json:"found"`   // connections
	Changed int `json:"changed"` // connections that were not like that before
}

// change changes the connections of a selection on all nodes. One connection is on one node only: if
// it is none of this one, and none of those that answer, the error says so.
func (h *handler) change(
	ctx context.Context, kind string, s selection, own func(selection) effect,
) (sum effect, silent []string, err error) {
	sum = own(s)
	if s.ClientID != "" && sum.Found > 0 {
		return sum, nil, nil
	}
	s.Change = h.tellServers(kind, s)
	others, silent := ask[effect](ctx, h, kind, s)
	for _, other := range others {
		sum.Found += other.Found
		sum.Changed += other.Changed
	}
	switch {
	case s.ClientID == "" || sum.Found > 0:
		return sum, silent, nil
	case len(silent) > 0:
		return sum, nil, errNodeSilent
	}
	return sum, nil, errNoConnection
}
