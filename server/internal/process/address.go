//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
)

// environment makes the environment of a server. address is where it will listen, if one of the
// settings has [Port]. Settings of the shell, such as PORT or GOGC, would change the figures,
// so only PATH and HOME are passed on.
func environment(settings []string) (env []string, address string, err error) {
	env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for _, setting := range settings {
		if strings.Contains(setting, Port) && address == "" {
			if address, err = FreeAddress(); err != nil {
				return nil, "", err
			}
		}
		_, port, _ := strings.Cut(address, ":")
		env = append(env, strings.ReplaceAll(setting, Port, port))
	}
	return env, address, nil
}

// FreeAddress returns an address of this machine on which nothing listens now.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// connect sends the address when a server accepts connections there. It ends with ctx.
func connect(ctx context.Context, address string, accepts chan<- string) {
	tries := time.NewTicker(20 * time.Millisecond)
	defer tries.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			accepts <- address
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tries.C:
		}
	}
}

// listening finds the address in the output of a server.
var listening = regexp.MustCompile(`https?://(127\.0\.0\.1:\d+)`)

// output keeps the end of a server's output and finds its address in it.
type output struct {
	mu      sync.Mutex
	text    []byte
	found   bool
	address chan string // receives the address once
}

const maxOutput = 4 << 10

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, b...)
	// A line that is not complete may lack digits of the port.
	match := listening.FindSubmatch(o.text)
	if match != nil && !o.found && o.text[len(o.text)-1] == '\n' {
		o.found = true
		o.address <- string(match[1])
	}
	if extra := len(o.text) - maxOutput; extra > 0 {
		o.text = append(o.text[:0], o.text[extra:]...)
	}
	return len(b), nil
}

// lastLines is the end of the output as an error.
func (o *output) lastLines() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	const shown = 300
	text := o.text[max(0, len(o.text)-shown):]
	if len(text) == 0 {
		return errors.New("it printed nothing")
	}
	return fmt.Errorf("its output ends with %q", text)
}
