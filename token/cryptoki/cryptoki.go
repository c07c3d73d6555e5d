// Package cryptoki has the numbers and the words of PKCS#11 (OASIS PKCS #11
// Specification Version 3.2): return values such as [PINIncorrect], which are errors,
// attributes in a [Template], a [Mechanism] with its parameter. Nothing is done with
// them here: that is package token's, and nothing calls a module in C.
package cryptoki

import (
	"encoding/binary"
	"fmt"
)

// RV is what a function returns that did not succeed (CKR).
type RV uint64

// Class is the class of an object (CKO).
type Class uint64

// KeyType is the kind of a key (CKK).
type KeyType uint64

// AttributeType names an attribute (CKA).
type AttributeType uint64

// MechanismType names a mechanism (CKM).
type MechanismType uint64

// UserType is a kind of user (CKU).
type UserType uint64

// Flags are bits of slots, tokens, sessions and mechanisms (CKF).
type Flags uint64

// Handle names an object. Package token says what it is made from.
type Handle uint64

// Attribute is one of an object, or of a template. Numbers are in the byte order of
// this machine, 8 bytes long.
type Attribute struct {
	Type  AttributeType
	Value []byte
	// Sensitive attributes are there, and have no value that may leave.
	Sensitive bool
}

// Template is a list of attributes: those that an object must have, or is to get.
type Template []Attribute

// Find gives an attribute of a template.
func (t Template) Find(a AttributeType) (value []byte, found bool) {
	for _, attribute := range t {
		if attribute.Type == a {
			return attribute.Value, true
		}
	}
	return nil, false
}

// Mechanism is a mechanism with its parameter, which is flat: what has pointers in C
// is as docs/agent-protocol.md says.
type Mechanism struct {
	Type      MechanismType
	Parameter []byte
}

// Number is a CK_ULONG as the value of an attribute.
func Number[T ~uint64](n T) []byte { return binary.NativeEndian.AppendUint64(nil, uint64(n)) }

// Bool is a CK_BBOOL as the value of an attribute.
func Bool(b bool) []byte {
	if b {
		return []byte{1}
	}
	return []byte{0}
}

// ParseNumber reads a CK_ULONG.
func ParseNumber[T ~uint64](value []byte) (T, error) {
	if len(value) != 8 {
		return 0, AttributeValueInvalid
	}
	return T(binary.NativeEndian.Uint64(value)), nil
}

// ParseBool reads a CK_BBOOL.
func ParseBool(value []byte) (bool, error) {
	if len(value) != 1 {
		return false, AttributeValueInvalid
	}
	return value[0] != 0, nil
}

// Unavailable is CK_UNAVAILABLE_INFORMATION.
const Unavailable = ^uint64(0)

// Error gives the name that PKCS#11 has for it.
func (rv RV) Error() string {
	if name := rv.name(); name != "" {
		return name
	}
	return fmt.Sprintf("CKR 0x%08X", uint64(rv))
}
