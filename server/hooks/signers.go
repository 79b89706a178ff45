package hooks

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/roomcast/roomcast/auth"
)

// MinSecret is the length of a secret in bytes, the minimum of Standard Webhooks.
const MinSecret = 24

// CheckSecrets reports which secret cannot sign requests. Its error does not show the secret.
func CheckSecrets(secrets []auth.Secret) error {
	_, err := readSecrets(secrets)
	return err
}

// Reload replaces Secrets by those of o, and ignores the other options. Requests are signed with the
// new ones from then on, repeated ones included. After an error nothing has changed. Any goroutine
// may call it.
func (h *Hooks) Reload(o Options) error { return h.signers.set(o.Secrets) }

// signers sign with the secrets of the moment. All senders share them.
type signers struct {
	current atomic.Pointer[[]*standardwebhooks.Webhook]
}

func (s *signers) set(secrets []auth.Secret) error {
	if len(secrets) == 0 {
		return errors.New("hooks: Options.Secrets is empty: a handler could not tell the " +
			"requests of this server from those of others")
	}
	list, err := readSecrets(secrets)
	if err != nil {
		return fmt.Errorf("hooks: %w", err)
	}
	s.current.Store(&list)
	return nil
}

// sign returns the signatures of a body, one for each secret.
func (s *signers) sign(id string, now time.Time, body []byte) (string, error) {
	var signatures []string
	for _, signer := range *s.current.Load() {
		signature, err := signer.Sign(id, now, body)
		if err != nil {
			return "", err
		}
		signatures = append(signatures, signature)
	}
	return strings.Join(signatures, " "), nil
}

func readSecrets(secrets []auth.Secret) (list []*standardwebhooks.Webhook, err error) {
	for i, secret := range secrets {
		signer, err := newSigner(secret)
		if err != nil {
			return nil, fmt.Errorf("secret %d %w", i+1, err)
		}
		list = append(list, signer)
	}
	return list, nil
}

// newSigner reads a secret: whsec_ and base64, or raw text.
func newSigner(secret auth.Secret) (*standardwebhooks.Webhook, error) {
	if n := len(secret); n < MinSecret {
		return nil, fmt.Errorf("has %d bytes, expected at least %d", n, MinSecret)
	}
	if _, encoded := strings.CutPrefix(string(secret), "whsec_"); encoded {
		signer, err := standardwebhooks.NewWebhook(string(secret))
		if err != nil { // it could show the secret
			return nil, errors.New("starts with whsec_ and is not base64 after that")
		}
		return signer, nil
	}
	return standardwebhooks.NewWebhookRaw([]byte(secret))
}
