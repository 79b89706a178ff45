//go:build !race

package sim

// seedsInShort is how many seeds the short form runs.
const seedsInShort = 1000
