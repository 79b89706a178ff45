package main

import (
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server/traces"
)

// openTraces returns the Tracer of the settings, or nil.
func openTraces(
	c config.Config, lookup func(string) (string, bool), version string, log *zap.Logger,
) (*traces.Tracer, error) {
	switch {
	case c.Traces != "on":
		return nil, nil
	case traces.IsDisabled(lookup):
		log.Info("OTEL_SDK_DISABLED is set: there are no traces")
		return nil, nil
	}
	return traces.New(traces.Options{
		Ratio: c.TracesRatio, Version: version, Lookup: lookup, Log: log,
	})
}
