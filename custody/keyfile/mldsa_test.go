package keyfile_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/mldsa"

	"conclave/custody/keyfile"
	"conclave/internal/foreign"
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

// digests are those of RFC 9881, appendix C: SHA-256 of the DER of a private key as a
// seed, of one with both parts, and of the public key.
func digests() map[string][3]string {
	return map[string][3]string{
		"ML-DSA-44": {"c823cb6a31172daa8af670a22c0f049af972bf1cb39a4a95971aa8c0c659dff4", "e355e29f28e537fcf3aff28354016415146d7f801a57136c241bb6e9addfaa30", "837832708c5236d951581f1fddf2b79991b3424a0486d16da1ddad0fd69701be"},
		"ML-DSA-65": {"af965903772933b6acc59764f335fcad9b5c61cdab2b368eabf224e7c29e31ac", "5259463f8ec68e21b8c179a7e49dba184fd24280080bd5bb78af94d7a2a0ac81", "b8b62131bfbe84433efb2273d7f5b87f7a22854a2cfd366fc2aead86d837c52d"},
		"ML-DSA-87": {"72cc4260a8d3d7622801ea98636123866d00e236d5f77221039c862325e02754", "c71913419ea426e99da06330e3b06b2ab47448f1aff520479358e3cb71f5c1d6", "07e57c4f14dbad1267f621ec3777b4e2e6c4fbc4c22fbb87510ff8e0b3c6a642"},
	}
}

// TestMLDSA: what is written is what the RFC has, and is read again in every form.
func TestMLDSA(t *testing.T) {
	forEachMLDSA(t, func(t *testing.T, key *mldsa.PrivateKey) {
		both := keyfile.Expanded{PrivateKey: key}
		seed, err := keyfile.PKCS8(key)
		if err != nil {
			t.Fatal(err)
		}
		expanded, err := keyfile.PKCS8(both)
		if err != nil {
			t.Fatal(err)
		}
		public, err := keyfile.PublicPEM(both)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(public)
		for i, der := range [][]byte{seed, expanded, block.Bytes} {
			if got, want := fmt.Sprintf("%x", sha256.Sum256(der)), digests()[key.PublicKey().Parameters().String()][i]; got != want {
				t.Errorf("%d bytes with the digest %s, %s was expected", len(der), got, want)
			}
		}
		for _, k := range []any{key, both} {
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

// TestMLDSAOfOpenSSL reads what OpenSSL 3.5 writes, and lets it read what is written here.
func TestMLDSAOfOpenSSL(t *testing.T) {
	forEachMLDSA(t, func(t *testing.T, key *mldsa.PrivateKey) {
		name := strings.ToLower(key.PublicKey().Parameters().String())
		for _, options := range []string{`format: "pem"`, `format: "der"`, `format: "jwk"`, `format: "pem", cipher: "aes-256-cbc", passphrase: process.argv[2]`} {
			var theirs struct {
				Public  string
				Private []byte
			}
			answer := foreign.Node(t, nil, `
				const pair = crypto.generateKeyPairSync(process.argv[1])
				const file = pair.privateKey.export({type: "pkcs8", `+options+`})
				const private = (file.kty ? Buffer.from(JSON.stringify(file)) : Buffer.from(file)).toString("base64")
				console.log(JSON.stringify({public: pair.publicKey.export({type: "spki", format: "pem"}), private}))`, name, password)
			if err := json.Unmarshal(answer, &theirs); err != nil {
				t.Fatal(err)
			}
			s, err := readAs(t, theirs.Private)
			if err != nil {
				t.Fatalf("%s: %v", options, err)
			}
			if public, err := keyfile.PublicPEM(s.Key); err != nil || string(public) != theirs.Public {
				t.Errorf("%s: another key, %v", options, err)
			}
		}
		for _, k := range []any{key, keyfile.Expanded{PrivateKey: key}} {
			checkOpenSSLReads(t, k)
		}
	})
}

func checkOpenSSLReads(t *testing.T, key any) {
	t.Helper()
	plain, err := keyfile.PlainPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := keyfile.EncryptedPEM(key, secret.Bytes(password))
	if err != nil {
		t.Fatal(err)
	}
	want, err := keyfile.PublicPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range [][]byte{plain, encrypted} {
		public := foreign.Node(t, file, `
			const key = crypto.createPrivateKey({key: input, passphrase: process.argv[1]})
			process.stdout.write(crypto.createPublicKey(key).export({type: "spki", format: "pem"}))`, password)
		if !bytes.Equal(public, want) {
			t.Errorf("%T: OpenSSL reads another key", key)
		}
	}
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

// TestMLDSAInJWK: a JWK (RFC 9964) has the seed and the public half, which must be its own.
func TestMLDSAInJWK(t *testing.T) {
	forEachMLDSA(t, func(t *testing.T, key *mldsa.PrivateKey) {
		name, other := key.PublicKey().Parameters().String(), bytes.Clone(key.PublicKey().Bytes())
		other[0] ^= 1
		file := func(seed, public []byte) []byte {
			return fmt.Appendf(nil, `{"kty":"AKP","alg":%q,"kid":"root","priv":%q,"pub":%q}`, name, base64.RawURLEncoding.EncodeToString(seed), base64.RawURLEncoding.EncodeToString(public))
		}
		if s, err := readAs(t, file(key.Bytes(), key.PublicKey().Bytes())); err != nil || !key.Equal(s.Key) || s.Label != "root" {
			t.Errorf("%+v, %v", s, err)
		}
		_, err := readAs(t, file(key.Bytes(), other))
		wantError(t, err, "its public half is not that of its seed", "take another copy")
		_, err = readAs(t, file(key.Bytes()[1:], other))
		wantError(t, err, "a seed of 31 bytes; 32 were expected")
		_, err = readAs(t, fmt.Appendf(nil, `{"kty":"AKP","alg":%q}`, name))
		wantError(t, err, "it is a public "+name+" key", "a value priv")
	})
	_, err := readAs(t, []byte(`{"kty":"AKP","alg":"ML-DSA-66","priv":"AA"}`))
	wantError(t, err, `it is a key for the algorithm "ML-DSA-66"`)
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
