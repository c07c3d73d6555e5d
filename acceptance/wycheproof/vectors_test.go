package wycheproof

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	vectors "github.com/c2sp/wycheproof"

	"conclave/internal/testrun"
)

// hexBytes is a JSON string of hexadecimal digits.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// group is a group of vectors of any kind: each kind has some of the fields.
type group struct {
	Curve, Encoding, SHA, MgfSHA string
	KeySize, TagSize, SLen       int
	PublicKeyDER                 hexBytes
	PrivateKeyPKCS8, PrivateSeed hexBytes
	PublicKey, PrivateKey        json.RawMessage
	Tests                        []vector
}

// vector is one of any kind.
type vector struct {
	ID                        int `json:"tcId"`
	Comment, Result           string
	Flags                     []string
	Msg, Sig, Ct, Label       hexBytes
	Ctx, Mu                   hexBytes
	Key, Tag, Shared          hexBytes
	Public, Private           json.RawMessage
	Name, OID                 string
	P, N, A, B, Gx, Gy, Value hexBytes
	H                         int
}

func load(t *testing.T, name string) (groups []group) {
	t.Helper()
	content, err := fs.ReadFile(vectors.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ TestGroups []group }
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	return file.TestGroups
}

// judge holds the answers to the vectors of a file against what the file expects.
type judge struct {
	*testing.T
	card          *bench
	valid, others int            // vectors judged
	left          map[string]int // vectors that do not apply, by reason
}

// leave says that a vector does not apply.
func (j *judge) leave(reason string) { j.left[reason]++ }

// answer takes what came of a vector: whether it was accepted, and whether what was
// computed is what was expected.
func (j *judge) answer(v vector, accepted, right bool) {
	j.Helper()
	expected := v.Result == "valid"
	if v.Result == "acceptable" {
		expected = j.choice(v)
	}
	if expected {
		j.valid++
	} else {
		j.others++
	}
	switch {
	case accepted != expected:
		j.Errorf("vector %d (%s, %v) is %s: accepted %t", v.ID, v.Comment, v.Flags, v.Result, accepted)
	case accepted && !right:
		j.Errorf("vector %d (%s, %v): the result is wrong", v.ID, v.Comment, v.Flags)
	}
}

// choice says whether we take a vector that may be taken or refused.
func (j *judge) choice(v vector) bool {
	j.Helper()
	for _, flag := range v.Flags {
		if _, named := refused()[flag]; named {
			return false
		}
	}
	for _, flag := range v.Flags {
		if _, named := taken()[flag]; named {
			return true
		}
	}
	j.Errorf("vector %d (%s) is acceptable for %v; why it is taken or refused is not written down", v.ID, v.Comment, v.Flags)
	return false
}

// refused are the flags of acceptable vectors that we refuse, and why.
func refused() map[string]string {
	const strict = "public keys are DER, and nothing is guessed"
	const named = "the numbers of a curve are all those of one with a name: others can be chosen to deceive"
	const uncompressed = "the card's points have both coordinates"
	return map[string]string{
		"InvalidAsn": strict, "InvalidPem": strict,
		"CompressedPoint": uncompressed, "CompressedPublic": uncompressed,
		"UnnamedCurve": named, "UnusedParam": named, "WrongOrder": named, "ModifiedGenerator": named,
		"ModifiedCofactor": named, "NoCofactor": named, "ModifiedCurveParameter": named,
		"MissingNull": "RFC 8017 has one encoding of a signature for each digest",
	}
}

// taken are the flags of acceptable vectors that we take, and why.
func taken() map[string]string {
	const existing = "what exists is carried on: the card has such keys, and no new ones"
	return map[string]string{
		"SmallModulus": existing, "SmallPublicKey": existing,
		"SmallIntegerCiphertext": "its padding is good, and a random one as likely as any other",
		"WeakHash":               "the card signs what its host asks for; roots of today do not",
	}
}

// rule says which files are judged how.
type rule struct {
	files string // a regular expression
	judge func(j *judge, groups []group)
	why   string // they do not apply, where nothing judges them
}

// curves are those of the card that vectors have, as names of files have them.
const curves = `(secp(192r1|224r1|256r1|384r1|521r1|192k1|256k1)|brainpoolP\d+r1)`

func rules() []rule {
	const notOurs = "nothing of ours computes it"
	return []rule{
		{files: `ecdsa_` + curves + `_\w+_p1363_test`, judge: (*judge).plainECDSA},
		{files: `ecdsa_` + curves + `_(sha(3_)?|shake)\d+_test`, judge: (*judge).ecdsa},
		{files: `ecdsa_secp256k1_sha256_bitcoin_test`, why: "it refuses the higher s, a rule of Bitcoin"},
		{files: `ecdsa_secp(160..|224k1)_\w+`, judge: (*judge).unknownCurve},
		{files: `ecdh_` + curves + `_(ecpoint_|pem_|webcrypto_)?test`, judge: (*judge).ecdh},
		{files: `ecdh_sect\w+`, judge: (*judge).unknownCurve},
		{files: `ec_prime_order_curves_test`, judge: (*judge).parameters},
		{files: `aes_cmac_test`, judge: (*judge).cmac},
		{files: `rsa_signature_\d+_sha(224|256|384|512)_test`, judge: (*judge).verifyPKCS1},
		{files: `rsa_signature_\d+_sha(3_\d+|512_2\d+)_test`, why: "no signature of ours has this hash"},
		{files: `rsa_pkcs1_\d+_sig_gen_test`, judge: (*judge).signRSA},
		{files: `rsa_pkcs1_\d+_test`, judge: (*judge).decryptPKCS1},
		{files: `rsa_oaep_\w+_test`, judge: (*judge).decryptOAEP},
		{files: `rsa_three_primes_\w+`, judge: (*judge).threePrimes},
		{files: `rsa_pss_(\d+_sha(1|256|384|512)_mgf1_\d+|misc)_test`, judge: (*judge).verifyPSS},
		{files: `rsa_pss_\w+_params_test`, judge: (*judge).keysForPSS},
		{files: `rsa_pss_\d+_(sha512_2\d\d_mgf1_\d+|sha\d+_mgf1sha\d+_\d+)_test`, judge: (*judge).encodePSS},
		{files: `rsa_pss_\d+_shake\d+_test`, why: "no signature of ours has this hash"},
		{files: `mldsa_\d+_verify_test`, judge: (*judge).verifyMLDSA},
		{files: `mldsa_\d+_sign_seed_test`, judge: (*judge).signMLDSA},
		{files: `mldsa_\d+_sign_noseed_test`, judge: (*judge).expandedMLDSA},
		{files: `primality_test`, why: "no one brings us a prime for RSA; those of share files are judged in package quorum"},
		{files: `aes_(cbc|ccm|eax|ff1|gcm|gmac|kwp|siv|wrap|xts)\w*|aead_aes\w*|a\d+cbc_\w+|c2sp_\w+`, why: "modes of AES other than CMAC are the standard library's"},
		{files: `(hkdf|hmac|pbkdf2|pbes2|chacha20|xchacha20|ed25519|x25519)\w+`, why: "the standard library's, or that of golang.org/x/crypto"},
		{files: `(aegis|aria|ascon|bls|camellia|dsa|ed448|json_web|kmac|mlkem|morus|seed|siphash|sm4|vmac|x448)\w+`, why: notOurs},
	}
}

// TestVectors judges the files of the module that apply, half of them in a run. Each file
// must be named by one rule, so that a new one is not passed over.
func TestVectors(t *testing.T) {
	names, err := fs.Glob(vectors.TestVectors, "*.json")
	if err != nil || len(names) < 300 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	card, tried := newBench(t), testrun.OneIn(t, 2)
	used := map[string]bool{}
	for _, name := range names {
		r, err := ruleOf(strings.TrimSuffix(name, ".json"))
		if err != nil {
			t.Error(err)
			continue
		}
		used[r.files] = true
		if r.judge == nil || !tried() {
			continue
		}
		t.Run(strings.TrimSuffix(name, "_test.json"), func(t *testing.T) {
			j := &judge{T: t, card: card, left: map[string]int{}}
			r.judge(j, load(t, name))
			t.Logf("%d accepted, %d refused, not applicable %v", j.valid, j.others, j.left)
			if j.valid+j.others == 0 {
				t.Error("no vector of this file was judged")
			}
		})
	}
	for _, r := range rules() {
		if !used[r.files] {
			t.Errorf("there is no file %s any more", r.files)
		}
	}
}

// ruleOf gives the one rule for a file.
func ruleOf(name string) (found rule, err error) {
	count := 0
	for _, r := range rules() {
		if regexp.MustCompile(`^(` + r.files + `)$`).MatchString(name) {
			found, count = r, count+1
		}
	}
	if count != 1 {
		return rule{}, fmt.Errorf("%d rules are for %s; one was expected: is it judged, or why not?", count, name)
	}
	return found, nil
}
