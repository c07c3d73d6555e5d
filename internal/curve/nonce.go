package curve

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"

	"conclave/internal/secret"
)

// nonces makes the numbers per message of one signature: those of RFC 6979,
// section 3.2, with SHA-512, and with random bytes as the additional data of
// section 3.6. A source of random numbers that repeats itself does not give the
// key away, because no two digests get one number; and a fault that is provoked
// in one signature of two does not, because no digest gets the same number again.
type nonces struct {
	order      []byte       // fills its bytes, and has as many as SHA-512 gives or fewer
	key, value secret.Bytes // K and V of HMAC_DRBG
}

// newNonces takes the private scalar and the digest modulo the order, both of
// order length.
func newNonces(order, d, digest []byte) *nonces {
	random := make(secret.Bytes, len(order))
	defer random.Wipe()
	rand.Read(random)
	return seedNonces(order, d, digest, random)
}

func seedNonces(order []byte, seed ...[]byte) *nonces {
	n := &nonces{order, make(secret.Bytes, sha512.Size), make(secret.Bytes, sha512.Size)}
	for i := range n.value {
		n.value[i] = 1
	}
	n.update(0, seed...)
	n.update(1, seed...)
	return n
}

// next returns a number in [1, N-1] of order length, by testing candidates.
func (n *nonces) next() secret.Bytes {
	for {
		n.value = n.mac(n.value)
		if candidate := n.value[:len(n.order)]; scalarInRange(n.order, candidate) {
			return candidate.Clone()
		}
		n.update(0)
	}
}

// update is steps d and e, and f and g, of the section.
func (n *nonces) update(round byte, data ...[]byte) {
	n.key = n.mac(append([][]byte{n.value, {round}}, data...)...)
	n.value = n.mac(n.value)
}

func (n *nonces) mac(parts ...[]byte) []byte {
	h := hmac.New(sha512.New, n.key)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

func (n *nonces) wipe() {
	n.key.Wipe()
	n.value.Wipe()
}
