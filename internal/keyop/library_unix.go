//go:build !windows

package keyop

import "github.com/ebitengine/purego"

func openLibrary(name string) (uintptr, error) {
	return purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

func lookUp(library uintptr, function string) (uintptr, error) {
	return purego.Dlsym(library, function)
}

// clearFreed has the C library overwrite what is freed, where it can (mallopt(3) of
// glibc, M_PERTURB): libcrypto frees copies of a key without clearing them.
func clearFreed() {
	const perturb, withOnes = -6, 0xFF // and what is allocated with zeros
	address, err := purego.Dlsym(purego.RTLD_DEFAULT, "mallopt")
	if err != nil {
		return
	}
	var mallopt func(parameter, value int32) int32
	purego.RegisterFunc(&mallopt, address)
	mallopt(perturb, withOnes)
}
