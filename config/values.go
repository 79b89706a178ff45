package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/roomcast/roomcast/auth"
)

// Bytes is a size. It is written as a number, alone or with one of the units KB, MB, GB (thousands)
// and KiB, MiB, GiB.
type Bytes int64

// String returns the size in the largest binary unit that divides it.
func (b Bytes) String() string {
	for _, unit := range units {
		if unit.binary && b != 0 && int64(b)%unit.size == 0 {
			return strconv.FormatInt(int64(b)/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// units are the units of Bytes, longer names first, because a shorter one is a suffix of a longer
// one.
var units = []struct {
	name   string
	size   int64
	binary bool
}{
	{"GiB", 1 << 30, true}, {"MiB", 1 << 20, true}, {"KiB", 1 << 10, true}, {"GB", 1e9, false},
	{"MB", 1e6, false}, {"KB", 1e3, false},
}

// mappers returns the readers for all types of Config's fields.
func (l *loader) mappers() []kong.Option {
	text := func(read func(string, *kong.Tag, reflect.Value) string) kong.Mapper {
		return mapper{l, read, false}
	}
	return []kong.Option{
		kong.KindMapper(reflect.String, text(readString)),
		kong.KindMapper(reflect.Bool, mapper{l, readBool, true}),
		kong.KindMapper(reflect.Int, text(readInt)),
		kong.KindMapper(reflect.Float64, text(readRatio)),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), text(readDuration)),
		kong.TypeMapper(reflect.TypeFor[Bytes](), text(readBytes)),
		kong.TypeMapper(reflect.TypeFor[auth.Secret](), text(readSecret)),
		kong.TypeMapper(reflect.TypeFor[[]auth.Secret](), text(readSecrets)),
		kong.TypeMapper(reflect.TypeFor[[]string](), text(readStrings)),
		kong.TypeMapper(reflect.TypeFor[[]netip.Prefix](), text(readPrefixes)),
	}
}

// mapper reads one value. read returns "", or the allowed values; the mapper stores the mistake and
// reading continues.
type mapper struct {
	l      *loader
	read   func(text string, tag *kong.Tag, target reflect.Value) (allowed string)
	isBool bool
}

// IsBool tells kong that the flag needs no value.
func (m mapper) IsBool() bool { return m.isBool }

// Decode implements kong.Mapper.
func (m mapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	text := "true"
	if !m.isBool || ctx.Scan.Peek().Type == kong.FlagValueToken {
		token, err := ctx.Scan.PopValue("value")
		if err != nil {
			return err
		}
		text = token.String()
		if b, ok := token.Value.(bool); ok { // the value of --no-…
			text = strconv.FormatBool(b)
		}
	}
	if allowed := m.read(text, ctx.Value.Tag, target); allowed != "" {
		got := strconv.Quote(text)
		if isSecret(target) {
			got = fmt.Sprintf("%d bytes", len(text))
		}
		m.l.bad[ctx.Value.Name] = bad{got, allowed}
	}
	return nil
}

func isSecret(target reflect.Value) bool {
	switch target.Interface().(type) {
	case auth.Secret, []auth.Secret:
		return true
	}
	return false
}

func readString(text string, tag *kong.Tag, target reflect.Value) string {
	allowed := choose(text, tag)
	if allowed == "" {
		target.SetString(text)
	}
	return allowed
}

// choose returns the choices of a setting if text is none of them, else "".
func choose(text string, tag *kong.Tag) (allowed string) {
	choices := tag.Get("allow")
	if choices == "" || slices.Contains(strings.Split(choices, ","), text) {
		return ""
	}
	return strings.ReplaceAll(choices, ",", ", ")
}

func readBool(text string, _ *kong.Tag, target reflect.Value) string {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "on":
		target.SetBool(true)
	case "false", "0", "no", "off":
		target.SetBool(false)
	default:
		return "true or false"
	}
	return ""
}

func readInt(text string, tag *kong.Tag, target reflect.Value) string {
	n, err := strconv.ParseInt(text, 10, 64)
	return within(n, err == nil, tag, target, "a whole number", func(s string) int64 {
		bound, _ := strconv.ParseInt(s, 10, 64)
		return bound
	})
}

func readRatio(text string, tag *kong.Tag, target reflect.Value) string {
	n, err := strconv.ParseFloat(text, 64)
	least, _ := strconv.ParseFloat(tag.Get("min"), 64)
	most, _ := strconv.ParseFloat(tag.Get("max"), 64)
	if err != nil || !(n >= least && n <= most) { // NaN is neither
		return fmt.Sprintf("a number from %v to %v, such as 0.01", least, most)
	}
	target.SetFloat(n)
	return ""
}

func readDuration(text string, tag *kong.Tag, target reflect.Value) string {
	d, err := time.ParseDuration(text)
	expected := "a duration with its unit, such as 3s,"
	if tag.Get("bare") == "ms" { // as in the applications that these settings come from
		expected = "a duration such as 3s, or a number of milliseconds,"
		if ms, bad := strconv.ParseInt(text, 10, 64); bad == nil {
			d, err = time.Duration(ms)*time.Millisecond, nil
			if d/time.Millisecond != time.Duration(ms) {
				err = strconv.ErrRange
			}
		}
	}
	return within(int64(d), err == nil, tag, target, expected, func(s string) int64 {
		bound, _ := time.ParseDuration(s)
		return int64(bound)
	})
}

func readBytes(text string, tag *kong.Tag, target reflect.Value) string {
	n, ok := parseBytes(text)
	return within(n, ok, tag, target, "a size such as 64MiB, or a number of bytes,",
		func(s string) int64 {
			bound, _ := parseBytes(s)
			return bound
		})
}

func parseBytes(text string) (int64, bool) {
	size := int64(1)
	for _, unit := range units {
		if number, ok := strings.CutSuffix(text, unit.name); ok {
			text, size = strings.TrimSpace(number), unit.size
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n * size, err == nil && n*size/size == n
}

// within sets target to n if n lies between the tags min and max; parse reads the tags.
func within(
	n int64, ok bool, tag *kong.Tag, target reflect.Value, what string, parse func(string) int64,
) string {
	least, most := tag.Get("min"), tag.Get("max")
	if !ok || n < parse(least) || n > parse(most) {
		return fmt.Sprintf("%s from %s to %s", what, least, most)
	}
	target.SetInt(n)
	return ""
}

func readSecret(text string, _ *kong.Tag, target reflect.Value) string {
	target.SetBytes([]byte(text))
	return ""
}

// duration formats d without the zeros that Go adds: 5m, not 5m0s.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
