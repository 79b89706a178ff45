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

// Log collects JSON log lines of all levels.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *Log) Sync() error { return nil }

func (l *Log) Text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Lines parses every line: what is not one JSON object per line fails.
func (l *Log) Lines(t *testing.T) []map[string]any {
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

func NewLog() (*zap.Logger, *Log) {
	buf := &Log{}
	encoder := zap.NewProductionEncoderConfig()
	encoder.TimeKey = ""
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoder), buf, zap.DebugLevel)), buf
}
