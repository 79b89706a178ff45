//go:build race

package notify

// distinctRooms is smaller under the race detector, where a publish costs ten times as much.
const distinctRooms = 100_000
