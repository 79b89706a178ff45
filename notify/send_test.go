package notify

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// online returns a Hub with u1 on two connections, one of them in "orders", and u2 on one.
func online(t *testing.T) (h *Hub, c1, c2, c3 *Member) {
	h = newHub(t, Options{})
	c1 = attach(t, h, Attachment{ClientID: "c1", UserID: "u1", Rooms: []string{"orders"}})
	c2 = attach(t, h, Attachment{ClientID: "c2", UserID: "u1"})
	c3 = attach(t, h, Attachment{ClientID: "c3", UserID: "u2"})
	return h, c1, c2, c3
}

// kind is a Typed with a target of its own or none, as the kinds of package catalogue are.
type kind struct {
	typ string
	own Target
	err error
}

func (k kind) Build() (Notification, Target, error) {
	return Notification{Type: k.typ}, k.own, k.err
}

// types returns the types of the messages that a member pulls.
func types(m *Member) (all []string) {
	for _, d := range pull(m) {
		all = append(all, d.Message.Type)
	}
	return all
}

func TestSend(t *testing.T) {
	t.Parallel()
	h, c1, c2, c3 := online(t)
	ctx := t.Context()
	check := func(got, want any, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	paid, job := kind{typ: "paid", own: ToUser("u1")}, kind{typ: "job"}
	r, err := h.Send(ctx, paid)
	check(r, Receipt{ID: "5f3a9c01-1", Delivered: 2, Users: 1, Targets: 1, Stored: true}, err)
	r, err = h.Send(ctx, paid, ToClient("c3"), Volatile())
	check(r, Receipt{Delivered: 1, Users: 1, Targets: 1}, err)
	r, err = h.Send(ctx, kind{typ: "custom", own: ToAll()}, Except("c1", "c3"), TTL(time.Minute))
	check(r, Receipt{ID: "5f3a9c01-2", Delivered: 1, Users: 1, Targets: 1, Stored: true}, err)
	n, err := h.SendToUser(ctx, "u1", Notification{Type: "plain"}, Except("c2"))
	check(n, 1, err)
	n, err = h.SendToUser(ctx, "u9", paid)
	check(n, 0, err)
	n, err = h.SendToChannel(ctx, "orders", job)
	check(n, 1, err)
	n, err = h.Broadcast(ctx, kind{typ: "won", own: ToUser("u1")})
	check(n, 3, err)
	ok, err := h.SendToClient(ctx, "c3", kind{typ: "alert", own: ToAll()})
	check(ok, true, err)
	ok, err = h.SendToClient(ctx, "c9", kind{typ: "alert", own: ToAll()})
	check(ok, false, err)
	for i, c := range []struct {
		m    *Member
		want string
	}{
		{c1, "[paid plain job won]"},
		{c2, "[paid custom won]"},
		{c3, "[paid won alert]"},
	} {
		if got := fmt.Sprint(types(c.m)); got != c.want {
			t.Errorf("c%d got %s, want %s", i+1, got, c.want)
		}
	}
	if kept, _ := stored(t, h, []string{"*"}, Cursor{}, 0); kept[0].TTL != time.Minute {
		t.Errorf("TTL %v", kept[0].TTL)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	h, c1, _, c3 := online(t)
	if n, err := h.SendToUser(t.Context(), "u1", Text(`Say "hi" ☺`)); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if ok, err := h.SendToClient(t.Context(), "c3", Text("")); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	for m, want := range map[*Member]string{
		c1: `notification {"message":"Say \"hi\" ☺"}`,
		c3: `notification {"message":""}`,
	} {
		for _, d := range pull(m) {
			if got := d.Message.Type + " " + string(d.Message.Data); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
}

// A receipt counts the users or channels with a connection, and those in the target.
func TestPublishToMany(t *testing.T) {
	t.Parallel()
	h, c1, _, _ := online(t)
	for _, c := range []struct {
		to                        Target
		options                   []Option
		users, channels, of, sent int
	}{
		{ToUsers("u1", "u9", "u1"), nil, 1, 0, 2, 2},
		{ToUsers("u2"), nil, 1, 0, 1, 1},
		{ToUsers("u1"), []Option{Except("c1", "c2")}, 0, 0, 1, 0},
		// The argument counts, not the option.
		{ToChannels("orders", "none", "never"), []Option{ToAll()}, 1, 1, 3, 1},
		{ToAll(), nil, 2, 0, 1, 3},
	} {
		r, err := h.Publish(t.Context(), kind{typ: "x", own: ToAll()}, c.to, c.options...)
		if err != nil || r.Users != c.users || r.Channels != c.channels || r.Targets != c.of ||
			r.Delivered != c.sent {
			t.Errorf("%v: %+v, %v", c.to, r, err)
		}
	}
	if got := types(c1); len(got) != 3 {
		t.Errorf("c1 got %v", got)
	}
	if got, err := h.Publish(t.Context(), kind{typ: "x", own: ToAll()},
		ToUsers()); got != (Receipt{}) || err == nil ||
		err.Error() != "target.users: has 0 names, expected 1 to 1000" {
		t.Errorf("nobody: %v, %v", got, err)
	}
}

func TestSendErrors(t *testing.T) {
	t.Parallel()
	h, _, _, _ := online(t)
	for _, c := range []struct {
		typed   Typed
		options []Option
		want    string
	}{
		{kind{typ: "x"}, nil,
			"target: is missing, expected user, users, channel, channels, client or all"},
		{Notification{Type: "x"}, nil,
			"target: is missing, expected user, users, channel, channels, client or all"},
		{kind{err: &ValidationError{"status", `got "paid", expected pending`}}, []Option{ToAll()},
			`status: got "paid", expected pending`},
		{kind{typ: "x", own: ToAll()}, []Option{TTL(-1)},
			"ttl: is -1ns, expected a positive duration"},
	} {
		var invalid *ValidationError
		if _, err := h.Send(t.Context(), c.typed, c.options...); !errors.As(err, &invalid) ||
			err.Error() != c.want {
			t.Errorf("%+v: %v, want %s", c.typed, err, c.want)
		}
	}
	if h.Head().Seq != 0 {
		t.Error("something was sent")
	}
	h.Close()
	if n, err := h.Broadcast(t.Context(), kind{typ: "x", own: ToAll()}); n != 0 ||
		!errors.Is(err, ErrUnavailable) {
		t.Errorf("closed: %d, %v", n, err)
	}
}

// Send does not write to the caller's slice of options.
func TestSendDoesNotChangeOptions(t *testing.T) {
	t.Parallel()
	h, _, _, _ := online(t)
	options := slices.Grow([]Option{Volatile()}, 4)
	_, err := h.SendToUser(t.Context(), "u1", kind{typ: "x", own: ToAll()}, options...)
	if err != nil || options[:2][1] != nil {
		t.Errorf("%v, %v", options[:2], err)
	}
}
