package notify

import (
	"fmt"
	"testing"
)

// While the store is away, the keys of sessions that end have a bound. Sessions that are there stay.
func TestEndedKeysAreBounded(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	h.stop() // nothing is saved
	h.cluster = &Cluster{Node: "a"}
	h.unsaved = make(unsaved)
	attach(t, h, Attachment{ClientID: "c", Sessions: []string{"live"}})
	for i := range maxEnded {
		h.unsaved.add(fmt.Sprint(i))
	}
	for _, want := range []int{maxEnded + 1, 1} {
		h.noteSaved(nil, nil, ErrUnavailable)
		if len(h.unsaved) != want {
			t.Errorf("%d keys, want %d", len(h.unsaved), want)
		}
		h.unsaved.add("one more")
	}
	if _, ok := h.unsaved["live"]; !ok {
		t.Error("the session of a member is not saved")
	}
	h.cluster = nil
}
