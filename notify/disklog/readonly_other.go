//go:build !unix

package disklog

func isReadOnly(error) bool { return false }
