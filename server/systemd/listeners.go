//go:build unix

package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const (
	firstDescriptor = 3  // SD_LISTEN_FDS_START
	maxDescriptors  = 16 // more than a unit for this program has
)

// Listeners takes over the sockets that systemd has opened for the process and passes on, as
// sd_listen_fds(3) describes; lookup is [os.LookupEnv] or a substitute. The result has a listener for
// each name of a socket, which is FileDescriptorName= of its unit. Each must be one of names, and at
// most one socket has a name. A single socket needs none: it gets the first of names. Without sockets
// the result is empty.
func Listeners(
	lookup func(string) (string, bool), names ...string,
) (map[string]net.Listener, error) {
	return listeners(lookup, firstDescriptor, names)
}

func listeners(
	lookup func(string) (string, bool), first int, names []string,
) (map[string]net.Listener, error) {
	process, _ := lookup("LISTEN_PID")
	count, _ := lookup("LISTEN_FDS")
	if process != strconv.Itoa(os.Getpid()) || count == "" {
		return nil, nil // none, or those of another process whose environment this one has
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > maxDescriptors {
		return nil, fmt.Errorf("LISTEN_FDS: got %q, expected a number from 0 to %d", count,
			maxDescriptors)
	}
	given, _ := lookup("LISTEN_FDNAMES")
	chosen, err := choose(n, given, names)
	if err != nil {
		return nil, err
	}
	all := make(map[string]net.Listener, n)
	for i, name := range chosen {
		l, err := listenerOf(first + i)
		if err != nil {
			for _, l := range all {
				err = errors.Join(err, l.Close())
			}
			return nil, fmt.Errorf("the socket %q of systemd: %w", name, err)
		}
		all[name] = l
	}
	return all, nil
}

// choose returns the name of each socket.
func choose(n int, given string, names []string) ([]string, error) {
	if n == 0 {
		return nil, nil
	}
	chosen := strings.Split(given, ":")
	if n == 1 && (len(chosen) != 1 || !slices.Contains(names, chosen[0])) {
		return names[:1], nil
	}
	if len(chosen) != n {
		return nil, fmt.Errorf("LISTEN_FDNAMES: got %q, expected %d names, each one of %s",
			given, n, strings.Join(names, ", "))
	}
	for i, name := range chosen {
		if !slices.Contains(names, name) || slices.Contains(chosen[:i], name) {
			return nil, fmt.Errorf("LISTEN_FDNAMES: got %q as name %d, expected each of %s once at "+
				"most (FileDescriptorName= of the socket unit)", name, i+1, strings.Join(names, ", "))
		}
	}
	return chosen, nil
}

// listenerOf returns the listener of a descriptor, which it closes.
func listenerOf(fd int) (net.Listener, error) {
	syscall.CloseOnExec(fd)
	file := os.NewFile(uintptr(fd), "socket")
	if file == nil {
		return nil, fmt.Errorf("descriptor %d is none", fd)
	}
	l, err := net.FileListener(file)
	return l, errors.Join(err, file.Close())
}
