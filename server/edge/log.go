package edge

import (
	"bufio"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// MaxLogValue is the maximum length of a value that a client chose, in bytes.
const MaxLogValue = 256

// WithLog writes one line per request when the request ends, so a stream is logged at its end, also
// one that goes on without its request: see Detach. The line has no query, because tokens and tickets
// may be in it. quiet, which may be nil, selects the requests to log at debug level unless they fail:
// probes and polls.
func WithLog(log *zap.Logger, quiet func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		lw := &loggedWriter{ResponseWriter: w, log: log, request: r, start: start}
		completed := false
		defer func() {
			status := lw.statusOr(http.StatusOK)
			if !completed {
				status = lw.statusOr(http.StatusInternalServerError)
			}
			info := InfoOf(r)
			info.Status = status
			if lw.detached {
				return
			}
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
			fields := requestFields(LogValue(r.Method), logPath(r), status, lw.bytes, start, info.IP, info.ID)
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

func requestFields(method, path string, status int, bytes int64, start time.Time, ip netip.Addr, id string) []zap.Field {
	return []zap.Field{
		zap.String("method", method),
		zap.String("path", path),
		zap.Int("status", status),
		zap.Int64("bytes", bytes),
		zap.Duration("duration", time.Since(start)),
		zap.String("ip", logIP(ip)),
		zap.String("request_id", id),
	}
}

// WithRecovery turns a panic into a log line with its stack and a 500 response. When the response
// has already begun, it closes the connection, so that the client notices the incomplete response.
// http.ErrAbortHandler is a handler's own request for that and is not logged.
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
			if v == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
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

// loggedWriter records the status and size of a response. It unwraps for http.ResponseController.
// It is also an http.Hijacker and http.Flusher, because gorilla/websocket and httputil check the
// writer that they get.
type loggedWriter struct {
	http.ResponseWriter
	status   int
	bytes    int64
	hijacked bool
	detached bool

	log     *zap.Logger // nil: no line is written
	request *http.Request
	start   time.Time
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

// FlushError implements the method that http.ResponseController calls.
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

// Detach implements sse.Detacher: the line of a request whose stream took the connection over is
// written when the stream ends. ended keeps copies for that, and not the request.
func (w *loggedWriter) Detach() (ended func(bytes int64)) {
	if w.log == nil || !w.log.Core().Enabled(zapcore.InfoLevel) {
		return nil
	}
	w.detached = true
	info := InfoOf(w.request)
	log, start, ip, id := w.log, w.start, info.IP, info.ID
	method, path := strings.Clone(LogValue(w.request.Method)), strings.Clone(logPath(w.request))
	status := w.statusOr(http.StatusOK)
	return func(bytes int64) {
		log.Info("request", requestFields(method, path, status, bytes, start, ip, id)...)
	}
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

// logPath returns the path without a query, even an encoded one.
func logPath(r *http.Request) string {
	path, _, _ := strings.Cut(r.URL.Path, "?")
	return LogValue(path)
}

func logIP(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return ip.String()
}

// LogValue shortens a value at a rune boundary. The encoder escapes it.
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

// panicText describes a panic value without formatting its content: a struct could contain a token.
func panicText(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case string:
		return v
	}
	return "a value of another type"
}
