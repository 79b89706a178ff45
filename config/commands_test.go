package config

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// testCommands takes the place of the program's commands.
type testCommands struct {
	Shout struct {
		Text  string `arg:""`
		To    string `name:"to" env:"SHOUT_TO"`
		Times int    `name:"times" default:"1" min:"1" max:"9"`
	} `cmd:"" help:"Shout."`
}

// Commands read their flags by the same rules as settings, and combine with them.
func TestParseCommands(t *testing.T) {
	commands := new(testCommands)
	got, err := Parse([]string{"--port=81", "shout", "hey", "--times", "3"},
		env{"SHOUT_TO": "all"}.lookup, io.Discard, commands)
	if err != nil || got.Command != "shout" || got.Config.Port != 81 ||
		got.Config.Command != "shout" {
		t.Fatalf("%+v %v", got, err)
	}
	if s := commands.Shout; s.Text != "hey" || s.To != "all" || s.Times != 3 {
		t.Errorf("%+v", s)
	}
	got, err = Parse([]string{"shout", "hey", "--times", "10"}, env{"PORT": "x"}.lookup, io.Discard,
		new(testCommands))
	want := "settings: 2 mistakes\n" +
		"  PORT (environment): got \"x\", allowed: a whole number from 0 to 65535\n" +
		"  --times: got \"10\", allowed: a whole number from 1 to 9"
	if err == nil || err.Error() != want || got.Command != "shout" || got.Config.Port != 0 {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := Parse(nil, env{}.lookup, io.Discard, new(testCommands)); err != nil ||
		got.Command != "serve" {
		t.Errorf("%+v %v", got, err)
	}
}

// The help of a command lists its own flags; the help of the program lists the settings.
func TestHelpOfCommands(t *testing.T) {
	for args, settings := range map[string]bool{
		"--help": true, "shout --help": false,
		"serve --help": true,
	} {
		var out bytes.Buffer
		_, err := Parse(strings.Fields(args), env{}.lookup, &out, new(testCommands))
		if !errors.Is(err, ErrHelp) {
			t.Fatalf("%s: %v", args, err)
		}
		if strings.Contains(out.String(), "--max-rooms") != settings ||
			strings.Contains(out.String(), "--times") == settings {
			t.Errorf("%s:\n%s", args, &out)
		}
	}
}
