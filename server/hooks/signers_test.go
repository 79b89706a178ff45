package hooks

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/roomcast/roomcast/auth"
)

// signed is a receiver that notes which secrets have signed each request, and accepts none of them.
type signed struct {
	t       *testing.T
	secrets []auth.Secret
	got     chan []int
}

func (s *signed) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	by := []int{}
	for i, secret := range s.secrets {
		verifier, err := standardwebhooks.NewWebhookRaw(secret)
		if err != nil {
			s.t.Error(err)
		} else if verifier.Verify(body, r.Header) == nil {
			by = append(by, i)
		}
	}
	if n := len(strings.Fields(r.Header.Get("webhook-signature"))); n != len(by) {
		s.t.Errorf("%d signatures, of which %d are known", n, len(by))
	}
	s.got <- by
	return &http.Response{StatusCode: 500, Header: http.Header{}, Request: r, ProtoMajor: 1,
		ProtoMinor: 1, Body: http.NoBody}, nil
}

// The secrets of a running server are replaced in two steps: each request has a signature for each
// secret of its moment, also a batch of webhooks that is sent again.
func TestReloadedSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		secrets := []auth.Secret{auth.Secret(strings.Repeat("o", 24)), auth.Secret(strings.Repeat("n", 24))}
		receiver := &signed{t: t, secrets: secrets, got: make(chan []int, 1)}
		r := newHookRig(t, func(o *Options) {
			o.Secrets, o.transport = secrets[:1], receiver
			o.Webhooks.Retry = time.Hour
		})
		defer r.close()
		h := r.receivers[0].h
		r.emitted(0, 1)
		check := func(want ...int) {
			t.Helper()
			if got := <-receiver.got; !reflect.DeepEqual(got, want) { // of the batch, again and again
				t.Errorf("the webhook is signed by %v, want %v", got, want)
			}
			_, err := h.request(t.Context(), "event", "http://app.test/", nil, expected{max: maxAnswer})
			if got := <-receiver.got; !reflect.DeepEqual(got, want) || outcomeOf(err) != "status" {
				t.Errorf("the event is signed by %v, want %v: %v", got, want, err)
			}
		}
		reload := func(secrets ...auth.Secret) error { return h.Reload(Options{Secrets: secrets}) }
		check(0)
		for name, wrong := range map[string][]auth.Secret{
			"Secrets is empty":       nil,
			"secret 2 has 5 bytes":   {secrets[1], auth.Secret("short")},
			"secret 1 starts with w": {auth.Secret("whsec_?????????????????????")},
		} {
			if err := reload(wrong...); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		check(0) // nothing has changed
		for _, step := range []struct {
			secrets []auth.Secret
			want    []int
		}{
			{secrets, []int{0, 1}}, {[]auth.Secret{secrets[1], secrets[0]}, []int{0, 1}}, {secrets[1:], []int{1}},
		} {
			if err := reload(step.secrets...); err != nil {
				t.Fatal(err)
			}
			check(step.want...)
		}
	})
}
