//go:build !unix

package redistest

import (
	"errors"
	"os"
)

var errNoSignals = errors.New("this system has no such signal")

func terminate(*os.Process) error { return errNoSignals }
func pause(*os.Process) error     { return errNoSignals }
func proceed(*os.Process) error   { return errNoSignals }
