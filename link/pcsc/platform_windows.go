package pcsc

import "golang.org/x/sys/windows"

// The types of winscard.h: handles are ULONG_PTR, and a reader state has 36
// bytes for the ATR.
type (
	dword  = uint32
	handle = uintptr
)

const (
	libraryName = "winscard.dll"
	libraryHint = "it is part of Windows"
	serviceHint = "start the service SCardSvr; Windows does so when a reader is connected"

	ansi = "A" // the suffix of functions that take strings

	readerStateSize = atrOffset + 36
	dwordSize       = 4
)

// openLibrary does not look in the working directory nor in PATH, where anybody
// could have left a library of that name.
func openLibrary(name string) (uintptr, error) {
	library, err := windows.LoadLibraryEx(name, 0, windows.LOAD_LIBRARY_SEARCH_SYSTEM32)
	return uintptr(library), err
}

func lookUp(library uintptr, symbol string) (uintptr, error) {
	return windows.GetProcAddress(windows.Handle(library), symbol)
}
