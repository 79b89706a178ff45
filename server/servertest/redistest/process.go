package redistest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// start runs the server on its port, or, the first time, on a free one.
func (s *Server) start(t testing.TB) {
	t.Helper()
	isNew := s.Port == 0
	for deadline := time.Now().Add(servertest.Patience); time.Now().Before(deadline); {
		if isNew { // also after another process was faster
			s.Port, s.busPort = servertest.FreePort(t), servertest.FreePort(t)
		}
		if s.run(t) {
			return
		}
	}
	t.Fatalf("%s does not start: %s", s.program, s.Log())
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// run starts the process and reports whether it answers before it ends.
func (s *Server) run(t testing.TB) bool {
	t.Helper()
	file := filepath.Join(s.dir, "redis.conf")
	if _, err := os.Stat(file); err != nil || !s.sentinel { // a Sentinel keeps its state there
		if err := os.WriteFile(file, []byte(s.config(t)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(s.program, file)
	if s.sentinel {
		cmd.Args = append(cmd.Args, "--sentinel")
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	s.mu.Lock()
	s.cmd, s.ended = cmd, ended
	s.mu.Unlock()
	for deadline := time.Now().Add(servertest.Patience); time.Now().Before(deadline); {
		// The process that answers may be another one on the same port.
		if id, err := s.ask("INFO", "server"); err == nil &&
			strings.Contains(fmt.Sprint(id), fmt.Sprintf("process_id:%d\r", cmd.Process.Pid)) {
			if _, err := s.ask("PING"); err == nil { // INFO answers also while data is loaded
				return true
			}
		}
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	s.Kill()
	return false
}

// ask is Try with the error of the server as an error.
func (s *Server) ask(args ...string) (any, error) {
	reply, err := s.Try(args...)
	if err != nil {
		return nil, err
	}
	if e, ok := reply.(Error); ok {
		return nil, e
	}
	return reply, nil
}

// Kill ends the process as kill -9 does, if it runs.
func (s *Server) Kill() { s.end((*os.Process).Kill) }

// Stop ends the process as systems do: by SIGTERM, after which it writes its files.
func (s *Server) Stop() { s.end(terminate) }

func (s *Server) end(by func(*os.Process) error) {
	s.mu.Lock()
	cmd, ended := s.cmd, s.ended
	s.cmd = nil
	s.mu.Unlock()
	if cmd == nil {
		return
	}
	if err := by(cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = cmd.Process.Kill()
	}
	<-ended
}

// Restart starts the process again, on the same port and with the same files. It kills one that
// runs.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Kill()
	s.start(t)
}

// RestartEmpty is Restart without the data.
func (s *Server) RestartEmpty(t testing.TB) {
	t.Helper()
	s.Kill()
	for _, pattern := range []string{"appendonlydir", "*.rdb", "*.aof"} {
		names, err := filepath.Glob(filepath.Join(s.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := os.RemoveAll(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.start(t)
}

// Pause stops the process, as SIGSTOP does, until Continue. Its connections stay open.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.signal(t, pause)
}

// Continue ends Pause.
func (s *Server) Continue(t testing.TB) {
	t.Helper()
	s.signal(t, proceed)
}

func (s *Server) signal(t testing.TB, by func(*os.Process) error) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		t.Fatal("the server does not run")
	}
	if err := by(s.cmd.Process); err != nil {
		t.Fatal(err)
	}
}
