package tty

import "golang.org/x/sys/unix"

// hideInput turns the echo of a terminal off, and nothing else: lines are
// edited and interrupts raised as before.
func hideInput(fd int) error {
	settings, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	settings.Lflag &^= unix.ECHO
	return unix.IoctlSetTermios(fd, unix.TCSETS, settings)
}

// discardInput drops what was typed and no one has read.
func discardInput(fd int) { unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) }
