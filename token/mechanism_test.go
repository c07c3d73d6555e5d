package token

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/foreign"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/token/cryptoki"
	"conclave/wire"
)

const testPIN = "648219"

// newTestSession is a session with a new device without a DKEK, on which the user is logged in.
func newTestSession(tb testing.TB) *Session {
	tb.Helper()
	return newSessionOn(tb, wire.NoDKEK)
}

// newSessionOn is a session with a device whose DKEK has so many shares.
func newSessionOn(tb testing.TB, shares int) *Session {
	tb.Helper()
	home := practiceHome(tb.TempDir())
	if _, err := home.Create("test"); err != nil {
		tb.Fatal(err)
	}
	conn, err := home.Open("test")
	if err != nil {
		tb.Fatal(err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		tb.Fatal(err)
	}
	init := wire.UsualInitialization(secret.Bytes(testPIN), secret.Bytes("\x35\x37\x62\x18\x80\x41\x71\x66"), shares)
	if err := h.Initialize(init, "test"); err != nil {
		tb.Fatal(err)
	}
	if err := h.Close(); err != nil {
		tb.Fatal(err)
	}
	l := New(home)
	tb.Cleanup(l.Close)
	s, err := l.Application().Session(1, slotID("test"), true)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Login(cryptoki.User, secret.Bytes(testPIN)); err != nil {
		tb.Fatal(err)
	}
	return s
}

// pair is a key of the device, as objects.
type pair struct{ private, public *object }

// newPair makes a key on the device. Algorithms are its list; none for all.
func newPair(tb testing.TB, s *Session, kind string, algorithms ...byte) pair {
	tb.Helper()
	template, err := wire.ParseKeyType(kind)
	if err != nil {
		tb.Fatal(err)
	}
	var p pair
	err = s.asUser(func(h *hsm.HSM) error {
		ref, request, err := h.GenerateKey(hsm.NewKey{Key: template, KeyLimits: wire.KeyLimits{Algorithms: algorithms}})
		if err == nil {
			p = pairOf(ref, &request.Request.Key)
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func pairOf(ref byte, public *wire.PublicKey) pair {
	keyType := cryptoki.KeyEC
	if public.Type == wire.KeyRSA {
		keyType = cryptoki.KeyRSA
	}
	attributes := cryptoki.Template{{Type: cryptoki.AttrKeyType, Value: cryptoki.Number(keyType)}}
	for _, a := range []cryptoki.AttributeType{
		cryptoki.AttrEncrypt, cryptoki.AttrDecrypt, cryptoki.AttrSign, cryptoki.AttrVerify, cryptoki.AttrSignRecover, cryptoki.AttrVerifyRecover, cryptoki.AttrDerive,
	} {
		attributes = append(attributes, cryptoki.Attribute{Type: a, Value: cryptoki.Bool(true)})
	}
	return pair{
		&object{class: cryptoki.ClassPrivateKey, attributes: attributes, ref: ref, public: public},
		&object{class: cryptoki.ClassPublicKey, attributes: attributes, public: public},
	}
}

// do does an operation in one piece.
func (s *Session) do(op Operation, t cryptoki.MechanismType, parameter []byte, k *object, data, signature []byte) ([]byte, error) {
	if err := s.beginWith(op, t, parameter, k); err != nil {
		return nil, err
	}
	return s.Single(op, data, signature)
}

func (s *Session) beginWith(op Operation, t cryptoki.MechanismType, parameter []byte, k *object) error {
	m, err := mechanismOf(t, rules[op].flag)
	if err != nil {
		return err
	}
	return s.begin(op, m, parameter, k)
}

// inPieces does the same with updates of random lengths.
func (s *Session) inPieces(random *mathrand.Rand, op Operation, t cryptoki.MechanismType, parameter []byte, k *object, data, signature []byte) (out []byte, err error) {
	if err := s.beginWith(op, t, parameter, k); err != nil {
		return nil, err
	}
	for first := true; first || len(data) > 0; first = false {
		n := random.IntN(len(data) + 1)
		part, err := s.Update(op, data[:n])
		if err != nil {
			return nil, err
		}
		out, data = append(out, part...), data[n:]
	}
	last, err := s.Final(op, signature)
	return append(out, last...), err
}

func randomBytes(r *mathrand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// numbers are a parameter of several CK_ULONG.
func numbers(n ...uint64) (b []byte) {
	for _, v := range n {
		b = binary.NativeEndian.AppendUint64(b, v)
	}
	return b
}

// openSSLName is that of a hash.
func openSSLName(h crypto.Hash) string {
	return strings.ToLower(strings.NewReplacer("SHA3-", "sha3-", "SHA-", "sha").Replace(h.String()))
}

// openSSL runs a command on files, which are given by name.
func openSSL(tb testing.TB, files map[string][]byte, args ...string) (string, error) {
	tb.Helper()
	foreign.Need(tb, "openssl")
	dir := tb.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	cmd := exec.CommandContext(testrun.Patience(tb), "openssl", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (p pair) pem(tb testing.TB) []byte {
	tb.Helper()
	der, err := p.public.public.SPKI()
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// signature is one that OpenSSL is to verify.
type signature struct {
	mechanism cryptoki.MechanismType
	parameter []byte
	hash      crypto.Hash // 0 if there is none in it
	options   []string    // of openssl dgst or pkeyutl
}

func rsaSignatures(random *mathrand.Rand) (all []signature) {
	for _, h := range hashes {
		all = append(all, signature{h.pkcs1, nil, h.hash, nil})
		for _, mgf := range hashes {
			salt := []int{0, 11, h.hash.Size(), 256 - 2 - h.hash.Size()}[random.IntN(4)]
			all = append(all, signature{h.pss, numbers(uint64(h.digest), uint64(mgf.mgf), uint64(salt)), h.hash,
				[]string{"rsa_padding_mode:pss", "rsa_mgf1_md:" + openSSLName(mgf.hash), fmt.Sprint("rsa_pss_saltlen:", salt)}})
		}
	}
	return all
}

func ecSignatures() (all []signature) {
	for _, h := range hashes {
		all = append(all, signature{h.ecdsa, nil, h.hash, nil})
	}
	return all
}

// TestOpenSSLVerifies all signatures with a hash, made in one piece and in several; and
// so does the token with either half of the key, but not when a bit is another.
func TestOpenSSLVerifies(t *testing.T) {
	random, s := testrun.Random(t), newTestSession(t)
	kinds := map[string][]signature{"rsa:2048": rsaSignatures(random)}
	for _, c := range curve.All() {
		kinds["ec:"+c.Name] = ecSignatures()
	}
	for kind, signatures := range kinds {
		p := newPair(t, s, kind)
		public := p.pem(t)
		for _, want := range signatures {
			message := randomBytes(random, random.IntN(300))
			plain, err := s.inPieces(random, Sign, want.mechanism, want.parameter, p.private, message, nil)
			if err != nil {
				t.Fatalf("%s, %#x: %v", kind, want.mechanism, err)
			}
			verifyBothWays(t, random, s, want, p, message, plain)
			if strings.Contains(kind, "ec:") {
				if plain, err = curve.DERSignature(p.public.public.Curve, plain); err != nil {
					t.Fatal(err)
				}
			}
			args := []string{"dgst", "-" + openSSLName(want.hash), "-verify", "public", "-signature", "signature"}
			for _, o := range want.options {
				args = append(args, "-sigopt", o)
			}
			if out, err := openSSL(t, map[string][]byte{"public": public, "signature": plain, "message": message}, append(args, "message")...); err != nil {
				t.Errorf("%s, %#x, %v: %v\n%s", kind, want.mechanism, want.options, err, out)
			}
		}
	}
}

func verifyBothWays(t *testing.T, random *mathrand.Rand, s *Session, want signature, p pair, message, plain []byte) {
	t.Helper()
	for _, k := range []*object{p.public, p.private} {
		if _, err := s.inPieces(random, Verify, want.mechanism, want.parameter, k, message, plain); err != nil {
			t.Errorf("%#x: %v", want.mechanism, err)
		}
		if _, err := s.do(Verify, want.mechanism, want.parameter, k, append(message, 1), plain); err != cryptoki.SignatureInvalid {
			t.Errorf("%#x, another message: %v", want.mechanism, err)
		}
	}
	other := bytes.Clone(plain)
	other[random.IntN(len(other))] ^= 1 << random.IntN(8)
	if _, err := s.do(Verify, want.mechanism, want.parameter, p.public, message, other); err != cryptoki.SignatureInvalid {
		t.Errorf("%#x, another signature: %v", want.mechanism, err)
	}
	if _, err := s.do(Verify, want.mechanism, want.parameter, p.public, message, other[1:]); err != cryptoki.SignatureLenRange {
		t.Errorf("%#x, a shorter signature: %v", want.mechanism, err)
	}
}

// TestMechanismsDoWhatTheirFlagsSay: the schemes have the methods.
func TestMechanismsDoWhatTheirFlagsSay(t *testing.T) {
	c, err := curve.ByName("secp256r1")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[cryptoki.KeyType]*object{
		cryptoki.KeyRSA: {public: &wire.PublicKey{Type: wire.KeyRSA, Bits: 2048}}, cryptoki.KeyEC: {public: &wire.PublicKey{Type: wire.KeyEC, Curve: c}},
		cryptoki.KeyGenericSecret: {value: []byte{1}}, cryptoki.KeyAES: {value: make([]byte, 16)},
	}
	parameters := map[cryptoki.MechanismType][]byte{
		cryptoki.RSAPKCSPSS: numbers(uint64(cryptoki.SHA1), 1, 20), cryptoki.RSAPKCSOAEP: numbers(uint64(cryptoki.SHA1), 1, 1, 0),
		cryptoki.AESCBC: make([]byte, 16), cryptoki.AESCBCPad: make([]byte, 16), cryptoki.AESCTR: append(numbers(128), make([]byte, 16)...),
	}
	for _, h := range hashes {
		parameters[h.pss] = numbers(uint64(h.digest), 1, 20)
	}
	seen := map[cryptoki.MechanismType]bool{}
	for i := range mechanisms {
		m := &mechanisms[i]
		if seen[m.Type] {
			t.Errorf("%#x is there twice", m.Type)
		}
		seen[m.Type] = true
		var scheme any
		if m.scheme != nil {
			if scheme, err = m.scheme(m, parameters[m.Type], keys[m.KeyType]); err != nil {
				t.Fatalf("%#x: %v", m.Type, err)
			}
		}
		_, isCipher := scheme.(cipherMode)
		_, canSign := scheme.(signer)
		_, canVerify := scheme.(verifier)
		_, canEncrypt := scheme.(encrypter)
		_, canDecrypt := scheme.(decrypter)
		_, canRecover := scheme.(recoverer)
		for flag, can := range map[cryptoki.Flags]bool{
			cryptoki.MechanismSign: canSign, cryptoki.MechanismSignRecover: canSign, cryptoki.MechanismVerify: canVerify, cryptoki.MechanismEncrypt: canEncrypt || isCipher,
			cryptoki.MechanismDecrypt: canDecrypt || isCipher, cryptoki.MechanismVerifyRecover: canRecover,
		} {
			if m.Flags&flag != 0 && !can {
				t.Errorf("%#x cannot do %#x", m.Type, flag)
			}
		}
	}
}
