//go:build linux

package process

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// Main is the main function of a program that starts servers. run gets the arguments and ends when
// the program is interrupted; its error is printed with the name of the program.
func Main(
	name string, run func(ctx context.Context, args []string, stdout, stderr io.Writer) error,
) {
	runtime.LockOSThread() // the kernel ends the children when the thread that started them ends
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}
