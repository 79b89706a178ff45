//go:build unix

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// hangups returns a channel that gets true at each SIGHUP, the request of an operator to read the
// settings again. When the terminal that has started the program closes, the system sends SIGHUP
// too: the channel then gets false, unless the program was started with nohup.
func hangups(ctx context.Context) <-chan bool {
	onTerminal := !signal.Ignored(syscall.SIGHUP) && haveTerminal()
	signals, requests := make(chan os.Signal, 1), make(chan bool)
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-signals:
			case <-ctx.Done():
				return
			}
			select {
			case requests <- !onTerminal || haveTerminal():
			case <-ctx.Done():
				return
			}
		}
	}()
	return requests
}

// haveTerminal reports whether the process has a controlling terminal.
func haveTerminal() bool {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	_ = terminal.Close()
	return true
}

// outliveReaders lets the process go on when the program that reads its log has ended, such as a
// collector of logs. The runtime of Go would end it at the next line, with all its connections, as it
// should end a command whose output nobody reads. After this call the write fails instead.
func outliveReaders() { signal.Ignore(syscall.SIGPIPE) }
