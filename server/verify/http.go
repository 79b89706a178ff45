package verify

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody is how much of a response is read.
const maxBody = 1 << 20

// newClient returns a client that follows no redirects, which could send keys elsewhere, and that
// decodes nothing, so that checks see what a proxy encodes.
func newClient(o Options, fresh bool) *http.Client {
	config := o.TLS.Clone() // net/http writes the protocols of HTTP into it
	return &http.Client{
		Transport: &http.Transport{
			Proxy: o.Proxy, DialContext: o.Dial, TLSClientConfig: config, ForceAttemptHTTP2: true,
			DisableCompression: true, DisableKeepAlives: fresh,
			TLSHandshakeTimeout: 10 * time.Second, ExpectContinueTimeout: time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	proto  string // such as HTTP/1.1
	alpn   string // that TLS has agreed on
	roomcast
}

// roomcast tells who has answered.
type roomcast struct {
	own  bool   // the server itself, not a proxy
	code string // of its problem document
}

// String describes an answer in a sentence.
func (a answer) String() string {
	text := fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	switch kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); {
	case a.code != "":
		return text + " with the code " + a.code
	case a.redirect() != "":
		return text + ", a redirect to " + a.redirect()
	case !a.own && kind != "":
		return text + " (" + kind + ")"
	}
	return text
}

// redirect returns the URL to which the answer leads, without its query, which can have a ticket of
// the request; "" if it leads nowhere.
func (a answer) redirect() string {
	location, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status < 300 || a.status > 399 {
		return ""
	}
	return (&url.URL{Scheme: location.Scheme, Host: location.Host, Path: location.Path}).String()
}

// later reports whether the server has asked to come back.
func (a answer) later() bool {
	return a.own && (a.status == http.StatusTooManyRequests ||
		a.status == http.StatusServiceUnavailable)
}

// url returns the URL of a path of the server.
func (r *run) url(path string, query url.Values) string {
	u := r.o.Base.JoinPath(path)
	if strings.HasSuffix(path, "/") && !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	u.RawQuery = query.Encode()
	return u.String()
}

func (r *run) request(
	ctx context.Context, method, url, body string, headers ...string,
) *http.Request {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil { // the base was parsed, so it is the program that is wrong
		panic("verify: " + withoutURL(err).Error())
	}
	req.Header.Set("X-Request-ID", "verify-"+strings.ToLower(rand.Text()[:12]))
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

// do sends a request and reads the response, for at most twice the patience.
func (r *run) do(client *http.Client, req *http.Request) (answer, error) {
	ctx, cancel := context.WithTimeout(req.Context(), 2*r.patience())
	defer cancel()
	start := time.Now()
	a, err := r.exchange(client, req.WithContext(ctx))
	if err == nil {
		r.took(time.Since(start))
	}
	return a, err
}

// exchange sends a request and reads the response.
func (r *run) exchange(client *http.Client, req *http.Request) (answer, error) {
	res, err := client.Do(req)
	if err != nil {
		return answer{}, withoutURL(err)
	}
	defer res.Body.Close()
	a, err := readAnswer(req.Header.Get("X-Request-ID"), res)
	if err != nil {
		return answer{}, withoutURL(err)
	}
	if res.TLS != nil {
		a.alpn = res.TLS.NegotiatedProtocol
	}
	return a, nil
}

// readAnswer reads the response to the request with this id. After an error the answer has a part of
// the body.
func readAnswer(id string, res *http.Response) (answer, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	return answer{status: res.StatusCode, header: res.Header, body: body, proto: res.Proto,
		roomcast: whoAnswered(id, res.Header, body)}, err
}

// get is do for a simple GET.
func (r *run) get(
	ctx context.Context, path string, query url.Values, headers ...string,
) (answer, error) {
	return r.do(r.http, r.request(ctx, http.MethodGet, r.url(path, query), "", headers...))
}

// took notes the time of a simple answer.
func (r *run) took(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slowest = max(r.slowest, d)
}

// whoAnswered finds whether the server has answered: it repeats the id of the request, and its
// errors have their own form.
func whoAnswered(id string, header http.Header, body []byte) (w roomcast) {
	w.own = header.Get("X-Request-ID") == id || engineCode(body) >= 0
	if strings.HasPrefix(header.Get("Content-Type"), "application/problem+json") {
		var problem struct{ Code string }
		if json.Unmarshal(body, &problem) == nil && problem.Code != "" {
			w = roomcast{own: true, code: problem.Code}
		}
	}
	return w
}

// engineCode returns the code of an error of Engine.IO, or -1.
func engineCode(body []byte) int {
	refused := struct {
		Code    *int
		Message string
	}{}
	if !bytes.HasPrefix(body, []byte("{")) || json.Unmarshal(body, &refused) != nil ||
		refused.Code == nil || refused.Message == "" {
		return -1
	}
	return *refused.Code
}

// withoutURL removes the URL from an error of net/http, because its query may have a ticket.
func withoutURL(err error) error {
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return err
}
