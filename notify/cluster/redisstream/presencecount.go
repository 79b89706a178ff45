package redisstream

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxField = 512     // bytes of a field
	maxLabel = 256     // bytes of a name; longer ones are cut
	maxCount = 1 << 30 // of one field
	// fieldCost is the memory of a field besides its text.
	fieldCost = 160
)

// count is the value of a field: a number, and perhaps a name. Its text is "3" or "3 Ada".
type count struct {
	n    int
	name string
}

func (c count) String() string {
	text := strconv.Itoa(c.n)
	if c.name != "" {
		text += " " + c.name
	}
	return text
}

func (c count) cost(field string) int { return fieldCost + len(field) + len(c.name) }

// parseCount accepts what String returns, and 0.
func parseCount(text string) (c count, ok bool) {
	number, name, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > maxCount || number != strconv.Itoa(n) || len(name) > maxLabel ||
		!utf8.ValidString(name) {
		return count{}, false
	}
	return count{n, name}, true
}

// label cuts a name that is too long, between two characters.
func label(name string) string {
	if len(name) > maxLabel {
		name = strings.ToValidUTF8(name[:maxLabel], "")
	}
	return name
}
