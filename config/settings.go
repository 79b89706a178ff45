package config

import (
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/roomcast/roomcast/auth"
)

// Setting is one setting in printable form.
type Setting struct {
	Name    string // the flag, without dashes before it
	Env     string // the environment variable
	Group   string
	Value   string // *** for a secret that is set
	Source  string // flag, environment, "file <name>", the name of a *_FILE setting, or default
	Doc     string // a sentence or two
	Default string
	Reloads bool // the program applies it when it reads its settings again

	index int // of the field in Config
}

// Settings returns every setting with its value and source, in the order of the reference.
func (c Config) Settings() []Setting {
	all := fields()
	v := reflect.ValueOf(c)
	for i := range all {
		s := &all[i]
		s.Value = show(v.Field(s.index).Interface())
		s.Source = c.sources[s.Env]
		if s.Source == "" {
			s.Source = "default"
		}
	}
	return all
}

// show returns a value in the form of a variable; a secret becomes ***.
func show(value any) string {
	switch v := value.(type) {
	case time.Duration:
		return duration(v)
	case []string:
		return strings.Join(v, ",")
	case []URL:
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(v), "[]"), " ", ",")
	case []netip.Prefix:
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(v), "[]"), " ", ",")
	case auth.Secret:
		if len(v) == 0 {
			return ""
		}
		return v.String()
	case []auth.Secret:
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(v), "[]"), " ", ",")
	default:
		return fmt.Sprint(v)
	}
}

// Table returns the reference of all settings as Markdown, one table for each group. The README
// contains it.
func Table() string {
	var b strings.Builder
	group := ""
	for _, s := range fields() {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n**%s**\n\n| Setting | Default | Meaning |\n| --- | --- | --- |\n",
				group)
		}
		standard := s.Default
		if standard != "" && !strings.Contains(standard, " ") {
			standard = "`" + standard + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Env, standard,
			strings.ReplaceAll(s.Doc, "|", `\|`))
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// fields returns the settings without values, from the tags of Config.
func fields() []Setting {
	t, parts := reflect.TypeFor[Config](), defaults()
	var all []Setting
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		if tag.Get("env") == "" {
			continue
		}
		standard := os.Expand(tag.Get("default"), func(name string) string { return parts[name] })
		if shown := tag.Get("shown"); shown != "" {
			standard = shown
		}
		_, reloads := tag.Lookup("reload")
		all = append(all, Setting{
			Name: tag.Get("name"), Env: tag.Get("env"), Group: tag.Get("group"),
			Doc: tag.Get("help"), Default: standard, Reloads: reloads, index: i,
		})
	}
	return all
}
