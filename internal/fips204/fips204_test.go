package fips204

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"testing"
)

// TestSets: the forms of each name are of one set.
func TestSets(t *testing.T) {
	for _, s := range Sets() {
		der, err := asn1.Marshal(s.OID)
		if err != nil || !bytes.Equal(der[2:], s.Contents()) {
			t.Errorf("%v: % X, %v", s.Parameters, s.Contents(), err)
		}
		if name := fmt.Sprintf("ML-DSA-%d", s.Number); name != s.Parameters.String() {
			t.Errorf("%v has the number %d", s.Parameters, s.Number)
		}
		byOID, known := ByOID(s.OID)
		byNumber, numbered := ByNumber(s.Number)
		if !known || !numbered || byOID.Number != s.Number || byNumber.Parameters != s.Parameters || Of(s.Parameters).Number != s.Number {
			t.Errorf("%v is not found by its names", s.Parameters)
		}
	}
	if s, known := ByNumber(66); known {
		t.Errorf("66 is %v", s.Parameters)
	}
}
