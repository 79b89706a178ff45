package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/roomcast/roomcast/config"
)

// Settings prints the settings that serve would use.
type Settings struct {
	Check bool `name:"check" help:"Only check the settings."`
	JSON  bool `name:"json" help:"Print them as JSON."`
}

// Run prints the settings. Wrong settings are an error of Parse already.
func (s *Settings) Run(e Environment, c config.Config) error {
	warnings := c.Warnings()
	switch {
	case s.JSON:
		out := settingsJSON{OK: true, Warnings: append([]string{}, warnings...)}
		if !s.Check {
			for _, one := range c.Settings() {
				out.Settings = append(out.Settings, settingJSON{
					one.Env, "--" + one.Name, one.Group, one.Value, one.Source, one.Default,
					one.Doc,
				})
			}
		}
		return printJSON(e.Stdout, out)
	case s.Check:
		fmt.Fprintln(e.Stdout, "The settings are valid.")
	default:
		if err := s.print(e, c); err != nil {
			return err
		}
	}
	for _, warning := range warnings {
		fmt.Fprintln(e.Stderr, "warning:", clean(warning))
	}
	return nil
}

type settingsJSON struct {
	OK       bool          `json:"ok"`
	Warnings []string      `json:"warnings"`
	Settings []settingJSON `json:"settings,omitempty"`
}

type settingJSON struct {
	Name    string `json:"name"`
	Flag    string `json:"flag"`
	Group   string `json:"group"`
	Value   string `json:"value"`
	Source  string `json:"source"`
	Default string `json:"default"`
	Doc     string `json:"doc"`
}

func (s *Settings) print(e Environment, c config.Config) error {
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	group := ""
	for _, one := range c.Settings() {
		if one.Group != group {
			group = one.Group
			fmt.Fprintf(w, "\n# %s\n", group)
		}
		value := one.Value
		if value == "" {
			value = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", one.Env, cell(value), cell(one.Source), one.Doc)
	}
	return w.Flush()
}

// cell makes a text fit into one cell.
func cell(s string) string { return strings.ReplaceAll(clean(s), "\n", `\n`) }
