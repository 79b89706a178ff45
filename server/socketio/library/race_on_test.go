//go:build race

package library

// crowd divides the number of clients that do the same, because each costs five times as much under
// the race detector.
const crowd = 5
