package servertest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Log collects the lines of a log. Any goroutine may call its methods.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds lines.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Sync does nothing.
func (l *Log) Sync() error { return nil }

// Text returns all lines.
func (l *Log) Text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Lines returns the JSON object of every line.
func (l *Log) Lines(t testing.TB) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for scan := bufio.NewScanner(strings.NewReader(l.Text())); scan.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
			t.Fatalf("log line %q: %v", scan.Text(), err)
		}
		lines = append(lines, line)
	}
	return lines
}

// NewLog returns a logger that writes JSON lines of all levels, without the time, to the Log.
func NewLog() (*zap.Logger, *Log) {
	buf := &Log{}
	encoder := zap.NewProductionEncoderConfig()
	encoder.TimeKey = ""
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoder), buf, zap.DebugLevel)), buf
}
