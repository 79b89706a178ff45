package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/roomcast/roomcast/config"
)

// Exit codes of the program.
const (
	ExitOK      = 0
	ExitFailed  = 1  // refused, or an internal error
	ExitUsage   = 2  // wrong command line or setting: change it before the next attempt
	ExitNoReply = 3  // the server cannot be reached or is unavailable: try again later
	ExitDamaged = 65 // stored data is damaged; EX_DATAERR of sysexits.h
)

// Commands are the commands other than serve, in the form that kong reads. Pass a pointer to
// [config.Parse].
type Commands struct {
	Send        Send        `cmd:"" help:"Send a notification to users, channels, a client or everyone."`
	Emit        Emit        `cmd:"" help:"Emit an event with bare arguments, as io.to(room).emit() does."`
	Tail        Tail        `cmd:"" help:"Print the notifications of a user or a channel, with ids; resumes after a lost connection."`
	Verify      Verify      `cmd:"" help:"Check, as a client, that the proxies in front of a server pass on what clients need."`
	Token       Token       `cmd:"" help:"Mint a token with JWT_SECRET, for development."`
	Data        Data        `cmd:"" help:"Check, measure, export or back up what DATA_DIR has."`
	Config      Settings    `cmd:"" help:"Print every setting with its value, the source of the value, and its meaning."`
	Healthcheck Healthcheck `cmd:"" help:"Check that the server is ready; for containers."`
	Version     Version     `cmd:"" help:"Print the version."`
	Completion  Completion  `cmd:"" help:"Print a script that completes commands and flags in a shell."`
}

// Environment is the part of the process that a command may use.
type Environment struct {
	Context context.Context
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer // for notes and, by [Report], for errors
}

// Run runs the command of invocation. err is the error that [config.Parse] returned with it:
// commands without settings run even if the settings are wrong.
func Run(environment Environment, invocation config.Invocation, err error) error {
	if err != nil && invocation.Command != "version" && invocation.Command != "completion" {
		return err
	}
	return invocation.Run(environment)
}

// Report writes err for the caller and returns the exit code. With asJSON it writes one object,
// {"error": …, "exit": …}, which has mistakes in the settings as "problems" and the problem
// document of an API response as "problem".
func Report(stderr io.Writer, err error, asJSON bool) int {
	if err == nil {
		return ExitOK
	}
	code := exitCode(err)
	if !asJSON {
		fmt.Fprintln(stderr, "roomcast:", clean(err.Error()))
		return code
	}
	out := struct {
		Error    string          `json:"error"`
		Exit     int             `json:"exit"`
		Problems []string        `json:"problems,omitempty"`
		Problem  json.RawMessage `json:"problem,omitempty"`
	}{Error: err.Error(), Exit: code}
	var invalid *config.InvalidError
	var refused *refusal
	switch {
	case errors.As(err, &invalid):
		out.Problems = invalid.Problems
	case errors.As(err, &refused) && json.Valid(refused.body):
		out.Problem = refused.body
	}
	_ = printJSON(stderr, out)
	return code
}

// WantsJSON reports whether args contain --json, for errors that occur before args are parsed.
func WantsJSON(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "--json", "--json=true":
			return true
		case "--":
			return false
		}
	}
	return false
}

// usageError is an error in a command line that kong accepts.
type usageError string

func (e usageError) Error() string { return string(e) }

// noReply is the error of a server that cannot be reached.
type noReply struct {
	url string
	err error
}

func (e *noReply) Error() string { return "no answer from " + e.url + ": " + e.err.Error() }
func (e *noReply) Unwrap() error { return e.err }

func exitCode(err error) int {
	var (
		invalid *config.InvalidError
		usage   usageError
		away    *noReply
		refused *refusal
	)
	switch {
	case errors.Is(err, errDamaged):
		return ExitDamaged
	case errors.As(err, &invalid), errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &away), errors.Is(err, errLost),
		errors.As(err, &refused) && refused.later():
		return ExitNoReply
	}
	return ExitFailed
}

// printJSON writes v as one line.
func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
