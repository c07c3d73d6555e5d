//go:build !linux

package secret

// Harden keeps the memory of this process to itself where the system offers it, which
// this one does not.
func Harden() {}
