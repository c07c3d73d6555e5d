//go:build unix

package tty

import (
	"os/signal"
	"syscall"
)

// KeepForeground keeps the program from being suspended from the terminal
// (Ctrl-Z): what a custodian sees would stay on the screen.
func KeepForeground() { signal.Ignore(syscall.SIGTSTP) }
