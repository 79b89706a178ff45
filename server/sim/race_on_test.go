//go:build race

package sim

// seedsInShort is how many seeds the short form runs: the race detector takes seven times as long.
const seedsInShort = 150
