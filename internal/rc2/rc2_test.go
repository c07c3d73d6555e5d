package rc2_test

import (
	"encoding/hex"
	"testing"

	"conclave/internal/rc2"
)

// TestVectors: those of RFC 2268, section 5, whose key counts whole.
func TestVectors(t *testing.T) {
	for _, v := range []struct{ key, plain, cipher string }{
		{"ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", "1000000000000001", "30649edf9be7d2c2"},
		{"88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"},
	} {
		key, _ := hex.DecodeString(v.key)
		block, _ := hex.DecodeString(v.plain)
		c := rc2.New(key)
		c.Encrypt(block, block)
		if got := hex.EncodeToString(block); got != v.cipher {
			t.Errorf("key %s: %s encrypts to %s, want %s", v.key, v.plain, got, v.cipher)
		}
		c.Decrypt(block, block)
		if got := hex.EncodeToString(block); got != v.plain {
			t.Errorf("key %s: decrypts to %s, want %s", v.key, got, v.plain)
		}
	}
}
