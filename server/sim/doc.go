// Package sim has tests only: it runs the Hub, the store on disk, both transports and their
// clients under the faults of networks, disks and processes, with a fake clock.
//
// Everything except the operating system is the product: `http.Server` with the handlers of
// `server/socketio` and `sse` on in-memory connections, and Pebble on a file system in memory.
// Publishers call the Hub as the API does. A seed chooses the settings, the clients and the faults. What publishers and clients
// write down is checked by `server/servertest/oracle`, whose model is a list of the acknowledged
// messages.
//
//	make sim SEED=42       # one seed, with all that happens in it
//	make sim SEEDS=10000   # the seeds from 1 on
//
// The runtime orders goroutines that can run at the same moment as it likes, so that a seed repeats
// the faults and their times, and not every interleaving.
package sim
