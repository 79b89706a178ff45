//go:build race

package socketio

// raceEnabled turns off memory limits, because the race detector multiplies memory use.
const raceEnabled = true
