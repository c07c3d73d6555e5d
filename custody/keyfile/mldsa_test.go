package keyfile_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"testing"

	"filippo.io/mldsa"
	"filippo.io/mldsa/x509"

	"conclave/custody/keyfile"
	"conclave/internal/secret"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// forEachMLDSA runs body with the keys of RFC 9881, appendix C: their seeds are the
// numbers from 0 to 31.
func forEachMLDSA(t *testing.T, body func(t *testing.T, key *mldsa.PrivateKey)) {
	seed := make([]byte, mldsa.PrivateKeySize)
	for i := range seed {
		seed[i] = byte(i)
	}
	for _, p := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		t.Run(p.String(), func(t *testing.T) {
			key, err := mldsa.NewPrivateKey(p, seed)
			if err != nil {
				t.Fatal(err)
			}
			body(t, key)
		})
	}
}

// TestMLDSA: what is written is what the library of the key writes too, and is read
// again in every form.
func TestMLDSA(t *testing.T) {
	last := map[string]string{"ML-DSA-44": "11", "ML-DSA-65": "12", "ML-DSA-87": "13"}
	forEachMLDSA(t, func(t *testing.T, key *mldsa.PrivateKey) {
		der, err := keyfile.PKCS8(key)
		if err != nil {
			t.Fatal(err)
		}
		prefix := "3034020100300b06096086480165030403" + last[key.PublicKey().Parameters().String()] + "04228020"
		if theirs, err := x509.MarshalPKCS8PrivateKey(key); err != nil || !bytes.Equal(theirs, der) || hex.EncodeToString(der) != prefix+hex.EncodeToString(key.Bytes()) {
			t.Errorf("%x, %v", []byte(der), err)
		}
		public, err := keyfile.PublicPEM(key)
		if err != nil {
			t.Fatal(err)
		}
		spki, err := x509.MarshalPKIXPublicKey(key.PublicKey())
		if block, _ := pem.Decode(public); err != nil || !bytes.Equal(block.Bytes, spki) {
			t.Errorf("its public half is written as %s, %v", public, err)
		}
		for _, k := range []any{key, keyfile.Expanded{PrivateKey: key}} {
			checkForms(t, k, key)
		}
	})
}

// checkForms writes a key in each form, and must read it again.
func checkForms(t *testing.T, written any, key *mldsa.PrivateKey) {
	t.Helper()
	der, err := keyfile.PKCS8(written)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := keyfile.PlainPEM(written)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := keyfile.EncryptedPEM(written, secret.Bytes(password))
	if err != nil {
		t.Fatal(err)
	}
	for form, content := range map[string][]byte{
		"DER": der, "base64": []byte(base64.StdEncoding.EncodeToString(der)), "PEM": plain, "encrypted": encrypted, "PKCS#12": pfx(t, der),
	} {
		if s, err := readAs(t, content); err != nil || !key.Equal(s.Key) {
			t.Errorf("%T in %s: %v", written, form, err)
		}
	}
	_, err = keyfile.PKCS12(written, nil, secret.Bytes(password))
	wantError(t, err, "use the PEM form")
}

// pfx is PKCS#12 with a key in a bag that is not encrypted, and no MAC.
func pfx(t *testing.T, pkcs8 []byte) []byte {
	t.Helper()
	var b cryptobyte.Builder
	sequence := func(b *cryptobyte.Builder, body cryptobyte.BuilderContinuation) { b.AddASN1(cbasn1.SEQUENCE, body) }
	explicit := cbasn1.Tag(0).Constructed().ContextSpecific()
	data := func(b *cryptobyte.Builder, body cryptobyte.BuilderContinuation) {
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1})
			b.AddASN1(explicit, func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.OCTET_STRING, body) })
		})
	}
	sequence(&b, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		data(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				data(b, func(b *cryptobyte.Builder) {
					sequence(b, func(b *cryptobyte.Builder) {
						sequence(b, func(b *cryptobyte.Builder) {
							b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1})
							b.AddASN1(explicit, func(b *cryptobyte.Builder) { b.AddBytes(pkcs8) })
						})
					})
				})
			})
		})
	})
	file, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestMLDSADamaged: the parts of a key must belong together, and one without its seed
// is none for a device.
func TestMLDSADamaged(t *testing.T) {
	forEachMLDSA(t, func(t *testing.T, key *mldsa.PrivateKey) {
		both, err := keyfile.PKCS8(keyfile.Expanded{PrivateKey: key})
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{bytes.Index(both, key.Bytes()), bytes.Index(both, key.Bytes()) + 32 + 4 + 128, len(both) - 1} {
			other := bytes.Clone(both)
			other[at] ^= 1
			_, err := readAs(t, other)
			wantError(t, err, "its expanded key is not that of its seed", "take another copy")
		}
		_, err = readAs(t, bytes.Replace(both, []byte{4, 32, 0, 1}, []byte{5, 32, 0, 1}, 1))
		wantError(t, err, "its structure is damaged")

		alone := expandedAlone(t, both)
		_, err = readAs(t, alone)
		wantError(t, err, "an "+key.PublicKey().Parameters().String()+" key in expanded form alone", "-provparam ml-dsa.output_formats=seed-only")
	})
}

// expandedAlone is a PrivateKeyInfo without the seed.
func expandedAlone(t *testing.T, both []byte) []byte {
	t.Helper()
	var info struct {
		Version   int
		Algorithm asn1.RawValue
		Key       []byte
	}
	var parts struct{ Seed, Expanded []byte }
	_, err := asn1.Unmarshal(both, &info)
	_, err2 := asn1.Unmarshal(info.Key, &parts)
	key, err3 := asn1.Marshal(parts.Expanded)
	info.Key = key
	alone, err4 := asn1.Marshal(info)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	return alone
}
