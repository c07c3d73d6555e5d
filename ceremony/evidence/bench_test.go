package evidence_test

import (
	"testing"

	"conclave/ceremony/evidence"
)

// BenchmarkVerify verifies the whole bundle of a root with one issuing CA.
func BenchmarkVerify(b *testing.B) {
	bundle := load(b, fixture)
	for b.Loop() {
		if _, err := evidence.Verify(bundle, evidence.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
