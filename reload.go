package main

import (
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server"
)

// reloads applies the settings again at each request for it, until ctx is done. When the terminal
// of the program is gone, it calls stop, which starts the drain.
func (p *instance) reloads(
	ctx context.Context, stop func(), requests <-chan bool, e environment,
	again func() (config.Config, error),
) {
	for {
		select {
		case reload := <-requests:
			if !reload {
				p.log.Info("the terminal is gone")
				stop()
				return
			}
			next, err := again()
			if err == nil {
				err = p.reload(e, next)
			}
			if err != nil {
				p.log.Error("the settings were not reloaded, the former ones stay", zap.Error(err))
			}
		case <-ctx.Done():
			return
		}
	}
}

// reload applies what can change, and logs the names of the settings that did, and of those that
// need a restart. After an error nothing has changed.
func (p *instance) reload(e environment, next config.Config) error {
	merged, applied, pending := p.config.Reload(next)
	if err := p.authenticator.Reload(p.authOptions(merged)); err != nil {
		return err
	}
	former := p.generated
	service := server.Options{}
	err := p.reloadable(&service, merged)
	if err == nil {
		err = p.service.Reload(service)
	}
	if err != nil {
		p.generated = former
		return errors.Join(err, p.authenticator.Reload(p.authOptions(p.config)))
	}
	p.limits.Reload(p.limitOptions(merged))
	if slices.Contains(applied, "HANDSHAKE_RATE") {
		p.gate.Set(merged.Gate())
	}
	p.setOrigins(merged)
	level := levelOf(merged)
	p.level.SetLevel(min(level, p.level.Level())) // so that the lines below are logged
	defer p.level.SetLevel(level)
	warned := p.config.Warnings()
	p.config = merged
	for _, warning := range merged.Warnings() {
		if !slices.Contains(warned, warning) {
			p.log.Warn(warning)
		}
	}
	if slices.Contains(applied, "MAX_CONNECTIONS") {
		p.checkFiles()
	}
	p.log.Info("settings reloaded", zap.Strings("changed", applied),
		zap.Strings("needs_restart", pending))
	if p.generated != "" && p.generated != former {
		p.announce(e)
	}
	return nil
}
