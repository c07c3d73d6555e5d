//go:build !darwin && !windows

package pcsc

import "unsafe"

// pcsc-lite's types: DWORD and LONG are C's long (wintypes.h), and a reader
// state has 33 bytes for the ATR (pcsclite.h).
type (
	dword  = uintptr
	handle = uintptr
)

const (
	libraryName = "libpcsclite.so.1"
	libraryHint = "install it (Debian and Ubuntu: packages libpcsclite1 and pcscd)"
	serviceHint = "start pcscd (with systemd: systemctl start pcscd)"

	ansi = "" // the suffix of functions that take strings

	readerStateSize = (atrOffset + 33 + pointerSize - 1) &^ (pointerSize - 1)
	dwordSize       = unsafe.Sizeof(dword(0))
)
