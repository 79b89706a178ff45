package edge

import (
	"bufio"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const MaxLogValue = 256 // bytes of a value that a client chose

// WithLog writes one line per request when it ends, so a stream is logged
// at its end. The query is left out: tokens and tickets travel there. quiet
// (may be nil) picks the requests that are logged at debug level unless they
// failed: probes and the endless polls.
func WithLog(log *zap.Logger, quiet func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		lw := &loggedWriter{ResponseWriter: w}
		completed := false
		defer func() {
			status := lw.statusOr(http.StatusOK)
			if !completed {
				status = lw.statusOr(http.StatusInternalServerError)
			}
			info := InfoOf(r)
			info.Status = status
			level := zapcore.InfoLevel
			switch {
			case status >= 500 || !completed:
				level = zapcore.WarnLevel
			case quiet != nil && quiet(r):
				level = zapcore.DebugLevel
			}
			entry := log.Check(level, "request")
			if entry == nil {
				return
			}
			fields := []zap.Field{
				zap.String("method", LogValue(r.Method)),
				zap.String("path", logPath(r)),
				zap.Int("status", status),
				zap.Int64("bytes", lw.bytes),
				zap.Duration("duration", time.Since(start)),
				zap.String("ip", logIP(info)),
				zap.String("request_id", info.ID),
			}
			if !completed {
				fields = append(fields, zap.Bool("aborted", true))
			}
			if info.Err != nil {
				fields = append(fields, zap.String("error", LogValue(info.Err.Error())))
			}
			entry.Write(fields...)
		}()
		next.ServeHTTP(lw, r)
		completed = true
	})
}

// WithRecovery turns a panic into one log line with its stack and a 500 answer.
// When the answer has begun it cannot be taken back: the connection is cut, so
// that the client does not take the part for the whole. http.ErrAbortHandler is
// a handler's own wish to be cut and is passed on unlogged.
func WithRecovery(log *zap.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lw, ok := w.(*loggedWriter)
		if !ok {
			lw = &loggedWriter{ResponseWriter: w}
		}
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
				panic(v)
			}
			InfoOf(r).Panicked = true
			log.Error("panic in a request handler",
				zap.String("method", LogValue(r.Method)),
				zap.String("path", logPath(r)),
				zap.String("request_id", InfoOf(r).ID),
				zap.String("panic", LogValue(panicText(v))),
				zap.ByteString("stack", debug.Stack()))
			if lw.status != 0 || lw.hijacked {
				panic(http.ErrAbortHandler)
			}
			WriteProblem(lw, r, ErrInternal)
		}()
		next.ServeHTTP(lw, r)
	})
}

// loggedWriter remembers the status and the size of an answer. It unwraps for
// http.ResponseController, and it is an http.Hijacker and http.Flusher by itself
// because gorilla/websocket and httputil look for these on the writer they get.
type loggedWriter struct {
	http.ResponseWriter
	status   int
	bytes    int64
	hijacked bool
}

func (w *loggedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *loggedWriter) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *loggedWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

func (w *loggedWriter) Flush() { _ = w.FlushError() }

// FlushError is what http.ResponseController calls.
func (w *loggedWriter) FlushError() error {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *loggedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.hijacked = true
	}
	return c, rw, err
}

func (w *loggedWriter) statusOr(unwritten int) int {
	switch {
	case w.status != 0:
		return w.status
	case w.hijacked:
		return http.StatusSwitchingProtocols
	}
	return unwritten
}

// logPath is the path without anything that was, or was meant to be, a query.
func logPath(r *http.Request) string {
	path, _, _ := strings.Cut(r.URL.Path, "?")
	return LogValue(path)
}

func logIP(info *Info) string {
	if !info.IP.IsValid() {
		return ""
	}
	return info.IP.String()
}

// LogValue cuts a value at a rune boundary. Escaping is the encoder's work.
func LogValue(s string) string {
	if len(s) <= MaxLogValue {
		return s
	}
	cut := MaxLogValue
	for cut > MaxLogValue-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

// panicText describes a panic value without formatting what is in it: a struct
// could hold a token.
func panicText(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case string:
		return v
	}
	return "a value of another type"
}
