// Package kv keeps values for a limited time.
package kv

import (
	"context"
	"time"
)

// Store keeps values under keys until they expire, or newer ones need their place. A key and a value
// may be any bytes, and a value is not empty. The caller does not change a value that it has given
// or got. Several goroutines may call the methods at the same time.
//
// An error says that the store cannot be reached or is full. The outcome of the call is unknown.
type Store interface {
	// Get returns the value of a key, or nil.
	Get(ctx context.Context, key string) ([]byte, error)

	// Claim stores a value for a key that has none, and reports whether it did; else it returns the
	// value that the key has. Of several calls with one key, one wins.
	Claim(ctx context.Context, key string, value []byte, ttl time.Duration) (
		old []byte, won bool, err error)

	// Put stores a value, also in place of another one.
	Put(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Take returns the value of a key, or nil, and removes it. Of several calls, one gets the value.
	Take(ctx context.Context, key string) ([]byte, error)
}

// Limits bound a Store. The oldest values are removed first.
type Limits struct {
	Entries int
	Bytes   int // of keys and values, with what an entry takes besides them
}
