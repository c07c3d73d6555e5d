//go:build !amd64

package md5chain

// fastKernels returns those that are written in assembly.
func fastKernels() []kernel { return nil }
