//go:build !race

package library

const crowd = 1
