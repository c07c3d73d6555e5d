package plan_test

import (
	"testing"

	"filippo.io/mldsa"

	"conclave/ceremony/plan"
	"conclave/internal/curve"
	"conclave/wire"
)

// TestKeyIsOfItsType: only the planned size, curve or parameter set will do.
func TestKeyIsOfItsType(t *testing.T) {
	p384, err := curve.ByName("secp384r1")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]wire.PublicKey{
		"rsa:2048": wire.RSATemplate(2048), "rsa:4096": wire.RSATemplate(4096), "ec:secp384r1": wire.ECTemplate(p384),
		"ml-dsa-44": wire.MLDSATemplate(mldsa.MLDSA44()), "ml-dsa-65": wire.MLDSATemplate(mldsa.MLDSA65()),
	}
	for planned := range types {
		for name, public := range types {
			if err := (plan.Key{Name: "root", Type: planned}).CheckType(public); (err == nil) != (planned == name) {
				t.Errorf("%s in place of %s: %v", name, planned, err)
			}
		}
	}
}
