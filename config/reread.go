package config

import (
	"maps"
	"os"
)

// Reread returns the settings of a running program with what the files of its secrets and public keys
// have in them now, also files that are new in SECRETS_DIR. All other settings are as in c. A file
// that is missing is a mistake, because most often it is being replaced. Mistakes are an
// [*InvalidError]. c does not change.
func (c Config) Reread() (Config, error) {
	next := c
	next.sources = maps.Clone(c.sources)
	next.AdminAddr = "" // the address is resolved; only ADMIN_KEY is checked
	l := newLoader(func(string) (string, bool) { return "", false })
	l.readOnce = map[string]bool{}
	for _, s := range next.secretSettings() {
		file := s.env + "_FILE"
		if l.readOnce[file] = !isRegular(*s.file); !l.readOnce[file] && c.sources[s.env] == file {
			s.set("")
			delete(next.sources, s.env)
		}
	}
	l.readOnce["JWT_PUBLIC_KEY_FILE"] = !isRegular(c.JWTPublicKeyFile)
	if len(next.JWTSecret) == 0 {
		next.JWTFurther = nil
	}
	l.readSecretFiles(&next)
	l.resolveAuth(&next)
	l.resolveAdmin(&next)
	l.checkAdminUI(&next)
	l.checkHooks(&next)
	l.checkRedis(&next)
	next.AdminAddr = c.AdminAddr
	if problems := l.report(); len(problems) > 0 {
		return Config{}, &InvalidError{problems}
	}
	return next, nil
}

// isRegular reports whether a file can be read again: a pipe, as the shell makes for <(command), has
// nothing more, or would wait for a writer. A file that is missing will be back.
func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Mode().IsRegular()
}

// UsesSecretFiles reports whether [Config.Reread] can find something new.
func (c Config) UsesSecretFiles() bool {
	files := c.SecretsDir + c.JWTPublicKeyFile
	for _, s := range c.secretSettings() {
		files += *s.file
	}
	return files != ""
}
