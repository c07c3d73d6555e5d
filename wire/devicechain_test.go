package wire_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"conclave/wire"
)

// verified reads the certificates of a device and verifies them.
func verified(content []byte) (*wire.DeviceChain, error) {
	chain, err := wire.ParseDeviceChain(content)
	if err != nil {
		return nil, err
	}
	return chain, chain.Verify()
}

// Certificates of a real device lead to the root that is known here; their keys
// have its domain parameters. Those of a pico-hsm are its own.
func TestForeignDeviceCertificates(t *testing.T) {
	for _, test := range []struct{ name, serial, issuer, curve string }{
		{"nitrokey-device-certificates", "DENK0404144", "DEDINK0400001 under the root DESRCACC100001 (CardContact)", "brainpoolP256r1"},
		{"device-certificates", "ESPICOHSMTR", "itself", "secp256k1"},
	} {
		chain, err := verified(vector(t, test.name))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		device := chain.Device()
		if device.Holder() != test.serial || chain.Issuer() != test.issuer || device.Key.Curve.Name != test.curve {
			t.Errorf("%s: serial number %s, certified by %s, key on %s", test.name, device.Holder(), chain.Issuer(), device.Key.Curve.Name)
		}
	}
}

// A real device attests the keys that it made.
func TestForeignAttestations(t *testing.T) {
	chain, err := verified(vector(t, "nitrokey-device-certificates"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"secp256k1", "secp256r1", "rsa2048"} {
		content := vector(t, "nitrokey-authenticated-request-"+key)
		r, err := wire.ParseAuthenticatedRequest(content)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		if err := r.Verify(chain.Device().Key); err != nil || r.OuterCAR != chain.Device().CHR || r.Request.CHR != "DENK040414400001" {
			t.Errorf("%s: of %s, by %s: %v", key, r.Request.CHR, r.OuterCAR, err)
		}
		content[len(content)-1] ^= 1
		if r, err := wire.ParseAuthenticatedRequest(content); err != nil || r.Verify(chain.Device().Key) == nil {
			t.Errorf("%s: a changed signature: %v", key, err)
		}
	}
}

// TestChangedDeviceCertificates changes a bit of each byte of a real device's
// certificates: no root vouches for them then.
func TestChangedDeviceCertificates(t *testing.T) {
	content := vector(t, "nitrokey-device-certificates")
	for i := range content {
		changed := bytes.Clone(content)
		changed[i] ^= 1 << (i % 8)
		if chain, err := verified(changed); err == nil && chain.Root != nil {
			t.Errorf("byte %d changed: certified by %s", i, chain.Issuer())
		}
	}
}

// A certificate whose issuer is not known cannot be told from one that is made
// up, and says so. Where its key has no domain parameters they are guessed.
func TestUnknownDeviceIssuer(t *testing.T) {
	nitrokey := vector(t, "nitrokey-device-certificates")
	alone := nitrokey[:len(nitrokey)/2]
	chain, err := wire.ParseDeviceChain(alone)
	if err != nil || chain.Device().Holder() != "DENK0404144" {
		t.Fatalf("%v", err)
	}
	if err := chain.Verify(); err != nil || chain.Issuer() != "DEDINK0400001, none of the makers known here (expected of a device in software, and not of a card that was bought)" || chain.Device().Key.Curve.Name != "brainpoolP256r1" {
		t.Errorf("a device without its issuer: %s, %v", chain.Issuer(), err)
	}
	pico := vector(t, "device-certificates")
	other := bytes.ReplaceAll(pico, []byte("ESPICOHSMTR00001"), []byte("ESPICOHSMTR00002"))
	if _, err := verified(other); err == nil || !strings.Contains(err.Error(), "the signature does not verify") {
		t.Errorf("a device that certifies itself, with another name: %v", err)
	}
	for _, content := range [][]byte{nil, {0x30, 0}, nitrokey[:200], bytes.ReplaceAll(pico, []byte("ESPICO"), []byte("ES\x1b[8m"))} {
		if _, err := wire.ParseDeviceChain(content); err == nil {
			t.Errorf("% X is read as certificates of a device", content)
		}
	}
}

// TestNoDeviceOfTheRoot: not everything that the root or a device has signed is
// a device.
func TestNoDeviceOfTheRoot(t *testing.T) {
	nitrokey := vector(t, "nitrokey-device-certificates")
	device, issuer := nitrokey[:len(nitrokey)/2], nitrokey[len(nitrokey)/2:]
	request := vector(t, "nitrokey-authenticated-request-secp256r1")[4:]
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"the issuer alone":     {issuer, "there are 1 below the root DESRCACC100001"},
		"the issuer twice":     {append(bytes.Clone(issuer), issuer...), "role 80"},
		"a device below one":   {append(append(bytes.Clone(device), device...), issuer...), "there are 3 below the root"},
		"a request for a key":  {request[:len(request)-85], "is not a certificate but a request for one"},
		"another device's top": {append(vector(t, "device-certificates")[418:], issuer...), "role"},
	} {
		if chain, err := verified(test.content); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %+v, %v; %q was expected", name, chain, err, test.want)
		}
	}
}

// TestLongChain is refused before it is verified.
func TestLongChain(t *testing.T) {
	chain, err := wire.ParseDeviceChain(vector(t, "nitrokey-device-certificates"))
	if err != nil {
		t.Fatal(err)
	}
	one := chain.Device().Bytes()
	if _, err := wire.ParseDeviceChain(bytes.Repeat(one, 10)); err != nil {
		t.Errorf("ten certificates: %v", err)
	}
	if _, err := wire.ParseDeviceChain(bytes.Repeat(one, 11)); err == nil || !strings.Contains(err.Error(), "there are more than 10") {
		t.Errorf("eleven certificates: %v", err)
	}
}

// TestDeepObjects are nested as deep as a file has room for.
func TestDeepObjects(t *testing.T) {
	for _, tag := range [][]byte{{0x30}, {0x7F, 0x21}, {0x67}} {
		const depth = 1_000_000
		level := len(tag) + 4
		deep := bytes.Repeat(append(slices.Clone(tag), 0x83, 0, 0, 0), depth)
		for i := 0; i < len(deep); i += level {
			rest := len(deep) - i - level
			copy(deep[i+len(tag)+1:], []byte{byte(rest >> 16), byte(rest >> 8), byte(rest)})
		}
		_, wrapErr := wire.ParseWrapFile(deep)
		_, chainErr := wire.ParseDeviceChain(deep)
		_, requestErr := wire.ParseAuthenticatedRequest(deep)
		if wrapErr == nil || chainErr == nil || requestErr == nil {
			t.Errorf("%X: %v, %v, %v; errors were expected", tag, wrapErr, chainErr, requestErr)
		}
	}
}
