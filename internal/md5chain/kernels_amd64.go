package md5chain

import "golang.org/x/sys/cpu"

//go:generate go run -C asm . -out ../md5chain_amd64.s -stubs ../stubs_amd64.go -pkg md5chain

// accelerated returns what is written in assembly. One chain is not where
// AVX-512 is missing: what Go's compiler makes of it takes no cycle more than
// the latency of its instructions.
func accelerated() []implementation {
	return []implementation{
		{
			name:      "AVX-512",
			supported: func() bool { return cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL },
			kernels:   []kernel{{8, avx512x8}, {16, avx512x16}, {32, avx512x32}, {64, avx512x64}},
			free:      8,
		},
		{
			name:      "AVX2",
			supported: func() bool { return cpu.X86.HasAVX2 },
			kernels:   []kernel{{1, portable}, {8, avx2x8}, {24, avx2x24}},
			free:      8,
		},
	}
}
