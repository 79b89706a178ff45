//go:build !race

package notify

const distinctRooms = 1_000_000
