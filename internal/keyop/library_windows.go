package keyop

import "golang.org/x/sys/windows"

// openLibrary does not look in the working directory nor in PATH, where anybody
// could have left a library of that name.
func openLibrary(name string) (uintptr, error) {
	library, err := windows.LoadLibraryEx(name, 0, windows.LOAD_LIBRARY_SEARCH_DEFAULT_DIRS)
	return uintptr(library), err
}

func lookUp(library uintptr, function string) (uintptr, error) {
	return windows.GetProcAddress(windows.Handle(library), function)
}

func clearFreed() {}
