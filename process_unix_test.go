//go:build unix

package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A server goes on when the program that reads its log ends: it must not take its clients with it.
func TestServerOutlivesTheReaderOfItsLog(t *testing.T) {
	t.Parallel()
	log, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := testProgram(t)
	cmd.Stdout, cmd.Stderr = out, out // as in a container, where one program reads both
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = out.Close()
	ended := make(chan error, 1)
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	p := newProgram(t, nil)
	for lines := bufio.NewScanner(log); p.base == ""; {
		if !lines.Scan() {
			t.Fatal("it has ended before it listened")
		}
		if found := addressLine.FindStringSubmatch(lines.Text()); found != nil {
			p.base = "http://" + found[1]
		}
	}
	go func() { ended <- cmd.Wait() }()
	_ = log.Close()
	for range 3 { // each has a line in the log
		if status, text := p.publish(testKey); status != 200 || !strings.Contains(text, `"id"`) {
			t.Fatalf("without a reader of the log: %d %s", status, text)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, ended)
}

// A server goes on when the program that reads its log stops to read, such as a terminal at Ctrl-S: each
// request has a line, which must not hold it up.
func TestServerWithAStalledReaderOfItsLog(t *testing.T) {
	t.Parallel()
	p := newProgram(t, nil)
	cmd := testProgram(t, "--publish-rate", "0")
	lines := bufio.NewReader(startPiped(t, cmd))
	for p.base == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if found := addressLine.FindStringSubmatch(line); found != nil {
			p.base = "http://" + found[1]
		}
	}
	for range 600 { // their lines are twice what a pipe holds
		if status, text := p.publish(testKey); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		state, err := cmd.Process.Wait() // not cmd.Wait, which waits for the pipe
		if err == nil && !state.Success() {
			err = errors.New(state.String())
		}
		ended <- err
	}()
	awaitEnd(t, ended)
}

// SIGHUP while the server starts is a reload, too, and does not end it.
func TestHangupAtTheStart(t *testing.T) {
	t.Parallel()
	p := newProgram(t, nil)
	cmd := testProgram(t)
	cmd.Stderr = p.notes
	lines := bufio.NewScanner(startPiped(t, cmd))
	next := func(msg string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), `"msg":"`+msg+`"`) {
				return
			}
		}
		t.Fatalf("it has ended without %q: %v %s", msg, lines.Err(), p.notes)
	}
	next("starting")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	next("listening")
	next("settings reloaded")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	next("drained")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// testProgram returns a server as a process of its own, with more arguments: the program of the tests,
// which runs it with ROOMCAST_TEST_PROGRAM.
func testProgram(t *testing.T, more ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, append([]string{"--port", "0", "--admin-addr", "off"}, more...)...)
	cmd.Env = append(os.Environ(), "ROOMCAST_TEST_PROGRAM=1", "API_KEYS="+testKey)
	return cmd
}

// startPiped starts a process, and returns its output. The test kills it.
func startPiped(t *testing.T, cmd *exec.Cmd) io.Reader {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return out
}

// awaitEnd waits until a process has ended, without an error.
func awaitEnd(t *testing.T, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it has ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("it has not ended")
	}
}
