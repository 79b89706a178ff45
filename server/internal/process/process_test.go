//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is also a server that prints nothing, when LISTEN says where.
func TestMain(m *testing.M) {
	address := os.Getenv("LISTEN")
	if address == "" {
		goleak.VerifyTestMain(m)
		return
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		panic(err)
	}
	for {
		if _, err := listener.Accept(); err != nil {
			panic(err)
		}
	}
}

// shell is a server in the language of the shell.
func shell(script string) Command {
	return Command{Args: []string{"sh", "-c", script}, Core: AnyCore}
}

func start(t *testing.T, c Command) *Process {
	t.Helper()
	p, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

const listens = "echo listening on http://127.0.0.1:4711; exec sleep 60"

func TestStartWaitsForTheAddress(t *testing.T) {
	t.Parallel()
	p := start(t, shell("echo 1; printf 'at http://127.0.0.1:47'; echo 11/; exec sleep 60"))
	if p.Addr != "127.0.0.1:4711" {
		t.Errorf("address %q", p.Addr)
	}
}

func TestStartConnectsToThePortThatItChose(t *testing.T) {
	t.Parallel()
	listen := []string{"LISTEN=127.0.0.1:" + Port}
	c := Command{Args: []string{os.Args[0]}, Env: listen, Core: AnyCore}
	p := start(t, c)
	conn, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	other := start(t, c)
	if other.Addr == p.Addr {
		t.Errorf("two servers on %s", p.Addr)
	}
}

func TestStartReportsWhyAServerEnded(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), shell("echo the port is taken >&2; exit 3"))
	const want = `exit status 3: its output ends with "the port is taken\n"`
	if fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = Start(t.Context(), Command{Args: []string{"no-program-of-this-name"}, Core: AnyCore})
	if err == nil || !strings.Contains(err.Error(), "no-program-of-this-name") {
		t.Errorf("a program that does not exist: %v", err)
	}
}

func TestStartEndsAServerThatPrintsNoAddress(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, shell("exec sleep 60"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if !strings.Contains(err.Error(), "it printed nothing") {
		t.Errorf("no word on the output: %v", err)
	}
}

func TestStopEndsTheProcess(t *testing.T) {
	t.Parallel()
	p := start(t, shell(listens))
	pid := p.cmd.Process.Pid
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the process does not run: %v", err)
	}
	p.Stop()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process after Stop: %v", err)
	}
	p.Stop() // once more is harmless
}

func TestEnvironmentIsNotThatOfTheShell(t *testing.T) {
	t.Setenv("GOGC", "7")
	c := shell(`echo "GOGC=$GOGC PORT=$PORT PATH=$PATH"; exit 1`)
	c.Env = []string{"PORT=0"}
	_, err := Start(t.Context(), c)
	want := "GOGC= PORT=0 PATH=" + os.Getenv("PATH")
	if !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestServerRunsOnItsCore(t *testing.T) {
	t.Parallel()
	server, load, err := Cores()
	if err != nil {
		t.Fatal(err)
	}
	for _, core := range []int{server, load} {
		c := shell(listens)
		c.Core = core
		p := start(t, c)
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("Cpus_allowed_list:\t%d\n", core)
		if !strings.Contains(string(status), want) {
			t.Errorf("no %q in\n%s", want, status)
		}
	}
	if again, _, err := Cores(); again != server || err != nil {
		t.Errorf("a start left this thread on core %d, %v", again, err)
	}
}

func TestCPUGrowsWithTheWorkOfTheServer(t *testing.T) {
	t.Parallel()
	busy := start(t, shell("echo http://127.0.0.1:1; while :; do :; done"))
	idle := start(t, shell(listens))
	deadline := time.Now().Add(20 * time.Second)
	for {
		got, err := busy.CPU()
		if err != nil {
			t.Fatal(err)
		}
		if got > 20*time.Millisecond {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a busy process has used %v", got)
		}
		time.Sleep(time.Millisecond)
	}
	before, err := idle.CPU()
	if err != nil {
		t.Fatal(err)
	}
	if after, err := idle.CPU(); after-before > time.Millisecond || err != nil {
		t.Errorf("an idle process used %v, %v", after-before, err)
	}
	idle.Stop()
	if _, err := idle.CPU(); err == nil {
		t.Error("a process that has ended has a processor time")
	}
	if own, err := OwnCPU(); own <= 0 || err != nil {
		t.Errorf("this process used %v, %v", own, err)
	}
}
