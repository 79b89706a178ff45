package redisstream

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// R12: a server that evicts is refused, and the error names the setting.
func TestEvictionIsRefused(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"allkeys-lru", "volatile-ttl"} {
		s := redistest.Start(t, redistest.Options{Eviction: policy})
		_, err := Dial(t.Context(), options(s.URL()))
		want := "the Redis server cannot be used: maxmemory-policy is \"" + policy +
			"\", expected noeviction: other policies remove messages when the memory is full"
		if !errors.Is(err, ErrRefused) || err.Error() != want {
			t.Errorf("%s: %v", policy, err)
		}
	}
}

func TestCheckInfo(t *testing.T) {
	t.Parallel()
	good := map[string]string{"redis_version": "6.2.0", "maxmemory_policy": "noeviction",
		"role": "master", "cluster_enabled": "0"}
	c, _ := newClient(t, DefaultOptions())
	for _, test := range []struct {
		field, value string
		want         error
	}{
		{"redis_version", "6.2.0", nil},
		{"redis_version", "7.0.15", nil},
		{"redis_version", "10.0", nil},
		{"redis_version", "6.1.99", ErrRefused},
		{"redis_version", "5.9.9", ErrRefused},
		{"redis_version", "", ErrRefused},
		{"redis_version", "seven", ErrRefused},
		{"maxmemory_policy", "", ErrRefused},
		{"role", "slave", ErrUnavailable},
		{"cluster_enabled", "1", ErrRefused},
	} {
		info := map[string]string{}
		for name, value := range good {
			info[name] = value
		}
		info[test.field] = test.value
		if err := c.checkInfo(info); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s %q: %v", test.field, test.value, err)
		}
	}
}

func TestCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Password: "right",
		Users: []string{"mute on >password ~* &* -@all +ping +hello +client"}})
	for name, url := range map[string]string{
		"no password":    s.URLOf("", ""),
		"wrong password": s.URLOf("", "wrong"),
		"wrong user":     s.URLOf("nobody", "right"),
		"no INFO":        s.URLOf("mute", "password"),
	} {
		if _, err := Dial(t.Context(), options(url)); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

// A node whose clock is not that of the server warns at its start.
func TestClocksAreCompared(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	for offset, warns := range map[time.Duration]bool{
		0: false, 2 * time.Second: false, time.Hour: true, -time.Hour: true,
	} {
		o := options(s.URL())
		o.Now = func() time.Time { return time.Now().Add(offset) }
		c, log := newClient(t, o)
		if err := c.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log.Text(), "the clocks of this node and of Redis differ"); got != warns {
			t.Errorf("%v: warned %t", offset, got)
		}
	}
}

// A replica is waited for: it can be promoted.
func TestReplicaIsUnavailable(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, redistest.Options{})
	replica := redistest.Start(t, redistest.Options{ReplicaOf: primary})
	c, _ := newClient(t, options(replica.URL()))
	if err := c.Check(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a replica: %v", err)
	}
	connected := make(chan error, 1)
	go func() { connected <- c.Connect(t.Context()) }()
	replica.Do(t, "REPLICAOF", "NO", "ONE")
	if err := servertest.Receive(t, connected); err != nil {
		t.Errorf("a promoted replica: %v", err)
	}
}

// R14: a server without a password or TLS on a public address gets a warning.
func TestPublicAddress(t *testing.T) {
	t.Parallel()
	for addr, isWarned := range map[string]bool{
		"127.0.0.1:6379": false, "10.1.2.3:6379": false, "192.168.1.1:6379": false,
		"100.64.0.1:6379": false, "[::1]:6379": false, "[fd00::1]:6379": false, "[fe80::1]:6379": false,
		"[::ffff:10.0.0.1]:6379": false, "203.0.113.7:6379": true, "[2001:db8::1]:6379": true,
		"[::ffff:203.0.113.7]:6379": true,
	} {
		for url, warnings := range map[string]int{
			"redis://h": 2, "redis://:p@h": 1, "rediss://h": 1, "rediss://:p@h": 0,
		} {
			c, log := newClient(t, options(url))
			remote := netip.MustParseAddrPort(addr)
			c.remote.Store(&remote)
			c.warn()
			if !isWarned {
				warnings = 0
			}
			if got := strings.Count(log.Text(), "public address"); got != warnings {
				t.Errorf("%s at %s: %d warnings, want %d", url, addr, got, warnings)
			}
		}
	}
	s := redistest.Start(t, redistest.Options{})
	c, log := newClient(t, options(s.URL()))
	if err := c.Check(t.Context()); err != nil || log.Text() != "" {
		t.Errorf("a local server: %v %s", err, log.Text())
	}
	if remote := c.remote.Load(); remote == nil || remote.String() != s.Addr() {
		t.Errorf("the address of the connection is %v, want %s", remote, s.Addr())
	}
}
