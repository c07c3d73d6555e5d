//go:build unix

package tty

import (
	"os/signal"
	"syscall"
)

// KeepForeground lets the program not be suspended from the terminal (Ctrl-Z):
// what a custodian sees would stay on the screen.
func KeepForeground() { signal.Ignore(syscall.SIGTSTP) }
