package ceremony_test

import (
	"fmt"
	"os"
	"testing"

	"conclave/ceremony/evidence"
)

// BenchmarkVerifyChain verifies the evidence of a first ceremony, and that of the fifth and
// the tenth drill after it.
func BenchmarkVerifyChain(b *testing.B) {
	y := newYears(b, nil)
	for links := 1; links <= 11; links++ {
		if links > 1 {
			y.drilled(b, 12)
		}
		if links%5 != 1 {
			continue
		}
		b.Run(fmt.Sprintf("links=%d", links), func(b *testing.B) {
			for b.Loop() {
				if _, err := evidence.Verify(os.DirFS(y.newest), evidence.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
