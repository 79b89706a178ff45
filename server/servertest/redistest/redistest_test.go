package redistest_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

func TestServer(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Append: "always"})
	if reply := s.Do(t, "SET", "k", "v\r\n\x00"); reply != "OK" {
		t.Errorf("SET: %v", reply)
	}
	if reply := s.Do(t, "INCR", "n"); reply != int64(1) {
		t.Errorf("INCR: %v", reply)
	}
	if reply, err := s.Try("INCR", "k"); err != nil || fmt.Sprintf("%T", reply) != "redistest.Error" {
		t.Errorf("INCR of a text: %v %v", reply, err)
	}
	if reply := s.Do(t, "MGET", "k", "none"); fmt.Sprintf("%q", reply) != `["v\r\n\x00" <nil>]` {
		t.Errorf("MGET: %q", reply)
	}
	port := s.Port
	s.Kill()
	if _, err := net.DialTimeout("tcp", s.Addr(), servertest.Patience); err == nil {
		t.Error("a killed server accepts connections")
	}
	s.Restart(t)
	if reply := s.Do(t, "GET", "n"); reply != "1" || s.Port != port {
		t.Errorf("after kill -9, on port %d: %v, was %d", s.Port, reply, port)
	}
	s.Stop()
	s.RestartEmpty(t)
	if reply := s.Do(t, "DBSIZE"); reply != int64(0) {
		t.Errorf("an emptied server has %v keys", reply)
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.Pause(t)
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("a paused server answers")
	}
	s.Continue(t)
	_ = conn.SetReadDeadline(time.Now().Add(servertest.Patience))
	reply := make([]byte, 7)
	if n, err := conn.Read(reply); string(reply[:n]) != "+PONG\r\n" {
		t.Errorf("after the pause: %q %v", reply[:n], err)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{
		Password: "p w", TLS: true, Eviction: "allkeys-lru", Socket: true,
		Users: []string{"reader on >pr ~* -@all +get +ping"},
	})
	if s.Info(t, "maxmemory_policy") != "allkeys-lru" {
		t.Error("the policy is another one")
	}
	if want := fmt.Sprintf("rediss://:p%%20w@127.0.0.1:%d", s.Port); s.URL() != want {
		t.Errorf("%s, want %s", s.URL(), want)
	}
	if !strings.Contains(fmt.Sprint(s.Do(t, "ACL", "LIST")), "user reader on") {
		t.Error("there is no user reader")
	}
	conn, err := tls.Dial("tcp", s.Addr(), &tls.Config{RootCAs: s.Roots()})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	local, err := net.Dial("unix", strings.TrimPrefix(s.SocketURL(), "unix://:p%20w@"))
	if err != nil {
		t.Fatal(err)
	}
	_ = local.Close()
}

func TestSentinelPromotesReplica(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, redistest.Options{Password: "secret"})
	replica := redistest.Start(t, redistest.Options{Password: "secret", ReplicaOf: primary})
	sentinel := redistest.StartSentinel(t, primary)
	sentinel.AwaitReplicas(t, 1)
	primary.Do(t, "SET", "k", "v")
	servertest.Eventually(t, "the replica has a value", func() bool {
		return replica.Do(t, "GET", "k") == "v"
	})
	primary.Kill()
	servertest.Eventually(t, "the replica is promoted", func() bool {
		text, _ := replica.Try("INFO", "replication") // the Sentinel cuts the connections of clients
		return strings.Contains(fmt.Sprint(text), "role:master\r")
	})
	servertest.Eventually(t, "the Sentinel names it", func() bool {
		reply := sentinel.Do(t, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", redistest.PrimaryName)
		return fmt.Sprint(reply) == fmt.Sprintf("[127.0.0.1 %d]", replica.Port)
	})
}

func TestCluster(t *testing.T) {
	t.Parallel()
	servers := redistest.StartCluster(t, 2)
	refused := 0
	for _, s := range servers {
		if _, err := s.Try("SET", "k", "v"); err != nil {
			t.Fatal(err)
		}
		if reply, _ := s.Try("SET", "k", "v"); strings.HasPrefix(fmt.Sprint(reply), "MOVED ") {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d of 2 servers refuse a key", refused)
	}
}
