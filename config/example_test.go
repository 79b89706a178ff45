package config_test

import (
	"fmt"
	"os"

	"github.com/roomcast/roomcast/config"
)

// A flag wins over the environment; a bare number is milliseconds.
func ExampleLoad() {
	environment := map[string]string{"PORT": "8080", "SSE_HEARTBEAT_INTERVAL": "5000"}
	lookup := func(name string) (string, bool) { v, ok := environment[name]; return v, ok }

	c, err := config.Load([]string{"--port", "9090"}, lookup, os.Stdout)
	fmt.Println(c.Addr(), c.SSEHeartbeatInterval, err)
	// Output: 127.0.0.1:9090 5s <nil>
}

// The error lists all mistakes.
func ExampleLoad_mistakes() {
	environment := map[string]string{"PORT": "http", "LOG_LEVEL": "loud", "JWT_SECRET": "too short"}
	lookup := func(name string) (string, bool) { v, ok := environment[name]; return v, ok }

	_, err := config.Load(nil, lookup, os.Stdout)
	fmt.Println(err)
	// Output:
	// settings: 3 mistakes
	//   PORT (environment): got "http", allowed: a whole number from 0 to 65535
	//   LOG_LEVEL (environment): got "loud", allowed: debug, info, warn, error
	//   JWT_SECRET (environment): got 9 bytes, allowed: at least 32 bytes, such as the output of: openssl rand -base64 48
}
