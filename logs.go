package main

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server/edge"
)

// logs are what the program writes to stdout, and the audit, which can be in a file of its own.
type logs struct {
	level     zap.AtomicLevel // of log
	log       *zap.Logger
	audit     *edge.Audit // nil with AUDIT_LOG=off
	auditFile *auditFile  // nil without AUDIT_LOG_FILE
	out       *logOutput  // of log, and of audit without a file
}

// newLogs returns the logs of the settings. The audit does not depend on LOG_LEVEL: a server that is
// otherwise silent still tells what was done to it.
func newLogs(c config.Config, stdout io.Writer) (logs, error) {
	var file *auditFile
	if c.AuditLog == "on" && c.AuditLogFile != "" {
		var err error
		if file, err = openAuditFile(c.AuditLogFile); err != nil {
			return logs{}, err
		}
	}
	l := logs{level: zap.NewAtomicLevelAt(levelOf(c)), auditFile: file, out: newLogOutput(stdout)}
	l.log = newLogger(c, l.level, l.out)
	l.out.dropped = func(lines int) {
		l.log.Warn("lines of the log were dropped, because nobody read them or they could not be written",
			zap.Int("lines", lines))
	}
	if c.AuditLog != "on" {
		return l, nil
	}
	out := zapcore.WriteSyncer(l.out)
	if file != nil {
		out = file
	}
	l.audit = edge.NewAudit(newLogger(c, zapcore.InfoLevel, out))
	return l, nil
}

// reopen opens the file of the audit again.
func (l logs) reopen() {
	if l.auditFile == nil {
		return
	}
	if err := l.auditFile.reopen(); err != nil {
		l.log.Error("the audit goes on in the former file", zap.Error(err))
	}
}

func (l logs) close() {
	l.out.close()
	if l.auditFile != nil {
		l.auditFile.close()
	}
}

// newLogger returns a logger that writes one line per entry.
func newLogger(c config.Config, level zapcore.LevelEnabler, out zapcore.WriteSyncer) *zap.Logger {
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.ISO8601TimeEncoder
	encoding.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(encoding)
	if c.LogFormat == "console" {
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(encoding)
	}
	return zap.New(zapcore.NewCore(encoder, out, level))
}

func levelOf(c config.Config) zapcore.Level {
	level, err := zapcore.ParseLevel(c.LogLevel)
	if err != nil { // config allows only known ones
		return zapcore.InfoLevel
	}
	return level
}
