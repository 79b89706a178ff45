package redisstream

import (
	"crypto/tls"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
)

const (
	// Timeout is the longest time that a call waits for the server.
	Timeout = 2 * time.Second

	// poolSize is how many connections commands use at the same time; the rest wait.
	poolSize = 32
	// pipelinePoolSize is how many connections with larger buffers pipelines use. Above it they use
	// those of commands.
	pipelinePoolSize = 2

	maxName = 128
)

// Options are the settings of a [Client].
type Options struct {
	// URL is the address, one of
	//
	//	redis://user:password@host:6379/0          one server
	//	rediss://…                                 the same, by TLS
	//	unix://user:password@/path/of/socket?db=0  one server, by a Unix socket
	//	redis://host:6379?cluster=true             Redis Cluster; more nodes by addr=host:port
	//	redis://host:26379?master_name=main        Sentinel; more by addr=host:port. username and
	//	                                           password are parameters, too: those in front of
	//	                                           the host are for the Sentinels
	//
	// Everything except the host is optional. skip_verify=true accepts any certificate.
	URL auth.Secret

	// Stream is the name of the stream that all nodes share. Nodes with another stream are another
	// cluster, also on the same server.
	Stream string

	// Replicate makes a publish wait until a replica has the messages too, so that a replica that takes
	// over has them. The same holds for the deletion of retained messages, and for a value that Get of a
	// KV returns: it can be that of a publish. Without a replica in half a second, the error wraps
	// notify.ErrUncertain. The default is false.
	Replicate bool

	TLS *tls.Config // for rediss; nil: the certificates of the system
	Log *zap.Logger // nil: no log

	Now func() time.Time // the clock; nil: time.Now

	timeout time.Duration // in place of Timeout, in tests; 0: Timeout
}

// DefaultOptions returns the options of a server at its usual address, with the stream that Node's
// adapter uses.
func DefaultOptions() Options {
	return Options{URL: auth.Secret("redis://127.0.0.1:6379"), Stream: "socket.io"}
}

// Check returns the error of options that are wrong, without connecting.
func (o Options) Check() error {
	if err := checkName("stream", o.Stream); err != nil {
		return err
	}
	if _, err := parseURL(string(o.URL)); err != nil {
		return fmt.Errorf("address of Redis: %w", err)
	}
	return nil
}

// checkName refuses the name of a stream that would put our keys into another slot than it, and one of a
// stream or channel that the patterns of an ACL would not mean.
func checkName(of, name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, func(r rune) bool {
			return r <= ' ' || r == 0x7f || strings.ContainsRune("{}*?[]\\", r)
		}) {
		return fmt.Errorf("%s %.40q: expected 1 to %d bytes without spaces and without {}*?[]\\", of,
			name, maxName)
	}
	return nil
}
