// Package systemd tells systemd the state of the process, and takes over sockets that systemd has
// opened.
package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// sendTimeout bounds a message: systemd reads them at once unless the machine has a problem.
	sendTimeout = time.Second
	maxStatus   = 1024 // bytes of a status, which systemctl shows in one line
)

// Notifier tells systemd the state of the process, as sd_notify(3) describes. It keeps the order
// that systemd expects: a reload is announced only by a process that is ready, and after the end
// has begun the process is never ready again. It is safe for concurrent use. A nil Notifier, of a
// process that systemd has not started, sends nothing.
type Notifier struct {
	address  string
	watchdog time.Duration // 0: systemd expects no signs of life

	mu    sync.Mutex
	phase phase
}

// phase is what systemd knows about the process.
type phase int

const (
	starting phase = iota
	ready
	reloading
	stopping
)

// NewNotifier reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; lookup is [os.LookupEnv] or a
// substitute. It returns nil without NOTIFY_SOCKET.
func NewNotifier(lookup func(string) (string, bool)) (*Notifier, error) {
	address, _ := lookup("NOTIFY_SOCKET")
	if address == "" {
		return nil, nil
	}
	if address[0] != '/' && address[0] != '@' {
		return nil, fmt.Errorf("NOTIFY_SOCKET: got %q, expected the path of a unix socket, "+
			"or an abstract one that begins with @", address)
	}
	n := &Notifier{address: address}
	interval, _ := lookup("WATCHDOG_USEC")
	process, _ := lookup("WATCHDOG_PID")
	if interval == "" || process != "" && process != strconv.Itoa(os.Getpid()) {
		return n, nil
	}
	usec, err := strconv.ParseInt(interval, 10, 64)
	if err != nil || usec <= 0 || usec > int64(1<<63-1)/int64(time.Microsecond) {
		return nil, fmt.Errorf("WATCHDOG_USEC: got %q, expected a number of microseconds", interval)
	}
	n.watchdog = time.Duration(usec) * time.Microsecond
	return n, nil
}

// Ready says that the process serves. systemd then starts what waits for it. Further calls do
// nothing.
func (n *Notifier) Ready(status string) error {
	return n.enter(ready, []phase{starting}, "READY=1", status)
}

// Status sets the text that systemctl status shows.
func (n *Notifier) Status(text string) error {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.send("", text)
}

// Reloading says that the process begins to read its settings again. Reloaded must follow. Before
// Ready and after Stopping both do nothing.
func (n *Notifier) Reloading() error {
	// systemd compares the time with that of its own signal.
	state := "RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonic().Microseconds(), 10)
	return n.enter(reloading, []phase{ready}, state, "reading the settings again")
}

// Reloaded says that a reload is over, whether it has changed something or not.
func (n *Notifier) Reloaded(status string) error {
	return n.enter(ready, []phase{reloading}, "READY=1", status)
}

// Stopping says that the process ends. Further calls do nothing.
func (n *Notifier) Stopping(status string) error {
	return n.enter(stopping, []phase{starting, ready, reloading}, "STOPPING=1", status)
}

// Watchdog returns how often to call Alive: twice in the time after which systemd takes the process
// for dead. 0: systemd expects no calls.
func (n *Notifier) Watchdog() time.Duration {
	if n == nil {
		return 0
	}
	return n.watchdog / 2
}

// Alive is a sign of life.
func (n *Notifier) Alive() error {
	if n == nil {
		return nil
	}
	return n.send("WATCHDOG=1", "")
}

// enter sends a state if the process is in one of the phases from which it can be reached.
func (n *Notifier) enter(next phase, from []phase, state, status string) error {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range from {
		if n.phase == p {
			n.phase = next
			return n.send(state, status)
		}
	}
	return nil
}

// send sends one message. Both parts are optional.
func (n *Notifier) send(state, status string) (err error) {
	var lines []string
	if state != "" {
		lines = append(lines, state)
	}
	if status != "" {
		lines = append(lines, "STATUS="+oneLine(status))
	}
	conn, err := net.DialTimeout("unixgram", n.address, sendTimeout)
	if err != nil {
		return fmt.Errorf("systemd: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return fmt.Errorf("systemd: %w", err)
	}
	if _, err := conn.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		return fmt.Errorf("systemd: %w", err)
	}
	return nil
}

// oneLine makes a text a value of a message, in which a line end begins the next one.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) > maxStatus {
		text = strings.ToValidUTF8(text[:maxStatus], "")
	}
	return text
}
