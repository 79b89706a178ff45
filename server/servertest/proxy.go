package servertest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Service returns the path of a server program, such as nginx. Debian has these in a directory that
// is not on everybody's PATH. Without the program the test is skipped.
func Service(t testing.TB, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err == nil {
		return program
	}
	program = "/usr/sbin/" + name
	if _, err := os.Stat(program); err != nil {
		t.Skip(name + " is not installed")
	}
	return program
}

// StartProxy runs a proxy until the end of the test, and returns the address (host:port) at which
// it listens. command returns what listens at an address; it is called again with another one when
// the program has ended, because another program may have the port.
func StartProxy(t testing.TB, command func(address string) *exec.Cmd) (address string) {
	t.Helper()
	for range 10 {
		// Below the ports of clients.
		address = fmt.Sprintf("127.0.0.1:%d", 16384+rand.IntN(16384))
		if runs(t, command(address), address) {
			return address
		}
	}
	t.Fatal("the proxy does not listen")
	return ""
}

// runs reports whether a command listens at an address, or has ended.
func runs(t testing.TB, cmd *exec.Cmd, address string) (listens bool) {
	t.Helper()
	output := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Log(output)
		}
	})
	Eventually(t, "the proxy listens or ends", func() bool {
		select {
		case <-ended:
			return true
		default:
		}
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			listens = true
		}
		return listens
	})
	return listens
}

// Nginx returns a command for StartProxy: nginx with the contents of the block http. changes are
// pairs of a text, which must be there, and what replaces it.
func Nginx(t testing.TB, program, block string, changes ...string) *exec.Cmd {
	t.Helper()
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(block, changes[i]) {
			t.Fatalf("the configuration has no %s", changes[i])
		}
	}
	dir := t.TempDir()
	config := "daemon off; master_process off; pid " + dir + "/pid; error_log stderr;\n" +
		"events {}\nhttp {\naccess_log off;\n"
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += name + "_temp_path " + dir + "/" + name + ";\n"
	}
	config += strings.NewReplacer(changes...).Replace(block) + "}\n"
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return exec.Command(program, "-p", dir, "-c", file)
}
