package redisstream

import (
	"crypto/tls"

	"github.com/redis/go-redis/v9"
)

// Nothing is repeated by go-redis: it cannot know whether a command without a reply was carried
// out. Protocol 2 has everything that we need, and no messages that a server sends unasked.
const (
	noRetries = -1
	protocol  = 2
	oneDial   = 1
)

// clientName is what CLIENT LIST shows.
const clientName = "roomcast"

// open makes the client of go-redis for a target. It connects at the first command.
func (c *Client) open(t *target) {
	if t.tls {
		c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		if c.o.TLS != nil {
			c.tls = c.o.TLS.Clone()
		}
		c.tls.InsecureSkipVerify = c.tls.InsecureSkipVerify || t.insecure
	}
	switch { // dial does TLS
	case t.cluster:
		c.cluster = redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: t.addrs, CredentialsProviderContext: c.credentials, ClientName: clientName,
			Dialer: c.dial, Protocol: protocol, MaxRetries: noRetries, DialerRetries: oneDial,
			DialTimeout: c.timeout, ReadTimeout: c.timeout, WriteTimeout: c.timeout, PoolTimeout: c.timeout,
			ContextTimeoutEnabled: true, PoolSize: poolSize, PipelinePoolSize: pipelinePoolSize,
			DisableIdentity: true,
		})
		c.cluster.AddHook(lateErrors{c})
	case t.master != "":
		c.single = redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: t.master, SentinelAddrs: t.addrs,
			SentinelUsername: t.sentinelUser, SentinelPassword: t.sentinelPassword,
			CredentialsProviderContext: c.credentials, DB: t.db, ClientName: clientName,
			Dialer: c.dial, Protocol: protocol, MaxRetries: noRetries, DialerRetries: oneDial,
			DialTimeout: c.timeout, ReadTimeout: c.timeout, WriteTimeout: c.timeout, PoolTimeout: c.timeout,
			ContextTimeoutEnabled: true, PoolSize: poolSize, PipelinePoolSize: pipelinePoolSize,
			DisableIdentity: true,
		})
		c.single.AddHook(lateErrors{c})
	default:
		c.single = redis.NewClient(&redis.Options{
			Network: t.network, Addr: t.addrs[0], CredentialsProviderContext: c.credentials,
			DB: t.db, ClientName: clientName,
			Dialer: c.dial, Protocol: protocol, MaxRetries: noRetries, DialerRetries: oneDial,
			DialTimeout: c.timeout, ReadTimeout: c.timeout, WriteTimeout: c.timeout, PoolTimeout: c.timeout,
			ContextTimeoutEnabled: true, PoolSize: poolSize, PipelinePoolSize: pipelinePoolSize,
			DisableIdentity: true,
		})
		c.single.AddHook(lateErrors{c})
	}
}
