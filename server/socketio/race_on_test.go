//go:build race

package socketio

// raceEnabled: the race detector multiplies memory, so limits on it are not checked then.
const raceEnabled = true
