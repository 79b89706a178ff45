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

// publisherEnv makes a test binary a publisher: its value is the PublisherOptions.
const publisherEnv = "ROOMCAST_TEST_PUBLISHER"

// MaybePublisher makes this process a publisher if Elsewhere started it. A TestMain calls it first.
func MaybePublisher() {
	text := os.Getenv(publisherEnv)
	if text == "" {
		return
	}
	var o PublisherOptions
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	lines := json.NewEncoder(os.Stdout)
	p := newPublisher(o, ledgerLines{lines})
	p.until(ctx)
	_ = lines.Encode(ledgerLine{P99: p.P99()})
	os.Exit(0)
}

// ledgerLine is what a publisher in another process writes down.
type ledgerLine struct {
	Key, Channel, ID string
	Refused          bool
	P99              time.Duration
}

type ledgerLines struct{ *json.Encoder }

func (l ledgerLines) Try(key, channel string) { _ = l.Encode(ledgerLine{Key: key, Channel: channel}) }
func (l ledgerLines) Acked(key, id string)    { _ = l.Encode(ledgerLine{Key: key, ID: id}) }
func (l ledgerLines) Refused(key string)      { _ = l.Encode(ledgerLine{Key: key, Refused: true}) }

// Elsewhere runs a publisher in another process until stop, which returns the 99th percentile of
// the times that the acknowledged batches took. Its times are those of the server alone when this
// process is busy with thousands of clients.
func Elsewhere(t testing.TB, o PublisherOptions, book Ledger) (stop func() time.Duration) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s", publisherEnv, text))
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
	p99 := make(chan time.Duration, 1)
	go func() { p99 <- replay(out, book) }()
	stopped := false
	stop = func() (d time.Duration) {
		if !stopped {
			stopped = true
			in.Close()
			d = <-p99
			_ = cmd.Wait()
		}
		return d
	}
	t.Cleanup(func() { stop() })
	return stop
}

// replay writes down what the lines of a publisher say, to the end of them.
func replay(lines io.Reader, book Ledger) (p99 time.Duration) {
	for scan := bufio.NewScanner(lines); scan.Scan(); {
		var l ledgerLine
		switch err := json.Unmarshal(scan.Bytes(), &l); {
		case err != nil || l.Key == "":
			p99 = l.P99
		case l.ID != "":
			book.Acked(l.Key, l.ID)
		case l.Refused:
			book.Refused(l.Key)
		default:
			book.Try(l.Key, l.Channel)
		}
	}
	return p99
}
