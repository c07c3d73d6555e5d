// Package fips204 has the names of ML-DSA's parameter sets: their object identifiers, and
// the numbers that descriptions of keys and key blobs have for them.
package fips204

import (
	"encoding/asn1"
	"slices"

	"filippo.io/mldsa"
)

// Set is one of the parameter sets (FIPS 204, section 4).
type Set struct {
	Parameters mldsa.Parameters
	Number     int                   // in its name, such as 65
	OID        asn1.ObjectIdentifier // of keys and of signatures (RFC 9881, section 2)
}

// Contents are the contents octets of the object identifier; none if there is none.
func (s Set) Contents() []byte {
	if len(s.OID) == 0 {
		return nil
	}
	last := byte(s.OID[len(s.OID)-1])
	return []byte{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, last}
}

// Sets are all of them, the smallest first.
func Sets() []Set {
	oid := func(last int) asn1.ObjectIdentifier {
		return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, last}
	}
	return []Set{{mldsa.MLDSA44(), 44, oid(17)}, {mldsa.MLDSA65(), 65, oid(18)}, {mldsa.MLDSA87(), 87, oid(19)}}
}

// Find gives the first one for which something holds.
func Find(holds func(Set) bool) (s Set, found bool) {
	all := Sets()
	i := slices.IndexFunc(all, holds)
	if i < 0 {
		return Set{}, false
	}
	return all[i], true
}

// Of gives the one that has parameters, which is there for those of any key.
func Of(p mldsa.Parameters) Set {
	s, _ := Find(func(s Set) bool { return s.Parameters == p })
	return s
}

// ByOID gives the one that an object identifier names.
func ByOID(oid asn1.ObjectIdentifier) (Set, bool) {
	return Find(func(s Set) bool { return s.OID.Equal(oid) })
}

// ByNumber gives the one with a number.
func ByNumber(n int) (Set, bool) {
	return Find(func(s Set) bool { return s.Number == n })
}
