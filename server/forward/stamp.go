package forward

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// headerForward is in requests that a node forwards:
//
//	X-Roomcast-Forward: 1 <sender> <count> <milliseconds since 1970> <address of the client, or -> <mac>
const headerForward = "X-Roomcast-Forward"

const (
	stampVersion = "1"
	senderSize   = 16
	maxStamp     = 256 // bytes
)

var errStamp = errors.New("the header is not one of a node")

// stamp is what the header of a forwarded request says. Sender and count together are used once.
type stamp struct {
	sender string // the process
	count  uint64
	at     time.Time
	client netip.Addr // the zero Addr: it has none
}

// signed returns the header. The MAC is HMAC-SHA-256, by the secret of the receiver, over the
// fields, the method, and the path with its query.
func (s stamp) signed(secret []byte, method, uri string) string {
	text := s.text()
	return text + " " + macOf(secret, text, method, uri)
}

func (s stamp) text() string {
	client := "-"
	if s.client.IsValid() {
		client = s.client.String()
	}
	return fmt.Sprintf("%s %s %d %d %s", stampVersion, s.sender, s.count, s.at.UnixMilli(), client)
}

func macOf(secret []byte, text, method, uri string) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "roomcast forward\n%s\n%s\n%s", text, method, uri) // none has a line break
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// verify reads a header that is signed for this request.
func verify(header string, secret []byte, method, uri string) (s stamp, err error) {
	s, mac, err := parseStamp(header)
	if err != nil {
		return stamp{}, err
	}
	if !hmac.Equal([]byte(mac), []byte(macOf(secret, s.text(), method, uri))) {
		return stamp{}, errors.New("the signature is wrong")
	}
	return s, nil
}

func parseStamp(header string) (s stamp, mac string, err error) {
	fields := strings.Split(header, " ")
	if len(header) > maxStamp || len(fields) != 6 || fields[0] != stampVersion ||
		len(fields[1]) != senderSize {
		return stamp{}, "", errStamp
	}
	s.sender = fields[1]
	count, err1 := strconv.ParseUint(fields[2], 10, 64)
	ms, err2 := strconv.ParseInt(fields[3], 10, 64)
	var err3 error
	if fields[4] != "-" {
		s.client, err3 = netip.ParseAddr(fields[4])
	}
	if errors.Join(err1, err2, err3) != nil {
		return stamp{}, "", errStamp
	}
	s.count, s.at = count, time.UnixMilli(ms)
	return s, fields[5], nil
}
