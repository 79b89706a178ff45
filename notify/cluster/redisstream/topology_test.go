package redisstream

import (
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// The log works over TLS with a restricted user, and on a Redis Cluster, whatever server of it the
// address names; batches and values of claims are there, too.
func TestLogAddresses(t *testing.T) {
	t.Parallel()
	addresses := map[string]func(*testing.T) Options{
		"TLS": func(t *testing.T) Options {
			s := redistest.Start(t, redistest.Options{TLS: true, Users: []string{nodeUser}})
			o := options(s.URLOf("roomcast", "node-password"))
			o.TLS = &tls.Config{RootCAs: s.Roots()}
			return o
		},
		"cluster": func(t *testing.T) Options {
			return options(redistest.StartCluster(t, 3)[1].URL() + "?cluster=true")
		},
	}
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, unhurried(address(t)))
			l := openLog(t, c, nil)
			h := newHub(t, l)
			if _, err := h.PublishBatch(t.Context(), []notify.Publication{
				{Notification: notify.Notification{Type: "t"}, Target: notify.ToChannel("c")},
				{Notification: notify.Notification{Type: "t"}, Target: notify.ToChannel("c")},
			}); err != nil {
				t.Error(err)
			}
			value, err := once(t, h, answers(c), "k", "x")
			again, err2 := once(t, h, answers(c), "k", "x")
			if err != nil || err2 != nil || value != again {
				t.Errorf("%q %v, again %q %v", value, err, again, err2)
			}
			retain(t, h, "x", "1", 0)
			if n, err := h.DeleteRetained(t.Context(), notify.ToChannel("c"), ""); n != 1 || err != nil {
				t.Errorf("deleted %d, %v", n, err)
			}
			retain(t, h, "y", "1", time.Hour)
			awaitKinds(t, "y 1", h, newHub(t, openLog(t, c, nil)))
		})
	}
}

// The log follows a Sentinel to the replica that replaces the primary.
func TestLogFollowsSentinel(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, redistest.Options{})
	replica := redistest.Start(t, redistest.Options{ReplicaOf: primary})
	sentinel := redistest.StartSentinel(t, primary)
	sentinel.AwaitReplicas(t, 1)
	o := options(sentinel.URL() + "?master_name=" + redistest.PrimaryName)
	o.Replicate = true
	c := dial(t, o)
	l := openLog(t, c, nil)
	r := readFrom(t, l)
	servertest.Eventually(t, "a publish with a replica", func() bool {
		return l.Append(t.Context(), []*notify.Message{message("before")}) == nil
	})
	primary.Kill()
	servertest.Eventually(t, "the replica is promoted", func() bool {
		role, err := replica.Try("ROLE") // it cuts connections in between
		list, _ := role.([]any)
		return err == nil && len(list) > 0 && list[0] == "master"
	})
	for i := 0; ; i++ { // there is no other replica, so the outcome is not known
		m := message(fmt.Sprint("after ", i))
		_ = l.Append(t.Context(), []*notify.Message{m})
		if texts := r.texts(); texts[len(texts)-1] == string(m.Data) {
			break
		}
	}
	if texts := r.texts(); texts[0] != `"before"` || r.lost() != nil {
		t.Errorf("got %q, losses %v", texts, r.lost())
	}
}
