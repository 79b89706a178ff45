//go:build race

package library

// crowd divides the number of clients that do the same: the race detector makes each cost five times as much.
const crowd = 5
