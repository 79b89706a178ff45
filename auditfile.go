package main

import (
	"fmt"
	"os"
	"sync"
)

// auditFile is the file of AUDIT_LOG_FILE. Programs that rotate logs rename it and then ask for a
// reload, which opens the name again. Any goroutine may call its methods.
type auditFile struct {
	name string

	mu    sync.Mutex
	file  *os.File   // guarded by mu; nil after close
	lines wholeLines // guarded by mu; writes to file
}

func openAuditFile(name string) (*auditFile, error) {
	f := &auditFile{name: name}
	return f, f.reopen()
}

// reopen opens the name again. After an error the former file stays.
func (f *auditFile) reopen() error {
	file, err := os.OpenFile(f.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("AUDIT_LOG_FILE: %w", err)
	}
	f.mu.Lock()
	former := f.file
	f.file, f.lines.out = file, file
	f.mu.Unlock()
	if former != nil {
		_ = former.Close()
	}
	return nil
}

// Write appends a line. The log writes an error to standard error.
func (f *auditFile) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return 0, os.ErrClosed
	}
	return f.lines.Write(line)
}

// Sync does nothing: a line that was written outlives the process.
func (*auditFile) Sync() error { return nil }

func (f *auditFile) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
	}
}
