package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version prints the version of the build.
type Version struct {
	JSON bool `name:"json" help:"Print it as JSON."`
}

// Run prints the version.
func (v *Version) Run(e Environment) error {
	b := build()
	if v.JSON {
		return printJSON(e.Stdout, b)
	}
	text := "roomcast " + b.Version
	if b.Revision != "" {
		text += " " + b.Revision
	}
	_, err := fmt.Fprintf(e.Stdout, "%s (%s, %s)\n", text, b.Go, b.Platform)
	return err
}

// BuildVersion returns the version of the program, and the revision of its source when the binary
// has it.
func BuildVersion() (version, revision string) {
	b := build()
	return b.Version, b.Revision
}

type buildInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source; with + when it was modified
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// build returns the data that the Go tool stores in the binary.
func build() buildInfo {
	b := buildInfo{
		Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	changed := ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			b.Revision = setting.Value[:min(12, len(setting.Value))]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			changed = "+"
		}
	}
	if b.Revision != "" {
		b.Revision += changed
	}
	return b
}
