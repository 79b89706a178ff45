//go:build !unix

package redisstream

import (
	"testing"
	"time"
)

// processorTime is not known on this system.
func processorTime(*testing.B) time.Duration { return 0 }
