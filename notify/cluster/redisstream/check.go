package redisstream

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// ErrRefused means that a server cannot be used as it is: its version or settings, or the
// credentials, have to be changed.
var ErrRefused = errors.New("the Redis server cannot be used")

// The least version has GETDEL and exact ids of streams.
const leastMajor, leastMinor = 6, 2

// Check asks the server for its version and settings. Its error wraps [ErrRefused] or
// [ErrUnavailable]. It warns of a server on a public address without a password or TLS.
func (c *Client) Check(ctx context.Context) error {
	var text string
	var before, after time.Time
	err := c.do(ctx, func(ctx context.Context, server *redis.Client) (err error) {
		before = c.o.Now()
		text, err = server.Info(ctx).Result()
		after = c.o.Now()
		return err
	})
	if err != nil {
		return err
	}
	info := parseInfo(text)
	if err := c.checkInfo(info); err != nil {
		return err
	}
	c.warn()
	c.compareClocks(info, before, after)
	return nil
}

// maxClockOffset is below the times that nodes compare with each other: requests that they pass on are
// valid for 30 s.
const maxClockOffset = 10 * time.Second

// compareClocks warns when the clock of the server, which replied between before and after, is not that of
// this node.
func (c *Client) compareClocks(info map[string]string, before, after time.Time) {
	text := info["server_time_usec"] // missing in some servers that speak the protocol
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return
	}
	server := time.UnixMicro(us)
	offset := max(before.Sub(server), server.Sub(after))
	if offset > maxClockOffset {
		c.o.Log.Warn("the clocks of this node and of Redis differ: synchronize them, or nodes refuse requests "+
			"that others pass on, and forget an Idempotency-Key too early",
			zap.Time("node", before), zap.Time("redis", server))
	}
}

// isDenied reports whether a server refuses the credentials.
func isDenied(err error) bool {
	for _, code := range []string{"NOAUTH", "WRONGPASS", "NOPERM"} {
		if strings.Contains(err.Error(), code+" ") {
			return true
		}
	}
	return false
}

func parseInfo(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

func (c *Client) checkInfo(info map[string]string) error {
	version, policy := info["redis_version"], info["maxmemory_policy"] // Valkey sends both, too
	switch {
	case !isNewEnough(version):
		return fmt.Errorf("%w: its version is %.40q, expected %d.%d or newer", ErrRefused, version,
			leastMajor, leastMinor)
	case policy != "noeviction":
		return fmt.Errorf("%w: maxmemory-policy is %.40q, expected noeviction: "+
			"other policies remove messages when the memory is full", ErrRefused, policy)
	case info["cluster_enabled"] == "1" && c.cluster == nil:
		return fmt.Errorf("%w: it is a Redis Cluster, add cluster=true to its URL", ErrRefused)
	case info["role"] != "master":
		return fmt.Errorf("%w: it is a replica", ErrUnavailable) // also for a moment of a failover
	}
	return nil
}

func isNewEnough(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	first, err1 := strconv.Atoi(major)
	second, err2 := strconv.Atoi(minor)
	return err1 == nil && err2 == nil &&
		(first > leastMajor || first == leastMajor && second >= leastMinor)
}

// warn logs what strangers on the way to the server could do.
func (c *Client) warn() {
	remote := c.remote.Load()
	if remote == nil || !isPublic(remote.Addr()) {
		return
	}
	if c.target.Load().password == "" {
		c.o.Log.Warn("Redis has a public address and no password: everyone can read and write all "+
			"messages", zap.Stringer("addr", remote))
	}
	if !c.target.Load().tls {
		c.o.Log.Warn("Redis has a public address and the connection is not encrypted: use rediss://",
			zap.Stringer("addr", remote))
	}
}

// sharedSpace are the addresses that providers use inside of their networks (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func isPublic(addr netip.Addr) bool {
	addr = addr.Unmap()
	return addr.IsGlobalUnicast() && !addr.IsPrivate() && !sharedSpace.Contains(addr)
}
