package server

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

// logBuffer collects JSON log lines of all levels.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) Sync() error { return nil }

func (l *logBuffer) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// lines parses every line: what is not one JSON object per line fails.
func (l *logBuffer) lines(t *testing.T) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for scan := bufio.NewScanner(strings.NewReader(l.text())); scan.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
			t.Fatalf("log line %q: %v", scan.Text(), err)
		}
		lines = append(lines, line)
	}
	return lines
}

func newLogBuffer() (*zap.Logger, *logBuffer) {
	buf := &logBuffer{}
	encoder := zap.NewProductionEncoderConfig()
	encoder.TimeKey = ""
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoder), buf, zap.DebugLevel)), buf
}
