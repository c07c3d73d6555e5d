package cmac

import (
	"crypto/aes"
	"encoding/hex"
	"testing"
)

// TestCMAC: AES-256 examples of NIST SP 800-38B (examples 9 to 12 of the
// updated appendix D), AES-128 of RFC 4493 section 4.
func TestCMAC(t *testing.T) {
	const message = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
		"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
	const aes256 = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
	const aes128 = "2b7e151628aed2a6abf7158809cf4f3c"
	tests := []struct {
		key  string
		size int
		want string
	}{
		{aes256, 0, "028962f61b7bf89efc6b551f4667d983"},
		{aes256, 16, "28a7023f452e8f82bd4bf28d8c37c35c"},
		{aes256, 40, "aaf3d8f1de5640c232f5b169b9c911e6"},
		{aes256, 64, "e1992190549f6ed5696a2c056c315410"},
		{aes128, 0, "bb1d6929e95937287fa37d129b756746"},
		{aes128, 16, "070a16b46b4d4144f79bdd9dd04a287c"},
		{aes128, 40, "dfa66747de9ae63030ca32611497c827"},
		{aes128, 64, "51f0bebf7e3b9d92fc49741779363cfe"},
	}
	for _, test := range tests {
		block, err := aes.NewCipher(fromHex(t, test.key))
		if err != nil {
			t.Fatal(err)
		}
		mac := Sum(block, fromHex(t, message)[:test.size])
		if got := hex.EncodeToString(mac[:]); got != test.want {
			t.Errorf("%d bytes under %d bits: %s, want %s", test.size, 4*len(test.key), got, test.want)
		}
	}
}

func fromHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
