//go:build race

package engineio

// raceEnabled: the race detector multiplies memory, so limits on it are not checked then.
const raceEnabled = true
