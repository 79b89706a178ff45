package cli

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

// names is a flag that may be repeated. Unlike in the lists of the settings, a comma is part of a
// name, because user ids may contain one.
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

// clean makes text of others safe for a terminal. It escapes control sequences, which can move the
// cursor, and format characters, which can reorder a line.
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

// unsafe reports whether r must not be printed. A line end may: the program's own texts contain
// some, and JSON escapes those in data.
func unsafe(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
