//go:build !windows

package rsaop

import "github.com/ebitengine/purego"

func openLibrary(name string) (uintptr, error) {
	return purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

func lookUp(library uintptr, function string) (uintptr, error) {
	return purego.Dlsym(library, function)
}
