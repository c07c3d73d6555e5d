package curve

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// hexBytes is a JSON string of hexadecimal digits.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// readKnown reads the answers in a file of testdata; README.md there says
// where they are from.
func readKnown[T any](t *testing.T, name string) (known []T) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &known); err != nil || len(known) == 0 {
		t.Fatalf("%s: %d answers, %v", name, len(known), err)
	}
	return known
}

func knownKey(t *testing.T, name string, d, q []byte) *PrivateKey {
	t.Helper()
	c, err := ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	k, err := c.NewPrivateKey(d)
	if err != nil || !bytes.Equal(k.Q, q) {
		t.Fatalf("public key of %x is %x, %v; expected %x", d, k.Q, err, q)
	}
	return k
}

func TestKnownAgreements(t *testing.T) {
	type pair struct{ D, Q hexBytes }
	for _, v := range readKnown[struct {
		Source, Curve string
		A, B          pair
		Z             hexBytes
	}](t, "ecdh.json") {
		t.Run(v.Curve, func(t *testing.T) {
			a, b := knownKey(t, v.Curve, v.A.D, v.A.Q), knownKey(t, v.Curve, v.B.D, v.B.Q)
			if z, err := a.ECDH(b.Q); err != nil || !bytes.Equal(z, v.Z) {
				t.Errorf("%s: a·B = %x, %v; expected %x", v.Source, z, err, v.Z)
			}
			if z, err := b.ECDH(a.Q); err != nil || !bytes.Equal(z, v.Z) {
				t.Errorf("%s: b·A = %x, %v; expected %x", v.Source, z, err, v.Z)
			}
		})
	}
}

// The published number per message, which Sign does not take, leads to the
// published signature.
func TestKnownSignatures(t *testing.T) {
	for _, v := range readKnown[struct {
		Source, Curve         string
		D, Q, Digest, K, R, S hexBytes
	}](t, "ecdsa.json") {
		key := knownKey(t, v.Curve, v.D, v.Q)
		s := key.signer.(*weierstrassSigner)
		order := &s.group.order
		r, second := s.signWith(v.K, order.residue(leftmost(v.Digest, order.size)))
		if !bytes.Equal(order.bytes(r), v.R) || !bytes.Equal(order.bytes(second), v.S) {
			t.Errorf("%s, digest %x: signature %x, %x", v.Source, v.Digest, order.bytes(r), order.bytes(second))
		}
		der, err := DERSignature(key.Curve, append(bytes.Clone(v.R), v.S...))
		if err != nil || !key.Curve.Verify(key.Q, v.Digest, der) {
			t.Errorf("%s, digest %x: %v, the signature does not verify", v.Source, v.Digest, err)
		}
	}
}
