package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keyFile is the file in DATA_DIR that keeps the generated API key. An operator can read it, and
// removes it for another key.
const keyFile = "api-key"

// generatedKey returns the API key of a server whose settings have none: the one in the directory, or
// a new one, which it stores there. With dir "" the key ends with the process. The errors do not
// show the key.
func generatedKey(dir string) (string, error) {
	if dir == "" {
		return newKey(), nil
	}
	path := filepath.Join(dir, keyFile)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		key := newKey()
		return key, storeKey(path, key)
	case err != nil:
		return "", fmt.Errorf("the generated API key: %w", err)
	}
	key := strings.TrimSpace(string(text))
	if len(key) < minGeneratedKey || strings.ContainsFunc(key, notInKeys) {
		return "", fmt.Errorf("the generated API key in %s is damaged: remove the file for a new key, "+
			"or set API_KEYS", path)
	}
	return key, nil
}

// minGeneratedKey is the length of a key that nobody has shortened.
const minGeneratedKey = 32

// notInKeys reports whether a character cannot be in a key: a colon begins a pattern.
func notInKeys(r rune) bool { return r <= ' ' || r > '~' || r == ':' || r == ',' }

func newKey() string { return rand.Text() + rand.Text() }

// storeKey writes the file completely or not at all.
func storeKey(path, key string) error {
	f, err := os.CreateTemp(filepath.Dir(path), keyFile+"-*") // with the mode 0600
	if err != nil {
		return fmt.Errorf("the generated API key cannot be stored: %w", err)
	}
	_, err = f.WriteString(key + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("the generated API key cannot be stored: %w", err)
	}
	return nil
}
