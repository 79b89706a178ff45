package notify

import (
	"context"
	"errors"
	"testing"
)

// After Drain the Hub accepts nothing, in whatever form, and still delivers what it accepted.
func TestDrainRefusesPublishes(t *testing.T) {
	t.Parallel()
	h := newHub(t, DefaultOptions())
	m := attach(t, h, Attachment{ClientID: "c", UserID: "u1", Rooms: []string{"news"}})
	if _, err := h.Publish(t.Context(), Notification{Type: "before"}, ToUser("u1")); err != nil {
		t.Fatal(err)
	}
	h.Drain()
	for name, publish := range map[string]func(context.Context) error{
		"Publish": func(ctx context.Context) error {
			_, err := h.Publish(ctx, Notification{Type: "t"}, ToUser("u1"))
			return err
		},
		"volatile": func(ctx context.Context) error {
			_, err := h.Publish(ctx, Notification{Type: "t", Volatile: true}, ToUser("u1"))
			return err
		},
		"PublishBatch": func(ctx context.Context) error {
			_, err := h.PublishBatch(ctx, []Publication{
				{Notification{Type: "t", Volatile: true}, ToUser("u1")},
				{Notification{Type: "t"}, ToUser("u1")},
			})
			return err
		},
		"Say": func(ctx context.Context) error {
			_, err := h.Say(ctx, ClientMessage{Room: "news"}, func(string) bool { return true })
			return err
		},
		"Deliver": func(ctx context.Context) error {
			_, err := h.Deliver(ctx, &Message{Rooms: []string{"news"}, Type: "t"})
			return err
		},
	} {
		if err := publish(t.Context()); !errors.Is(err, ErrDraining) ||
			!errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := pull(m); len(got) != 1 || got[0].Message == nil || got[0].Message.Type != "before" {
		t.Errorf("the member got %+v", got)
	}
}
