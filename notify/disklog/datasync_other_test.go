//go:build !linux

package disklog

import "os"

func datasync(f *os.File) error { return f.Sync() }
