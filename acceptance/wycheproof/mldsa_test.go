package wycheproof

import (
	"bytes"
	"compress/gzip"
	"encoding/asn1"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/mldsa"
	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/schemes"

	"conclave/custody/keyfile"
	"conclave/hsm"
	"conclave/internal/testrun"
	"conclave/wire"
)

// encoded is a key as ML-DSA's vectors have it: a string; nil where there is none.
func encoded(key json.RawMessage) (b hexBytes) {
	json.Unmarshal(key, &b)
	return b
}

// verifyMLDSA judges what hosts verify: without a context as requests and certificates
// are, and otherwise with the library that they use.
func (j *judge) verifyMLDSA(groups []group) {
	for _, g := range groups {
		public, err := wire.ParseSPKI(g.PublicKeyDER)
		for _, v := range g.Tests {
			if err != nil {
				j.answer(v, false, false)
				continue
			}
			if v.Ctx == nil {
				j.answer(v, public.VerifyDER(v.Msg, v.Sig) == nil, true)
				continue
			}
			key, err := public.MLDSA()
			if err != nil {
				j.Fatal(err)
			}
			j.answer(v, mldsa.Verify(key, v.Msg, v.Sig, &mldsa.Options{Context: string(v.Ctx)}) == nil, true)
		}
	}
}

// signMLDSA reads each key as a file, and brings it to the card, which signs. Another
// library verifies the signature, and must take that of the vector for one of the key.
func (j *judge) signMLDSA(groups []group) {
	for _, g := range groups {
		der := j.mldsaFile(asn1.RawValue{Class: asn1.ClassContextSpecific, Bytes: g.PrivateSeed})
		if len(g.PrivateKeyPKCS8) > 0 && !bytes.Equal(der, g.PrivateKeyPKCS8) {
			j.Errorf("PKCS#8 is %x, %x was expected", der, g.PrivateKeyPKCS8)
		}
		source, err := keyfile.Read(der, nil)
		var signer *hsm.Signer
		if err == nil {
			signer = j.card.signer(j.T, source.Key)
		}
		for _, v := range g.Tests {
			if v.Msg == nil {
				j.leave("neither library verifies what was signed of μ alone")
				continue
			}
			accepted, right := false, false
			if signer != nil {
				accepted, right = j.signsMLDSA(signer, g, v)
			}
			j.answer(v, accepted, right)
		}
	}
}

// signsMLDSA says whether the card signs a message, and whether the public key, μ and
// both signatures are right.
func (j *judge) signsMLDSA(signer *hsm.Signer, g group, v vector) (accepted, right bool) {
	j.Helper()
	signature, err := signer.Sign(nil, v.Msg, &mldsa.Options{Context: string(v.Ctx)})
	if err != nil {
		return false, false
	}
	public := signer.Public().(*mldsa.PublicKey)
	mu, err := wire.MLDSAMu(public, string(v.Ctx))
	if err != nil {
		j.Fatal(err)
	}
	mu.Write(v.Msg)
	representative := make([]byte, wire.MuSize)
	mu.Read(representative)
	return true, bytes.Equal(public.Bytes(), encoded(g.PublicKey)) && bytes.Equal(representative, v.Mu) &&
		circlVerifies(j.T, public, v.Msg, signature, string(v.Ctx)) && circlVerifies(j.T, public, v.Msg, v.Sig, string(v.Ctx))
}

// signer brings a private key to the card, with a request that shows its public half.
func (b *bench) signer(t *testing.T, key any) *hsm.Signer {
	t.Helper()
	if err := b.put(key); err != nil {
		t.Fatal(err)
	}
	public, err := keyfile.Public(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.KeepPublic(ref, public); err != nil {
		t.Fatal(err)
	}
	signer, err := b.Signer(ref)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func circlVerifies(t *testing.T, public *mldsa.PublicKey, message, signature []byte, context string) bool {
	t.Helper()
	scheme := schemes.ByName(public.Parameters().String())
	key, err := scheme.UnmarshalBinaryPublicKey(public.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return scheme.Verify(key, message, signature, &sign.SignatureOpts{Context: context})
}

// mldsaFile is PKCS#8 with a key of the number that the vectors' file is named for.
func (j *judge) mldsaFile(key any) []byte {
	j.Helper()
	last := map[string]int{"44": 17, "65": 18, "87": 19}[strings.Split(filepath.Base(j.Name()), "_")[1]]
	inner, err := asn1.Marshal(key)
	if err != nil {
		j.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		Version   int
		Algorithm struct{ Name asn1.ObjectIdentifier }
		Key       []byte
	}{0, struct{ Name asn1.ObjectIdentifier }{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, last}}, inner})
	if err != nil {
		j.Fatal(err)
	}
	return der
}

// expandedMLDSA judges how files with a seed and an expanded key are read. The vectors
// have expanded keys alone; the seeds are those of another file, for the same public keys.
func (j *judge) expandedMLDSA(groups []group) {
	others := load(j.T, strings.Replace(filepath.Base(j.Name()), "noseed", "seed", 1)+"_test.json")
	seeds := map[string][]byte{} // by public key
	for _, g := range others {
		seeds[string(g.PublicKey)] = g.PrivateSeed
	}
	for _, g := range groups {
		seed, known := seeds[string(g.PublicKey)]
		switch v := g.Tests[0]; {
		case encoded(g.PublicKey) == nil: // a file with this beside a seed is damaged
			j.answer(v, j.readsBoth(others[0].PrivateSeed, encoded(g.PrivateKey)), false)
		case v.Result == "valid" && known:
			j.answer(v, j.readsBoth(seed, encoded(g.PrivateKey)), true)
		case v.Result == "valid":
			j.leave("its seed is not known")
		default:
			j.leave("its expanded key is out of range, so that no seed makes it")
		}
	}
}

// readsBoth says whether a file with a seed and an expanded key is read. It must be
// written as it was.
func (j *judge) readsBoth(seed, expanded []byte) bool {
	j.Helper()
	der := j.mldsaFile(struct{ Seed, Expanded []byte }{seed, expanded})
	source, err := keyfile.Read(der, nil)
	if err != nil {
		return false
	}
	again, err := keyfile.PKCS8(keyfile.Expanded{PrivateKey: source.Key.(*mldsa.PrivateKey)})
	if err != nil || !bytes.Equal(again, der) {
		j.Errorf("it is written otherwise than it was read: %v", err)
	}
	return true
}

// TestMLDSAWithAnother: what a device signs another library verifies, and the other way.
func TestMLDSAWithAnother(t *testing.T) {
	random, card := testrun.Random(t), newBench(t)
	for _, p := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		scheme := schemes.ByName(p.String())
		for range 8 {
			seed, message, context := make([]byte, mldsa.PrivateKeySize), make([]byte, random.IntN(5000)), make([]byte, random.IntN(256))
			for _, b := range [][]byte{seed, message, context} {
				for i := range b {
					b[i] = byte(random.Uint32())
				}
			}
			key, err := mldsa.NewPrivateKey(p, seed)
			if err != nil {
				t.Fatal(err)
			}
			signer := card.signer(t, key)
			public, opts := signer.Public().(*mldsa.PublicKey), &mldsa.Options{Context: string(context)}
			ours, err := signer.Sign(nil, message, opts)
			if err != nil || !circlVerifies(t, public, message, ours, opts.Context) {
				t.Errorf("%s: what the device signed does not verify, %v", p, err)
			}
			_, private := scheme.DeriveKey(seed)
			theirs := scheme.Sign(private, message, &sign.SignatureOpts{Context: opts.Context})
			if err := mldsa.Verify(public, message, theirs, opts); err != nil {
				t.Errorf("%s: what circl signed: %v", p, err)
			}
			plain := scheme.Sign(private, message, nil)
			shown, err := card.PublicKey(ref)
			if err != nil || shown.VerifyDER(message, plain) != nil {
				t.Errorf("%s: what circl signed without a context: %v", p, err)
			}
		}
	}
}

// TestMLDSAKeyGeneration takes the seeds of ACVP, which circl's module carries: the
// public and the expanded key, and what a card with the seed signs.
func TestMLDSAKeyGeneration(t *testing.T) {
	var prompt, expected struct {
		TestGroups []struct {
			ParameterSet string
			Tests        []struct {
				ID           int `json:"tcId"`
				Seed, PK, SK hexBytes
			}
		}
	}
	readACVP(t, "ML-DSA-keyGen-FIPS204/prompt.json.gz", &prompt)
	readACVP(t, "ML-DSA-keyGen-FIPS204/expectedResults.json.gz", &expected)
	card, judged := newBench(t), 0
	for i, g := range prompt.TestGroups {
		for k, v := range g.Tests {
			want := expected.TestGroups[i].Tests[k]
			template, err := wire.ParseKeyType(strings.ToLower(g.ParameterSet))
			if err != nil || want.ID != v.ID {
				t.Fatal(want.ID, v.ID, err)
			}
			key, err := mldsa.NewPrivateKey(template.Parameters, v.Seed)
			if err != nil {
				t.Fatal(err)
			}
			der, err := keyfile.PKCS8(keyfile.Expanded{PrivateKey: key})
			if err != nil || !bytes.HasSuffix(der, want.SK) {
				t.Errorf("%d: another expanded key, %v", v.ID, err)
			}
			public, err := mldsa.NewPublicKey(template.Parameters, want.PK)
			if err != nil {
				t.Fatal(err)
			}
			if err := card.put(key); err != nil {
				t.Fatal(err)
			}
			if err := card.Prove(ref, wire.MLDSAPublicKey(public)); err != nil {
				t.Errorf("%d: %v", v.ID, err)
			}
			judged++
		}
	}
	if judged < 75 {
		t.Errorf("%d keys were judged", judged)
	}
}

// readACVP reads a file of circl's test data.
func readACVP(t *testing.T, name string, into any) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cloudflare/circl").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "sign", "mldsa", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	content, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(content).Decode(into); err != nil {
		t.Fatal(err)
	}
}
