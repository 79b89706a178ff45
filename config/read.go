package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// maxFile is the maximum size of a settings file and of a secret file.
const maxFile = 1 << 20

// pipeTimeout is how long a program may take to write a pipe: it may have to ask another machine.
const pipeTimeout = 10 * time.Second

// pipes has what was read from pipes, such as those of the shell's <(command), by their names. A pipe
// has nothing more when the settings are read again, so what it had at the start stays.
type pipes map[string][]byte

// readAll reads a file of at most maxFile bytes. Its errors name the file.
func (l *loader) readAll(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&os.ModeNamedPipe != 0 {
		data, known := l.pipes[path]
		if !known {
			if data, err = readPipe(path, pipeTimeout); err == nil {
				l.pipes[path] = data
			}
		}
		return data, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readOpen(f)
}

// readOpen reads the rest of a file of at most maxFile bytes.
func readOpen(f *os.File) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than 1 MiB", f.Name())
	}
	return data, err
}

// readPipe reads what programs write to a pipe, until they close it. It waits for a limited time: a
// named pipe may have no writer, and to open one without O_NONBLOCK takes until there is one.
func readPipe(path string, timeout time.Duration) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	deadline := time.Now().Add(timeout)
	_ = f.SetReadDeadline(deadline)
	for ; ; time.Sleep(10 * time.Millisecond) { // without a writer a read returns at once
		data, err := readOpen(f)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded),
			err == nil && len(data) == 0 && time.Now().After(deadline):
			return nil, fmt.Errorf("%s: no program has written to this pipe, and closed it, within %s",
				path, duration(timeout))
		case err != nil || len(data) > 0:
			return data, err
		}
	}
}

// checkText refuses the first bytes with which editors mark an encoding: they would be part of a
// secret, and are no JSON.
func checkText(text []byte) error {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(text, []byte(mark)) {
			return errors.New("starts with a byte order mark, expected UTF-8 without one")
		}
	}
	return nil
}
