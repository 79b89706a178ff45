package hooks

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/roomcast/roomcast/notify/strictjson"
)

const (
	maxAnswer        = 1 << 20  // bytes of an answer
	maxAnswerHeaders = 64 << 10 // bytes of its headers
	// idleTimeout is shorter than the 5 s after which Node closes an idle connection: a request on
	// a connection that the other side closes at that moment is lost, because no request is sent
	// twice.
	idleTimeout = 4 * time.Second
)

// sender posts signed JSON.
type sender struct {
	client  *http.Client
	signers *signers
	now     func() time.Time
	tracer  Tracer // nil: none
}

// newSender returns a sender that keeps at most a number of idle connections to one host.
func newSender(o Options, signers *signers, connections int) *sender {
	s := &sender{signers: signers, now: o.Now, tracer: o.Tracer}
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: allowed(o.AllowPrivate)}
	s.client = &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    5 * time.Second,
			MaxIdleConns:           0, // no limit over all hosts
			MaxIdleConnsPerHost:    connections,
			MaxConnsPerHost:        0, // places bound the requests, and a hook waits for no other
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxAnswerHeaders,
			DisableCompression:     true, // a small answer could become a large one
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if o.transport != nil {
		s.client.Transport = o.transport
	}
	return s
}

// CheckURL reports whether requests can be sent to a URL.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil: // its text has the URL, and a URL can have a password
		return errors.New("is not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("expected http://… or https://…")
	case u.Fragment != "":
		return errors.New("has a fragment, which is never sent")
	}
	return nil
}

// newID returns the id of a request.
func newID() string { return "msg_" + rand.Text() }

// expected says which answers are usable.
type expected struct {
	max      int  // bytes
	refusals bool // 401 and 403 are answers too
}

// reply is an answer.
type reply struct {
	status int
	text   strictjson.Checked // an object, or the zero Checked for none
}

// send sends a signed body for a hook, at most once. The error is a *Failure.
func (s *sender) send(
	ctx context.Context, hook, address, id string, body []byte, e expected,
) (answer reply, err error) {
	response, err := s.do(ctx, hook, address, id, body)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	return e.read(ctx, response)
}

// do sends a signed body once and returns the response, which has any status. The error is a
// *Failure.
func (s *sender) do(ctx context.Context, hook, address, id string, body []byte) (
	response *http.Response, err error,
) {
	now := s.now()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, failed("unreachable", "not a URL")
	}
	request.GetBody = nil // net/http sends no request again that it cannot read again
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "Roomcast")
	request.Header.Set(standardwebhooks.HeaderWebhookID, id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	signatures, err := s.signers.sign(id, now, body)
	if err != nil {
		return nil, failed("invalid", "cannot be signed: %v", err)
	}
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signatures)
	if s.tracer != nil {
		ended := s.tracer.Send(ctx, hook, request.Header)
		defer func() { ended(statusOf(response), outcomeOf(err)) }()
	}
	if response, err = s.client.Do(request); err != nil {
		return nil, transportFailure(ctx, err)
	}
	return response, nil
}

// statusOf returns 0 for no response.
func statusOf(response *http.Response) int {
	if response == nil {
		return 0
	}
	return response.StatusCode
}

// read reads the answer to a request.
func (e expected) read(ctx context.Context, response *http.Response) (answer reply, err error) {
	answer.status = response.StatusCode
	refused := answer.status == http.StatusUnauthorized || answer.status == http.StatusForbidden
	text, err := io.ReadAll(io.LimitReader(response.Body, int64(e.max)+1))
	switch {
	case err != nil:
		return answer, transportFailure(ctx, err)
	case len(text) > e.max:
		return answer, failed("invalid", "the answer is larger than %d bytes", e.max)
	case (answer.status < 200 || answer.status > 299) && !(refused && e.refusals):
		return answer, failed("status", "the answer has the status %d", response.StatusCode)
	case response.StatusCode == http.StatusNoContent || len(bytes.TrimSpace(text)) == 0:
		return answer, nil
	}
	if err := checkMedia(response, "application/json"); err != nil {
		return answer, err
	}
	answer.text, err = parseAnswer(text)
	return answer, err
}

// checkMedia checks the type of an answer. The error is a *Failure.
func checkMedia(response *http.Response, want string) error {
	got := response.Header.Get("Content-Type")
	if media, _, _ := mime.ParseMediaType(got); media != want {
		return failed("invalid", "the answer is %s, expected %s",
			strictjson.Shorten(strconv.Quote(got)), want)
	}
	return nil
}

// parseAnswer checks the JSON of an answer.
func parseAnswer(text []byte) (answer strictjson.Checked, err error) {
	answer, err = strictjson.Split(text, strictjson.Rules{Depth: maxAnswerDepth, Values: maxAnswer / 2})
	if err != nil {
		return answer, failed("invalid", "the answer is not valid: %v", err)
	}
	if answer.Kind() != strictjson.Object {
		return answer, failed("invalid", "the answer is %s, expected an object", answer.Describe())
	}
	return answer, nil
}

// maxAnswerDepth leaves the values in an answer the depth that they may have elsewhere.
const maxAnswerDepth = 36

func transportFailure(ctx context.Context, err error) *Failure {
	var denied *deniedError
	switch {
	case errors.As(err, &denied):
		return failed("refused", "%v", denied)
	case errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
		return failed("timeout", "no answer in time")
	}
	var failure *url.Error
	if errors.As(err, &failure) { // its text has the URL
		err = failure.Err
	}
	return failed("unreachable", "%v", err)
}
