package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxParameters bounds the parameters of a query: a map of thousands takes milliseconds, before the
// server knows who asks. A list of maxChannels with a parameter for each fits.
const maxParameters = maxChannels + 24

// isCrowded reports whether a query has more than maxParameters.
func isCrowded(r *http.Request) bool { return strings.Count(r.URL.RawQuery, "&") >= maxParameters }

// Query returns the parameters of a request as browsers and Node read them (WHATWG URL Standard,
// application/x-www-form-urlencoded): a semicolon and a malformed escape are text. Go's parser
// drops such parameters, so a channel would be missing without an error. A query with more than
// maxParameters is not read, and has none.
func Query(r *http.Request) url.Values {
	values := make(url.Values)
	if isCrowded(r) {
		return values
	}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name = unescape(name)
		values[name] = append(values[name], unescape(value))
	}
	return values
}

// unescape decodes percent-encoded bytes and plus signs.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b.WriteByte(' ')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8)
			b.WriteByte(byte(n))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// ListName returns the name of a parameter without the index that HTTP clients add to the name of
// an array: "channels" for "channels", "channels[]" and "channels[0]".
func ListName(parameter string) (name string, indexed bool) {
	name, index, found := strings.Cut(parameter, "[")
	digits, closed := strings.CutSuffix(index, "]")
	if !found || !closed || strings.Trim(digits, "0123456789") != "" {
		return parameter, false
	}
	return name, true
}

// items returns the values of the parameters with an index, such as "channels[]", in the order of
// the indexes. Each value is one item.
func items(q url.Values, names ...string) []string {
	var parameters []string
	for parameter := range q {
		if name, indexed := ListName(parameter); indexed && slices.Contains(names, name) {
			parameters = append(parameters, parameter)
		}
	}
	slices.SortFunc(parameters, func(a, b string) int { // 2 before 10
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	var all []string
	for _, parameter := range parameters {
		all = append(all, whole(q[parameter])...)
	}
	return all
}

// whole returns the values without the empty ones. Unlike split it keeps commas.
func whole(values []string) []string {
	var all []string
	for _, value := range values {
		if value = strings.TrimSpace(value); value != "" {
			all = append(all, value)
		}
	}
	return all
}
