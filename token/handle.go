package token

import (
	"crypto/sha256"
	"encoding/binary"

	"conclave/token/cryptoki"
)

// A handle has 63 bits. That of an object of the token is made from what the object is,
// and has 48, so that it names the same object in every process, or none. That of an
// alias has its number above them. That of any other object of a session has the
// highest bit, and random ones below.
const (
	originBits                  = 48
	originMask  cryptoki.Handle = 1<<originBits - 1
	sessionFlag cryptoki.Handle = 1 << 62
	maxAlias                    = sessionFlag>>originBits - 1
)

// tokenHandle makes the handle of an object of a token from the serial number of the
// device, the object's class, the reference that its files have, and what else makes
// it another one.
func tokenHandle(serial string, class cryptoki.Class, ref uint16, identity []byte) cryptoki.Handle {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint16([]byte(serial+"\x00"+string(byte(class))), ref))
	h.Write(identity)
	return max(1, cryptoki.Handle(binary.BigEndian.Uint64(h.Sum(nil)))&originMask)
}

// ofSession says whether a handle is that of an object of a session that is no alias.
func ofSession(h cryptoki.Handle) bool { return h&sessionFlag != 0 }

// aliasOf gives the alias with a number.
func aliasOf(origin cryptoki.Handle, number uint16) cryptoki.Handle {
	return origin | cryptoki.Handle(number)<<originBits
}

// aliasNumber is 0 for what is no alias.
func aliasNumber(h cryptoki.Handle) uint16 { return uint16(h >> originBits) }
