package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stalling is an output that takes each line when it is allowed to.
type stalling struct {
	allow chan error // what Write returns; closed: nil
	mu    sync.Mutex
	text  strings.Builder
}

func (s *stalling) Write(p []byte) (int, error) {
	if err := <-s.allow; err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// A reader that stops costs a second once. What fits into the queue follows when it goes on, in order,
// then the number of those that did not.
func TestStalledReaderOfTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := &stalling{allow: make(chan error)}
		o := newLogOutput(reader)
		o.dropped = func(lines int) { _, _ = fmt.Fprintf(o, "dropped %d\n", lines) }
		start := time.Now()
		want := ""
		for i := range maxLogLines + 11 { // the first one is being written, and 10 do not fit
			line := fmt.Sprintln("line", i)
			if i <= maxLogLines {
				want += line
			}
			if n, err := o.Write([]byte(line)); n != len(line) || err != nil {
				t.Fatal(n, err)
			}
		}
		if took := time.Since(start); took != logPatience {
			t.Errorf("the callers waited for %v", took)
		}
		close(reader.allow)
		synctest.Wait()
		if _, err := o.Write([]byte("last\n")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != logPatience {
			t.Errorf("with a reader again, the callers waited for %v", took)
		}
		o.close()
		if got := reader.text.String(); got != want+"dropped 10\nlast\n" {
			t.Errorf("got %d bytes, want %d, the end is %q", len(got), len(want)+16, got[max(0, len(got)-40):])
		}
	})
}

// Large lines are bounded by their bytes, and a stop waits a second for a reader that does not go on.
func TestLogOutputIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := &stalling{allow: make(chan error)}
		o := newLogOutput(reader)
		o.dropped = func(int) {}
		line := bytes.Repeat([]byte("x"), maxLogBytes/4)
		for range 50 {
			_, _ = o.Write(line)
		}
		o.mu.Lock()
		if len(o.lines) != 4 || o.bytes != maxLogBytes || o.lost != 45 {
			t.Errorf("%d lines and %d bytes wait, %d are lost", len(o.lines), o.bytes, o.lost)
		}
		o.mu.Unlock()
		start := time.Now()
		o.close()
		if took := time.Since(start); took != logPatience {
			t.Errorf("the stop took %v", took)
		}
		close(reader.allow) // ends the goroutine
	})
}

// Lines that cannot be written, because a disk is full or the reader has ended, are counted.
func TestLogOutputCountsFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := &stalling{allow: make(chan error)}
		o := newLogOutput(reader)
		o.dropped = func(lines int) { _, _ = fmt.Fprintf(o, "dropped %d\n", lines) }
		go func() {
			for range 3 {
				reader.allow <- errors.New("no space left on device")
			}
			close(reader.allow)
		}()
		for i := range 4 {
			_, _ = io.WriteString(o, fmt.Sprintln(i))
		}
		o.close()
		if got := reader.text.String(); got != "3\ndropped 3\n" {
			t.Errorf("%q", got)
		}
	})
}

// shortFile is a file on a disk with little space.
type shortFile struct {
	bytes.Buffer
	free int
}

func (f *shortFile) Write(p []byte) (int, error) {
	n := min(len(p), f.free)
	f.free -= n
	f.Buffer.Write(p[:n])
	if n < len(p) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

// A disk that is full can cut a line. Those after it are lines of their own.
func TestLineThatWasCut(t *testing.T) {
	t.Parallel()
	file := &shortFile{free: 10}
	f := wholeLines{out: file}
	write := func(line string, fails bool) {
		t.Helper()
		if _, err := f.Write([]byte(line + "\n")); (err != nil) != fails {
			t.Errorf("%s: %v", line, err)
		}
	}
	write("first", false)
	write("second", true)
	write("third", true) // not even the line end
	file.free = 100
	write("fourth", false)
	write("fifth", false)
	if got, want := file.String(), "first\nseco\nfourth\nfifth\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
