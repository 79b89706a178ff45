//go:build race

package engineio

// raceEnabled skips the checks of memory limits, because the race detector multiplies memory.
const raceEnabled = true
