package config

import (
	"slices"
	"strings"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify/cluster/redisstream"
	"github.com/roomcast/roomcast/server/forward"
)

// Redis returns the options of the Redis that several nodes share, without a log.
func (c Config) Redis() redisstream.Options {
	o := redisstream.DefaultOptions()
	o.URL, o.Stream = auth.Secret(c.RedisURL), c.RedisStream
	o.Replicate = c.Durability == "replica"
	return o
}

// RedisLog returns the options of the log in Redis.
func (c Config) RedisLog() redisstream.LogOptions {
	o, history := redisstream.DefaultLogOptions(), c.History()
	o.MaxLen, o.HistoryTTL, o.TailBytes = c.RedisMaxLen, history.HistoryTTL, history.HistoryMaxBytes
	o.RetainedBytes = history.RetainedMaxBytes
	return o
}

// Ingest returns which emitters and servers are heard, and whether there are any.
func (c Config) Ingest() (o redisstream.IngestOptions, hears bool) {
	o.Node = slices.Contains(c.RedisIngest, "emitter")
	if slices.Contains(c.RedisIngest, "python") {
		o.Python = c.RedisIngestChannel
	}
	if slices.Contains(c.RedisIngest, "pubsub") {
		o.Servers = c.RedisIngestKey
	}
	return o, len(c.RedisIngest) > 0
}

// checkRedis checks the addresses without connecting to them.
func (l *loader) checkRedis(c *Config) {
	if c.ClusterAdvertise != "" {
		if _, err := forward.ParseAddress(c.ClusterAdvertise); err != nil {
			l.fail("CLUSTER_ADVERTISE (%s): %s", sourceOf(c, "CLUSTER_ADVERTISE"), err)
		}
		if c.RedisURL == "" && c.RedisURLFile == "" {
			l.wrong(c, "CLUSTER_ADVERTISE", c.ClusterAdvertise, "with REDIS_URL, by which the nodes find each other")
		}
	}
	l.checkIngest(c)
	if c.RedisURL == "" {
		if c.RedisURLFile != "" { // it could not be read
			return
		}
		if len(c.RedisIngest) > 0 {
			l.wrong(c, "REDIS_INGEST", strings.Join(c.RedisIngest, ","), "with REDIS_URL, where emitters publish")
		}
		if c.Durability == "replica" {
			l.wrong(c, "DURABILITY", c.Durability, "with REDIS_URL, whose replica it waits for")
		}
		return
	}
	if err := c.Redis().Check(); err != nil {
		l.fail("REDIS_URL (%s) and REDIS_STREAM (%s): %s", sourceOf(c, "REDIS_URL"),
			sourceOf(c, "REDIS_STREAM"), err)
	}
}

// checkIngest checks the channel of Python, and the key of servers with the pub/sub adapter.
func (l *loader) checkIngest(c *Config) {
	for _, of := range []struct {
		kind, setting, value, standard, expected string
		options                                  redisstream.IngestOptions
	}{
		{"python", "REDIS_INGEST_CHANNEL", c.RedisIngestChannel, redisstream.DefaultPythonChannel,
			"the name of a channel", redisstream.IngestOptions{Python: c.RedisIngestChannel}},
		{"pubsub", "REDIS_INGEST_KEY", c.RedisIngestKey, redisstream.DefaultServersKey,
			"the key of the adapter", redisstream.IngestOptions{Servers: c.RedisIngestKey}},
	} {
		switch isUsed := slices.Contains(c.RedisIngest, of.kind); {
		case isUsed && of.value == "":
			l.wrong(c, of.setting, of.value, of.expected)
		case !isUsed && of.value != "" && of.value != of.standard:
			l.wrong(c, of.setting, of.value, "with REDIS_INGEST="+of.kind)
		case isUsed:
			if err := of.options.Check(c.RedisStream); err != nil {
				l.fail("%s (%s): %s", of.setting, sourceOf(c, of.setting), err)
			}
		}
	}
}
