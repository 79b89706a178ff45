package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// The variables that make a test binary a client or a publisher. Their values are the options.
const (
	clientEnv    = "ROOMCAST_TEST_CLIENT"
	publisherEnv = "ROOMCAST_TEST_PUBLISHER"
)

// Main makes this process a client or a publisher if another test process has started it as one. A
// TestMain calls it first.
func Main() {
	var o Options
	var p PublisherOptions
	switch {
	case asks(clientEnv, &o):
		c := start(o, lines{json.NewEncoder(os.Stdout)})
		_, _ = io.Copy(io.Discard, os.Stdin)
		c.Stop()
	case asks(publisherEnv, &p):
		ctx, stop := context.WithCancel(context.Background())
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
		out := lines{json.NewEncoder(os.Stdout)}
		publisher := newPublisher(p, out)
		publisher.until(ctx)
		_ = out.Encode(line{P99: publisher.P99()})
	default:
		return
	}
	os.Exit(0)
}

func asks(name string, options any) bool {
	text := os.Getenv(name)
	if text == "" {
		return false
	}
	if err := json.Unmarshal([]byte(text), options); err != nil {
		panic(err)
	}
	return true
}

// StartElsewhere is Start in another process, which the test may stop and continue by signals. It
// ends with the test.
func StartElsewhere(t testing.TB, o Options, reader Record) *os.Process {
	t.Helper()
	process, _ := elsewhere(t, clientEnv, o, func(l line) {
		switch {
		case l.Fault != "":
			reader.Fault(l.Fault)
		case l.To != "":
			reader.Gap(l.From, l.To, l.Channels...)
		case l.Key != "":
			reader.See(l.Key, l.ID)
		default:
			reader.Start(l.ID)
		}
	})
	return process
}

// PublishElsewhere runs a publisher in another process until stop, which returns the 99th percentile
// of the times that the acknowledged batches took. These are times of the server, also when this
// process is busy with thousands of clients.
func PublishElsewhere(
	t testing.TB, o PublisherOptions, book Ledger,
) (stop func() (p99 time.Duration)) {
	t.Helper()
	var p99 time.Duration
	_, end := elsewhere(t, publisherEnv, o, func(l line) {
		switch {
		case l.Key == "":
			p99 = l.P99
		case l.ID != "":
			book.Acked(l.Key, l.ID)
		case l.Refused:
			book.Refused(l.Key)
		default:
			book.Try(l.Key, l.Channel)
		}
	})
	return func() time.Duration { end(); return p99 }
}

// elsewhere starts this test binary with options in a variable, and passes on the lines that it
// prints until end.
func elsewhere(
	t testing.TB, env string, options any, take func(line),
) (process *os.Process, end func()) {
	t.Helper()
	text, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s", env, text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			var l line
			if err := json.Unmarshal(scan.Bytes(), &l); err == nil {
				take(l)
			}
		}
	}()
	end = func() {
		in.Close()
		<-done
		_ = cmd.Wait() // an error when the test has waited
	}
	t.Cleanup(end)
	return cmd.Process, end
}

// line is what a process writes down: an attempt, an acknowledgement or a refusal of a publisher; a
// start, a message or a gap of a client.
type line struct {
	Key, ID, Channel string        `json:",omitempty"`
	Refused          bool          `json:",omitempty"`
	From, To         string        `json:",omitempty"`
	Channels         []string      `json:",omitempty"`
	P99              time.Duration `json:",omitempty"`
	Fault            string        `json:",omitempty"`
}

// lines is a Ledger and a Record for the process that reads the output.
type lines struct{ *json.Encoder }

func (l lines) Try(key, channel string) { _ = l.Encode(line{Key: key, Channel: channel}) }
func (l lines) Acked(key, id string)    { _ = l.Encode(line{Key: key, ID: id}) }
func (l lines) Refused(key string)      { _ = l.Encode(line{Key: key, Refused: true}) }
func (l lines) Start(id string)         { _ = l.Encode(line{ID: id}) }
func (l lines) See(key, id string)      { _ = l.Encode(line{Key: key, ID: id}) }

func (l lines) Fault(text string) { _ = l.Encode(line{Fault: text}) }

func (l lines) Gap(from, to string, channels ...string) {
	_ = l.Encode(line{From: from, To: to, Channels: channels})
}
