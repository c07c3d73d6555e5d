package token

import "conclave/token/cryptoki"

// MechanismInfo is what is told of a mechanism (CK_MECHANISM_INFO).
type MechanismInfo struct {
	Type             cryptoki.MechanismType
	MinBits, MaxBits uint64
	Flags            cryptoki.Flags
	KeyType          cryptoki.KeyType // of its keys; Unavailable for none or several
}

// Mechanisms are those of every token.
func Mechanisms() []MechanismInfo { return nil }
