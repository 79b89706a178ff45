package main

import (
	"reflect"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/config"
)

// secretInterval is the time between two looks at the files of secrets, as at those of certificates.
const secretInterval = 10 * time.Second

// secretFiles notices that files of secrets have changed. It compares their contents, so it does not
// matter how they are replaced: Kubernetes changes a link, editors write a new file.
type secretFiles struct {
	handled secretLook // was applied or reported
	wanted  secretLook // differs from it, and has to last until the next look
}

// secretLook is what a look at the files has shown.
type secretLook struct {
	settings config.Config
	problem  string // "": none
}

func (l secretLook) same(other secretLook) bool { return reflect.DeepEqual(l, other) }

// handle notes that these settings are in use.
func (f *secretFiles) handle(c config.Config) {
	f.handled = secretLook{settings: c}
	f.wanted = f.handled
}

// isNew reports whether a look shows something new for the second time: a program that writes a file
// needs some time. It reports it once.
func (f *secretFiles) isNew(l secretLook) bool {
	if l.same(f.handled) || !l.same(f.wanted) {
		f.wanted = l
		return false
	}
	f.handled = l
	return true
}

// lookAtSecrets takes over secrets whose files are new. With a mistake in one of them the former ones
// stay, and the log has one line.
func (p *instance) lookAtSecrets(e environment, files *secretFiles) {
	if !p.config.UsesSecretFiles() {
		return
	}
	next, err := p.config.Reread()
	look := secretLook{settings: next}
	if err != nil {
		look.problem = err.Error()
	}
	if !files.isNew(look) {
		return
	}
	var changed []string
	if err == nil {
		changed, err = p.reload(e, next)
	}
	p.auditReload("file", changed, err)
	if err != nil {
		p.log.Error("the new secrets are not used, the former ones stay", zap.Error(err))
	}
}

// looksAtSecrets returns a channel that gets the time of each look at the files of secrets until stop is
// called.
func (e environment) looksAtSecrets() (looks <-chan time.Time, stop func()) {
	if e.looks != nil {
		return e.looks, func() {}
	}
	ticker := time.NewTicker(secretInterval)
	return ticker.C, ticker.Stop
}
