package config

import (
	"errors"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// Invocation is a parsed command line.
type Invocation struct {
	Config Config
	// Command is the name of the command; serve when args name none. It is also set when the
	// command line is valid and only settings are not; Config is empty then.
	Command string

	ctx    *kong.Context
	source source
}

// Again reads the settings of the invocation again, from the same sources. What a pipe had stays: it
// is read once. Mistakes are an [*InvalidError].
func (i Invocation) Again() (Config, error) {
	again, err := i.source.parse(io.Discard)
	return again.Config, err
}

// source is where settings are read from.
type source struct {
	args     []string
	lookup   func(string) (string, bool)
	commands []any
	pipes    pipes
}

// Run calls the Run method of the command with those of bindings that its parameters need, by type,
// and the Config.
func (i Invocation) Run(bindings ...any) error { return i.ctx.Run(append(bindings, i.Config)...) }

// Parse is [Load] for a program with more commands than serve. Each of commands points to a struct
// of kong commands. Their flags may name environment variables, which lookup reads; the settings
// file does not contain them.
func Parse(
	args []string, lookup func(string) (string, bool), stdout io.Writer, commands ...any,
) (Invocation, error) {
	return source{args, lookup, commands, pipes{}}.parse(stdout)
}

func (s source) parse(stdout io.Writer) (Invocation, error) {
	l := newLoader(s.lookup)
	l.commands, l.pipes = s.commands, s.pipes
	g, ctx, err := l.parse(s.args, stdout)
	switch {
	case l.helped:
		return Invocation{}, ErrHelp
	case err != nil:
		// The flags are invalid. Check the other sources too, so that the error is complete.
		l.fail("%s", err)
		if _, _, err := l.parse(nil, io.Discard); err != nil && !errors.Is(err, errInternal) {
			l.fail("%s", err)
		}
		return Invocation{}, &InvalidError{l.report()}
	}
	c := g.Settings
	command, _, _ := strings.Cut(ctx.Command(), " ")
	c.Command = command
	c.sources = l.sources(ctx)
	l.resolve(&c)
	if problems := l.report(); len(problems) > 0 {
		return Invocation{Command: command, ctx: ctx, source: s}, &InvalidError{problems}
	}
	return Invocation{Config: c, Command: command, ctx: ctx, source: s}, nil
}
