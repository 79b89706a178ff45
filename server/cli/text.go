package cli

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

// names is a flag that may be repeated. A comma is part of a name here, unlike in the lists of the settings: user ids
// may have one.
type names []string

// Decode implements kong.MapperValue.
func (n *names) Decode(ctx *kong.DecodeContext) error {
	token, err := ctx.Scan.PopValue("name")
	if err != nil {
		return err
	}
	*n = append(*n, token.String())
	return nil
}

// clean makes text from elsewhere safe for a terminal, where control sequences can move the cursor and format
// characters can reorder a line: those are shown as escapes.
func clean(s string) string {
	if strings.IndexFunc(s, unsafe) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !unsafe(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// unsafe reports whether r is not for a terminal. A line end is: our own texts have some, and in data of others JSON
// has escaped it.
func unsafe(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
