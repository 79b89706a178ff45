package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"github.com/roomcast/roomcast/config"
)

// Emit sends an event with bare arguments.
type Emit struct {
	backend
	recipients
	Room      string `name:"room" placeholder:"NAME" help:"Send to this room of the namespace, or to this client id."`
	Namespace string `name:"namespace" placeholder:"/NAME" help:"Socket.IO namespace; the default is /."`
	Ack       bool   `name:"ack" help:"Wait for the acknowledgements of Socket.IO clients, and print them."`

	Event string    `arg:"" help:"Name of the event, such as 'chat message'."`
	Args  arguments `arg:"" optional:"" help:"Arguments as JSON; - reads one from standard input."`
}

// arguments are all remaining arguments of a command. "-" is one of them.
type arguments []string

// Decode implements kong.MapperValue.
func (a *arguments) Decode(ctx *kong.DecodeContext) error {
	for _, token := range ctx.Scan.PopWhile(func(t kong.Token) bool {
		return t.IsValue() || t.String() == "-"
	}) {
		*a = append(*a, token.String())
	}
	return nil
}

// Run sends the event.
func (m *Emit) Run(e Environment, c config.Config) error {
	fields := map[string]any{"event": m.Event}
	args := []json.RawMessage{}
	for i, text := range m.Args {
		arg, err := jsonArgument(fmt.Sprintf("argument %d", i+1), text, e.Stdin)
		if err != nil {
			return err
		}
		args = append(args, arg)
	}
	fields["args"] = args
	if err := m.fill(fields, m.Room == ""); err != nil {
		return err
	}
	if m.Room != "" {
		if fields["target"] != nil {
			return usageError("--room and another target, allowed: one of them")
		}
		fields["room"] = m.Room
	}
	if m.Namespace != "" {
		fields["namespace"] = m.Namespace
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	if !m.Ack {
		reply, err := m.post(e, c, "/v1/emit", "", body)
		if err != nil {
			return err
		}
		return m.printReceipt(e, reply)
	}
	const most = 30 * time.Second // of the API
	wait := min(m.Timeout*9/10, most)
	reply, err := m.post(e, c, "/v1/emit", "wait=ack&timeout="+wait.String(), body)
	if err != nil {
		return err
	}
	return m.printAcks(e, reply)
}

// printAcks prints one line for each client.
func (m *Emit) printAcks(e Environment, reply []byte) error {
	if m.JSON {
		return printReply(e, reply)
	}
	var r struct {
		Acks []struct {
			Client string
			Args   json.RawMessage
		}
		Missing []string
	}
	if err := json.Unmarshal(reply, &r); err != nil {
		return fmt.Errorf("the response is not that of a Roomcast server: %w", err)
	}
	for _, ack := range r.Acks {
		if _, err := fmt.Fprintln(e.Stdout, clean(ack.Client+"  "+string(ack.Args))); err != nil {
			return err
		}
	}
	for _, client := range r.Missing {
		if _, err := fmt.Fprintln(e.Stdout, clean(client+"  no acknowledgement")); err != nil {
			return err
		}
	}
	return nil
}
