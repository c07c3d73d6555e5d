package md5chain

import "golang.org/x/sys/cpu"

//go:generate go run -C asm . -out ../md5chain_amd64.s -stubs ../stubs_amd64.go -pkg md5chain

// fastKernels returns those that are written in assembly and that the processor
// can run. None is for a single chain: what Go's compiler makes of that takes
// not one cycle more than the latency of its instructions.
func fastKernels() (all []kernel) {
	if cpu.X86.HasAVX2 {
		all = append(all, kernel{"AVX2", 8, avx2x8}, kernel{"AVX2", 24, avx2x24})
	}
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL {
		all = append(all, kernel{"AVX-512", 8, avx512x8}, kernel{"AVX-512", 16, avx512x16},
			kernel{"AVX-512", 32, avx512x32}, kernel{"AVX-512", 64, avx512x64})
	}
	return all
}
