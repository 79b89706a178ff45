package redistest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// PrimaryName is the name of the primary that Sentinels of tests watch.
const PrimaryName = "main"

// StartSentinel starts a Sentinel that decides alone: after half a second without the primary it
// promotes a replica. The primary's password is that of the replicas, too.
func StartSentinel(t testing.TB, primary *Server) *Server {
	t.Helper()
	config := []string{
		fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 1", PrimaryName, primary.Port),
		"sentinel down-after-milliseconds " + PrimaryName + " 500",
		"sentinel failover-timeout " + PrimaryName + " 5000",
	}
	if primary.o.Password != "" {
		config = append(config, fmt.Sprintf("sentinel auth-pass %s %q", PrimaryName, primary.o.Password))
	}
	s := newServer(t, Options{Config: config})
	s.sentinel = true
	s.start(t)
	return s
}

// AwaitReplicas waits until a Sentinel knows a number of replicas, so that it can promote one.
func (s *Server) AwaitReplicas(t testing.TB, n int) {
	t.Helper()
	servertest.Eventually(t, "a Sentinel knows the replicas", func() bool {
		replicas, ok := s.Do(t, "SENTINEL", "REPLICAS", PrimaryName).([]any)
		return ok && len(replicas) == n
	})
}

// slots is the number of hash slots of a Redis Cluster.
const slots = 16384

// StartCluster starts a Redis Cluster of n primaries.
func StartCluster(t testing.TB, n int) []*Server {
	t.Helper()
	servers := make([]*Server, n)
	for i := range servers {
		servers[i] = startClusterNode(t)
		first, last := i*slots/n, (i+1)*slots/n-1
		servers[i].Do(t, "CLUSTER", "ADDSLOTSRANGE", fmt.Sprint(first), fmt.Sprint(last))
		servers[i].Do(t, "CLUSTER", "SET-CONFIG-EPOCH", fmt.Sprint(i+1))
	}
	for _, s := range servers[1:] {
		servers[0].Do(t, "CLUSTER", "MEET", "127.0.0.1", fmt.Sprint(s.Port), fmt.Sprint(s.busPort))
	}
	for _, s := range servers {
		servertest.Eventually(t, "the cluster is complete", func() bool {
			info := s.Do(t, "CLUSTER", "INFO").(string)
			return strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", n))
		})
	}
	return servers
}

// StartClusterReplica adds a replica of a primary to its Redis Cluster.
func StartClusterReplica(t testing.TB, primary *Server) *Server {
	t.Helper()
	s := startClusterNode(t)
	s.Do(t, "CLUSTER", "MEET", "127.0.0.1", fmt.Sprint(primary.Port), fmt.Sprint(primary.busPort))
	id := primary.Do(t, "CLUSTER", "MYID").(string)
	servertest.Eventually(t, "the replica knows its primary", func() bool {
		reply, err := s.ask("CLUSTER", "REPLICATE", id)
		return reply == "OK" && err == nil
	})
	servertest.Eventually(t, "the replica has the data of its primary", func() bool {
		role, _ := primary.Do(t, "ROLE").([]any)
		return s.Info(t, "master_link_status") == "up" && len(role) == 3 && len(role[2].([]any)) == 1
	})
	return s
}

// TakeOver lets a replica of a Redis Cluster change places with its primary, which lives.
func (s *Server) TakeOver(t testing.TB, primary *Server) {
	t.Helper()
	servertest.Eventually(t, "the replica is the primary", func() bool {
		if s.Info(t, "role") == "master" {
			return primary.Info(t, "role") == "slave"
		}
		_, _ = s.ask("CLUSTER", "FAILOVER") // again if it was too early, or took too long
		return false
	})
}

func startClusterNode(t testing.TB) *Server {
	t.Helper()
	s := newServer(t, Options{})
	s.cluster = true
	s.start(t)
	return s
}
