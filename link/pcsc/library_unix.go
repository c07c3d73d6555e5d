//go:build !windows

package pcsc

import "github.com/ebitengine/purego"

func openLibrary(name string) (uintptr, error) {
	return purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

func lookUp(library uintptr, symbol string) (uintptr, error) {
	return purego.Dlsym(library, symbol)
}
