package main

import (
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/edge"
)

// reloads applies the settings again at each request for it, and secrets when their files have
// changed, until ctx is done. When the terminal of the program is gone, it calls stop, which starts
// the drain.
func (p *instance) reloads(
	ctx context.Context, stop func(), requests <-chan bool, e environment,
	again func() (config.Config, error),
) {
	var files secretFiles
	files.handle(p.config)
	looks, ends := e.looksAtSecrets()
	defer ends()
	for {
		select {
		case <-looks:
			p.lookAtSecrets(e, &files)
		case reload := <-requests:
			if !reload {
				p.log.Info("the terminal is gone")
				stop()
				return
			}
			p.logs.reopen() // whatever the settings are
			err := p.supervisor.reload(p, func() error {
				next, err := again()
				if err == nil {
					next, err = inherit(next, p.inherited)
				}
				var changed []string
				if err == nil {
					changed, err = p.reload(e, next)
				}
				p.auditReload("signal", changed, err)
				return err
			})
			files.handle(p.config)
			if err != nil {
				p.log.Error("the settings were not reloaded, the former ones stay", zap.Error(err))
			}
		case <-ctx.Done():
			return
		}
	}
}

// reload applies what can change. It logs the names of the settings that did, which it returns, and of
// those that need a restart. After an error nothing has changed.
func (p *instance) reload(e environment, next config.Config) (changed []string, err error) {
	merged, applied, pending := p.config.Reload(next)
	former := p.generated
	service := server.Options{}
	if err = p.reloadKeys(merged); err == nil {
		err = p.reloadable(&service, merged)
	}
	if err == nil {
		err = p.service.Reload(service)
	}
	if err != nil {
		p.generated = former
		return nil, errors.Join(err, p.reloadKeys(p.config))
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
	return applied, nil
}

// reloadKeys applies the keys of tokens, the secrets of hooks, and the passwords of admins and of Redis.
func (p *instance) reloadKeys(c config.Config) error {
	if err := p.authenticator.Reload(p.authOptions(c)); err != nil {
		return err
	}
	if p.hooks != nil {
		if err := p.hooks.Reload(c.Hooks()); err != nil {
			return err
		}
	}
	if p.adminUI != nil {
		if err := p.adminUI.Reload(c.AdminUIOptions()); err != nil {
			return err
		}
	}
	if p.shared != nil {
		return p.shared.client.Reload(c.Redis())
	}
	return nil
}

// auditReload notes a reload and what has caused it. The names of settings are no secrets.
func (p *instance) auditReload(actor string, changed []string, err error) {
	if err != nil { // the log has what is wrong
		err = &edge.Problem{Code: edge.CodeValidation}
	}
	p.audit.Note(nil, edge.Action{Name: "reload", Actor: actor, Count: -1, Err: err,
		Fields: []zap.Field{zap.Strings("changed", changed)}})
}
