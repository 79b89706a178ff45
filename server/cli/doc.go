// Package cli has the commands beside serve: they send, follow, mint, print and check from a terminal or a script.
package cli
