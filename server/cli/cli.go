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
	ExitFailed  = 1 // it was refused, or something broke
	ExitUsage   = 2 // the command line or a setting is wrong: another try needs another line
	ExitNoReply = 3 // the server is not there, or cannot now: the same line may work later
)

// Commands is what the command line has beside serve, as kong reads it; give a pointer to [config.Parse].
type Commands struct {
	Send        Send        `cmd:"" help:"Send a notification to users, channels, a client or everyone."`
	Tail        Tail        `cmd:"" help:"Follow what a user or a channel gets, with ids; resumes after a lost connection."`
	Token       Token       `cmd:"" help:"Mint a token with JWT_SECRET, for development."`
	Config      Settings    `cmd:"" help:"Print every setting with its value, where that came from, and what it means."`
	Healthcheck Healthcheck `cmd:"" help:"Ask the server whether it is ready; for containers."`
	Version     Version     `cmd:"" help:"Print the version."`
	Completion  Completion  `cmd:"" help:"Print a script that completes commands and flags in a shell."`
}

// Environment is what a command may use of the process.
type Environment struct {
	Context context.Context
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer // for notes and, by [Report], for errors
}

// Run runs the command of invocation. err is the error that came with it from [config.Parse]: commands that use no
// settings work with wrong ones too.
func Run(environment Environment, invocation config.Invocation, err error) error {
	if err != nil && invocation.Command != "version" && invocation.Command != "completion" {
		return err
	}
	return invocation.Run(environment)
}

// Report writes err for the caller and returns the exit code. With asJSON it is one object, {"error": …, "exit": …};
// mistakes in the settings are listed under "problems", and what the API refused is its problem document under "problem".
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

// WantsJSON reports whether args ask for JSON, for errors that come before args could be read.
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

// usageError is a command line that is read but makes no sense.
type usageError string

func (e usageError) Error() string { return string(e) }

// noReply is a server that could not be reached.
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
	case errors.As(err, &invalid), errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &away), errors.Is(err, errLost), errors.As(err, &refused) && refused.later():
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
