package rsaop

import (
	"crypto"
	"crypto/rsa"
	"fmt"
)

// maxBits is the length of the longest modulus that OpenSSL verifies with
// (OPENSSL_RSA_MAX_MODULUS_BITS in its rsa.h).
const maxBits = 16384

// CheckPublic refuses an RSA key of anyone's that is so long that verifying a
// signature takes minutes: a file of one mebibyte has room for an hour. It has
// nothing against any other key.
func CheckPublic(public crypto.PublicKey) error {
	if key, ok := public.(*rsa.PublicKey); ok && key.N.BitLen() > maxBits {
		return fmt.Errorf("key: RSA with %d bits; %d at most were expected", key.N.BitLen(), maxBits)
	}
	return nil
}
