package redistest

import "syscall"

// attributes end the server when the tests die, and keep Ctrl-C of the terminal from it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
