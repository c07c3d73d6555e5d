package token

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/testrun"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// outcome is what an operation gave: the name of the error, or "".
func outcome(_ []byte, err error) error { return err }

// TestOpenSSLEncrypts, and the token decrypts; and what the token encrypts it decrypts.
func TestOpenSSLEncrypts(t *testing.T) {
	random, s := testrun.Random(t), newTestSession(t)
	p := newPair(t, s, "rsa:2048")
	public := p.pem(t)
	type scheme struct {
		mechanism cryptoki.MechanismType
		parameter []byte
		most      int
		options   []string
	}
	schemes := []scheme{
		{cryptoki.RSAPKCS, nil, 256 - 11, []string{"rsa_padding_mode:pkcs1"}},
		{cryptoki.RSAX509, nil, 256, nil},
	}
	for _, h := range hashes {
		for _, mgf := range hashes {
			label := randomBytes(random, random.IntN(3)*7)
			options := []string{"rsa_padding_mode:oaep", "rsa_oaep_md:" + openSSLName(h.hash), "rsa_mgf1_md:" + openSSLName(mgf.hash)}
			if len(label) > 0 {
				options = append(options, fmt.Sprintf("rsa_oaep_label:%x", label))
			}
			parameter := append(numbers(uint64(h.digest), uint64(mgf.mgf), cryptoki.OAEPDataSpecified, uint64(len(label))), label...)
			schemes = append(schemes, scheme{cryptoki.RSAPKCSOAEP, parameter, 256 - 2*h.hash.Size() - 2, options})
		}
	}
	for _, c := range schemes {
		message := randomBytes(random, random.IntN(c.most+1))
		if c.mechanism == cryptoki.RSAX509 {
			message = append([]byte{0}, randomBytes(random, c.most-1)...)
		}
		ours, err := s.inPieces(random, Encrypt, c.mechanism, c.parameter, p.public, message, nil)
		if err != nil {
			t.Fatalf("%#x, %v: %v", c.mechanism, c.options, err)
		}
		ciphertexts := [][]byte{ours}
		if c.options != nil {
			args := []string{"pkeyutl", "-encrypt", "-pubin", "-inkey", "public", "-in", "message"}
			for _, o := range c.options {
				args = append(args, "-pkeyopt", o)
			}
			out, err := openSSL(t, map[string][]byte{"public": public, "message": message}, args...)
			if err != nil {
				t.Fatalf("%v: %v\n%s", c.options, err, out)
			}
			ciphertexts = append(ciphertexts, []byte(out))
		}
		for _, ciphertext := range ciphertexts {
			got, err := s.inPieces(random, Decrypt, c.mechanism, c.parameter, p.private, ciphertext, nil)
			if err != nil || !bytes.Equal(got, message) {
				t.Errorf("%#x, %v: %x, %v; expected %x", c.mechanism, c.options, got, err, message)
			}
		}
		if _, err := s.do(Encrypt, c.mechanism, c.parameter, p.public, make([]byte, c.most+1), nil); err != cryptoki.DataLenRange {
			t.Errorf("%#x, %v, a byte too much: %v", c.mechanism, c.options, err)
		}
		if c.mechanism != cryptoki.RSAX509 {
			refuseCiphertexts(t, random, s, c.mechanism, c.parameter, p.private, ours)
		}
	}
}

// refuseCiphertexts wants one error for all that do not decrypt.
func refuseCiphertexts(t *testing.T, random *mathrand.Rand, s *Session, m cryptoki.MechanismType, parameter []byte, k *object, good []byte) {
	t.Helper()
	n := k.public.Modulus
	other := bytes.Clone(good)
	other[1+random.IntN(255)] ^= 1
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"another":             {other, cryptoki.EncryptedDataInvalid},
		"zero":                {make([]byte, 256), cryptoki.EncryptedDataInvalid},
		"the modulus":         {n[len(n)-256:], cryptoki.EncryptedDataInvalid},
		"above":               {bytes.Repeat([]byte{0xFF}, 256), cryptoki.EncryptedDataInvalid},
		"a byte less":         {good[1:], cryptoki.EncryptedDataLenRange},
		"a byte more":         {append([]byte{0}, good...), cryptoki.EncryptedDataLenRange},
		"nothing":             {nil, cryptoki.EncryptedDataLenRange},
		"more than fits ever": {make([]byte, hsm.MaxMessage+1), cryptoki.DataLenRange},
	} {
		if got, err := s.do(Decrypt, m, parameter, k, c.data, nil); err != c.want || got != nil {
			t.Errorf("%#x, %s: %x, %v; expected %v", m, name, got, err, c.want)
		}
	}
}

// TestRawSignaturesSayWhatTheySign: data that is signed without a hash, and recovered.
func TestRawSignaturesSayWhatTheySign(t *testing.T) {
	random, s := testrun.Random(t), newTestSession(t)
	p := newPair(t, s, "rsa:2048")
	for m, most := range map[cryptoki.MechanismType]int{cryptoki.RSAPKCS: 256 - 11, cryptoki.RSAX509: 256} {
		for _, length := range []int{1, random.IntN(most-1) + 1, most} {
			data := randomBytes(random, length)
			data[0] &= 0x7F
			want := data
			if m == cryptoki.RSAX509 {
				want = leftPad(data, 256)
			}
			for _, op := range []Operation{Sign, SignRecover} {
				signature, err := s.do(op, m, nil, p.private, data, nil)
				if err != nil {
					t.Fatalf("%#x, %d bytes: %v", m, length, err)
				}
				if got, err := s.do(VerifyRecover, m, nil, p.public, signature, nil); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%#x, %d bytes: %x, %v", m, length, got, err)
				}
				if _, err := s.do(Verify, m, nil, p.public, data, signature); err != nil {
					t.Errorf("%#x, %d bytes: %v", m, length, err)
				}
				e := new(big.Int).SetBytes(p.public.public.Exponent)
				n := new(big.Int).SetBytes(p.public.public.Modulus)
				if block := new(big.Int).Exp(new(big.Int).SetBytes(signature), e, n).Bytes(); !bytes.HasSuffix(block, bytes.TrimLeft(data, "\x00")) {
					t.Errorf("%#x, %d bytes: the signature is that of %x", m, length, block)
				}
			}
		}
		if _, err := s.do(Sign, m, nil, p.private, make([]byte, most+1), nil); err != cryptoki.DataLenRange {
			t.Errorf("%#x, a byte too much: %v", m, err)
		}
		if _, err := s.do(VerifyRecover, m, nil, p.public, make([]byte, 255), nil); err != cryptoki.SignatureLenRange {
			t.Errorf("%#x, a short signature: %v", m, err)
		}
	}
	if _, err := s.do(Sign, cryptoki.RSAX509, nil, p.private, bytes.Repeat([]byte{0xFF}, 256), nil); err != cryptoki.DataInvalid {
		t.Errorf("a number above the modulus: %v", err)
	}
	if _, err := s.do(VerifyRecover, cryptoki.RSAPKCS, nil, p.public, make([]byte, 256), nil); err != cryptoki.SignatureInvalid {
		t.Errorf("the signature 0: %v", err)
	}
}

// TestECDSATruncates what is longer than the order.
func TestECDSATruncates(t *testing.T) {
	random, s := testrun.Random(t), newTestSession(t)
	for _, c := range curve.All() {
		p := newPair(t, s, "ec:"+c.Name)
		for _, length := range []int{1, 20, len(c.N), len(c.N) + 1, 200} {
			data := randomBytes(random, length)
			signature, err := s.do(Sign, cryptoki.ECDSA, nil, p.private, data, nil)
			if err != nil {
				t.Fatalf("%s, %d bytes: %v", c.Name, length, err)
			}
			der, err := curve.DERSignature(c, signature)
			if err != nil || len(signature) != 2*len(c.N) || !c.Verify(p.public.public.Point, data, der) {
				t.Errorf("%s, %d bytes: %x does not verify (%v)", c.Name, length, signature, err)
			}
			if _, err := s.do(Verify, cryptoki.ECDSA, nil, p.public, data, signature); err != nil {
				t.Errorf("%s, %d bytes: %v", c.Name, length, err)
			}
		}
		if _, err := s.do(Sign, cryptoki.ECDSA, nil, p.private, nil, nil); err != cryptoki.DataLenRange {
			t.Errorf("%s, nothing: %v", c.Name, err)
		}
	}
}

// TestKeysWithListsDoWhatTheyMay: where a list has no raw RSA, or has hashes of the
// device alone, the device does it.
func TestKeysWithListsDoWhatTheyMay(t *testing.T) {
	s := newTestSession(t)
	pssParameter := func(h hashNames) []byte {
		return numbers(uint64(h.digest), uint64(h.mgf), uint64(h.hash.Size()))
	}
	sha256 := hashes[2]
	digest := make([]byte, 32)
	oaepSHA256 := numbers(uint64(cryptoki.SHA256), uint64(cryptoki.MGF1SHA256), 1, 0)
	for _, c := range []struct {
		kind       string
		algorithms []byte
		op         Operation
		mechanism  cryptoki.MechanismType
		parameter  []byte
		message    []byte
		may        bool
	}{
		{"rsa:2048", []byte{0x20}, Sign, cryptoki.RSAPKCS, nil, digest, true},
		{"rsa:2048", []byte{0x30}, Sign, cryptoki.RSAPKCS, nil, digest, true},
		{"rsa:2048", []byte{0x30}, Sign, cryptoki.RSAX509, nil, digest, false},
		{"rsa:2048", []byte{0x33}, Sign, cryptoki.SHA256RSAPKCS, nil, nil, true},
		{"rsa:2048", []byte{0x33}, Sign, cryptoki.SHA256RSAPKCS, nil, []byte("m"), true},
		{"rsa:2048", []byte{0x33}, Sign, cryptoki.SHA256RSAPKCS, nil, make([]byte, hsm.MaxMessage), true},
		{"rsa:2048", []byte{0x33}, Sign, cryptoki.SHA256RSAPKCS, nil, make([]byte, hsm.MaxMessage+1), false},
		{"rsa:2048", []byte{0x33}, Sign, cryptoki.SHA384RSAPKCS, nil, []byte("m"), false},
		{"rsa:2048", []byte{0x33}, Sign, cryptoki.RSAPKCS, nil, digest, false},
		{"rsa:2048", []byte{0x40}, Sign, cryptoki.RSAPKCSPSS, pssParameter(sha256), digest, true},
		{"rsa:2048", []byte{0x40}, Sign, cryptoki.RSAPKCSPSS, numbers(uint64(cryptoki.SHA256), uint64(cryptoki.MGF1SHA256), 20), digest, false},
		{"rsa:2048", []byte{0x43}, Sign, cryptoki.SHA256RSAPSS, pssParameter(sha256), []byte("m"), true},
		{"rsa:2048", []byte{0x43}, Sign, cryptoki.SHA256RSAPSS, numbers(uint64(cryptoki.SHA256), uint64(cryptoki.MGF1SHA1), 32), []byte("m"), false},
		{"rsa:2048", []byte{0x43}, Sign, cryptoki.SHA256RSAPKCS, nil, []byte("m"), false},
		{"rsa:2048", []byte{0x22}, Decrypt, cryptoki.RSAPKCS, nil, []byte("m"), true},
		{"rsa:2048", []byte{0x23}, Decrypt, cryptoki.RSAPKCSOAEP, oaepSHA256, []byte("m"), true},
		{"rsa:2048", []byte{0x23}, Decrypt, cryptoki.RSAPKCSOAEP, append(numbers(uint64(cryptoki.SHA256), uint64(cryptoki.MGF1SHA256), 1, 1), 'l'), []byte("m"), false},
		{"rsa:2048", []byte{0x22}, Decrypt, cryptoki.RSAPKCSOAEP, oaepSHA256, []byte("m"), false},
		{"rsa:2048", []byte{0x20}, Decrypt, cryptoki.RSAPKCS, nil, []byte("m"), false},
		{"ec:secp256r1", []byte{0x70}, Sign, cryptoki.ECDSASHA256, nil, []byte("m"), true},
		{"ec:secp256r1", []byte{0x73}, Sign, cryptoki.ECDSASHA256, nil, []byte("m"), true},
		{"ec:secp256r1", []byte{0x73}, Sign, cryptoki.ECDSASHA3256, nil, []byte("m"), false},
		{"ec:secp256r1", []byte{0x73}, Sign, cryptoki.ECDSA, nil, digest, false},
		{"ec:secp256r1", []byte{0x80}, Sign, cryptoki.ECDSA, nil, digest, false},
	} {
		p := newPair(t, s, c.kind, c.algorithms...)
		data := c.message
		if c.op == Decrypt {
			var err error
			if data, err = s.do(Encrypt, c.mechanism, c.parameter, p.public, data, nil); err != nil {
				t.Fatal(err)
			}
		}
		out, err := s.do(c.op, c.mechanism, c.parameter, p.private, data, nil)
		if c.may != (err == nil) || err != nil && err != cryptoki.KeyFunctionNotPermitted && err != cryptoki.DataLenRange {
			t.Errorf("list %X, mechanism %#x, %d bytes: %v", c.algorithms, c.mechanism, len(c.message), err)
		}
		if err == nil && c.op == Decrypt && !bytes.Equal(out, c.message) {
			t.Errorf("list %X, mechanism %#x: decrypted %x", c.algorithms, c.mechanism, out)
		}
		if err == nil && c.op == Sign {
			if _, err := s.do(Verify, c.mechanism, c.parameter, p.public, data, out); err != nil {
				t.Errorf("list %X, mechanism %#x: %v", c.algorithms, c.mechanism, err)
			}
		}
		if err := s.asUser(func(h *hsm.HSM) error { return h.DeleteKey(p.private.ref) }); err != nil {
			t.Fatal(err)
		}
	}
}

// TestParametersAreChecked before anything is done.
func TestParametersAreChecked(t *testing.T) {
	s := newTestSession(t)
	rsa, ec := newPair(t, s, "rsa:2048"), newPair(t, s, "ec:secp256r1")
	sha1, sha256, mgf := uint64(cryptoki.SHA1), uint64(cryptoki.SHA256), uint64(cryptoki.MGF1SHA256)
	for name, c := range map[string]struct {
		op        Operation
		mechanism cryptoki.MechanismType
		parameter []byte
		key       *object
		want      error
	}{
		"PSS":                      {Sign, cryptoki.RSAPKCSPSS, numbers(sha256, mgf, 32), rsa.private, nil},
		"PSS, longest salt":        {Sign, cryptoki.RSAPKCSPSS, numbers(sha256, mgf, 222), rsa.private, nil},
		"PSS, longer salt":         {Sign, cryptoki.RSAPKCSPSS, numbers(sha256, mgf, 223), rsa.private, cryptoki.MechanismParamInvalid},
		"PSS, salt without bounds": {Sign, cryptoki.RSAPKCSPSS, numbers(sha256, mgf, 1<<64-1), rsa.private, cryptoki.MechanismParamInvalid},
		"PSS, no parameter":        {Sign, cryptoki.RSAPKCSPSS, nil, rsa.private, cryptoki.MechanismParamInvalid},
		"PSS, a byte missing":      {Sign, cryptoki.RSAPKCSPSS, numbers(sha256, mgf, 32)[:23], rsa.private, cryptoki.MechanismParamInvalid},
		"PSS, a byte more":         {Sign, cryptoki.RSAPKCSPSS, append(numbers(sha256, mgf, 32), 0), rsa.private, cryptoki.MechanismParamInvalid},
		"PSS, no hash":             {Sign, cryptoki.RSAPKCSPSS, numbers(0, mgf, 32), rsa.private, cryptoki.MechanismParamInvalid},
		"PSS, HMAC as hash":        {Sign, cryptoki.RSAPKCSPSS, numbers(uint64(cryptoki.SHA256HMAC), mgf, 32), rsa.private, cryptoki.MechanismParamInvalid},
		"PSS, no MGF":              {Sign, cryptoki.RSAPKCSPSS, numbers(sha256, 0, 32), rsa.private, cryptoki.MechanismParamInvalid},
		"PSS, unknown MGF":         {Sign, cryptoki.RSAPKCSPSS, numbers(sha256, 10, 32), rsa.private, cryptoki.MechanismParamInvalid},
		"PSS, another hash":        {Sign, cryptoki.SHA256RSAPSS, numbers(sha1, mgf, 20), rsa.private, cryptoki.MechanismParamInvalid},
		"OAEP":                     {Decrypt, cryptoki.RSAPKCSOAEP, numbers(sha256, mgf, 1, 0), rsa.private, nil},
		"OAEP, no source":          {Decrypt, cryptoki.RSAPKCSOAEP, numbers(sha256, mgf, 0, 0), rsa.private, nil},
		"OAEP, label, no source":   {Decrypt, cryptoki.RSAPKCSOAEP, append(numbers(sha256, mgf, 0, 1), 1), rsa.private, cryptoki.MechanismParamInvalid},
		"OAEP, another source":     {Decrypt, cryptoki.RSAPKCSOAEP, numbers(sha256, mgf, 2, 0), rsa.private, cryptoki.MechanismParamInvalid},
		"OAEP, label cut off":      {Decrypt, cryptoki.RSAPKCSOAEP, append(numbers(sha256, mgf, 1, 2), 1), rsa.private, cryptoki.MechanismParamInvalid},
		"OAEP, label of 2^64":      {Decrypt, cryptoki.RSAPKCSOAEP, append(numbers(sha256, mgf, 1, 1<<64-1), 1), rsa.private, cryptoki.MechanismParamInvalid},
		"OAEP, no hash":            {Encrypt, cryptoki.RSAPKCSOAEP, numbers(0, mgf, 1, 0), rsa.public, cryptoki.MechanismParamInvalid},
		"OAEP, no MGF":             {Encrypt, cryptoki.RSAPKCSOAEP, numbers(sha256, 0, 1, 0), rsa.public, cryptoki.MechanismParamInvalid},
		"PKCS #1, a parameter":     {Sign, cryptoki.RSAPKCS, []byte{0}, rsa.private, cryptoki.MechanismParamInvalid},
		"ECDSA, a parameter":       {Sign, cryptoki.ECDSASHA1, []byte{0}, ec.private, cryptoki.MechanismParamInvalid},
		"digest, a parameter":      {Digest, cryptoki.SHA256, []byte{0}, nil, cryptoki.MechanismParamInvalid},
		"ECDSA with RSA":           {Sign, cryptoki.ECDSA, nil, rsa.private, cryptoki.KeyTypeInconsistent},
		"RSA with EC":              {Sign, cryptoki.RSAPKCS, nil, ec.private, cryptoki.KeyTypeInconsistent},
		"sign with public":         {Sign, cryptoki.RSAPKCS, nil, rsa.public, cryptoki.KeyTypeInconsistent},
		"digest that signs":        {Sign, cryptoki.SHA256, nil, rsa.private, cryptoki.MechanismInvalid},
		"signature that digests":   {Digest, cryptoki.SHA256RSAPKCS, nil, nil, cryptoki.MechanismInvalid},
		"hash that encrypts":       {Encrypt, cryptoki.SHA256RSAPKCS, nil, rsa.public, cryptoki.MechanismInvalid},
		"unknown":                  {Sign, 0x9999, nil, rsa.private, cryptoki.MechanismInvalid},
	} {
		if err := s.beginWith(c.op, c.mechanism, c.parameter, c.key); err != c.want && !errors.Is(err, c.want) {
			t.Errorf("%s: %v; expected %v", name, err, c.want)
		}
		s.Cancel(c.op)
	}
}

// TestKeysSayWhatTheyMay by their attributes.
func TestKeysSayWhatTheyMay(t *testing.T) {
	s := newTestSession(t)
	p := newPair(t, s, "rsa:2048")
	with := func(k *object, a cryptoki.AttributeType, value []byte) *object {
		other := *k
		other.attributes = append(cryptoki.Template{{Type: a, Value: value}}, k.attributes...)
		return &other
	}
	without := func(a cryptoki.AttributeType, k *object) *object { return with(k, a, cryptoki.Bool(false)) }
	odd := func(change func(*wire.PublicKey)) *object {
		other, public := *p.public, *p.public.public
		change(&public)
		other.public = &public
		return &other
	}
	list := func(m ...uint64) *object { return with(p.private, cryptoki.AttrAllowedMechanisms, numbers(m...)) }
	for name, c := range map[string]struct {
		op   Operation
		key  *object
		want error
	}{
		"no sign":         {Sign, without(cryptoki.AttrSign, p.private), cryptoki.KeyFunctionNotPermitted},
		"no sign-recover": {SignRecover, without(cryptoki.AttrSignRecover, p.private), cryptoki.KeyFunctionNotPermitted},
		"no decrypt":      {Decrypt, without(cryptoki.AttrDecrypt, p.private), cryptoki.KeyFunctionNotPermitted},
		"no verify":       {Verify, without(cryptoki.AttrVerify, p.public), cryptoki.KeyFunctionNotPermitted},
		"no encrypt":      {Encrypt, without(cryptoki.AttrEncrypt, p.public), cryptoki.KeyFunctionNotPermitted},
		"list":            {Sign, list(5, uint64(cryptoki.RSAPKCS)), nil},
		"list of others":  {Sign, list(5, 6), cryptoki.MechanismInvalid},
		"empty list":      {Sign, list(), nil},
		"no public half":  {Sign, &object{class: cryptoki.ClassPrivateKey, attributes: p.private.attributes}, cryptoki.KeySizeRange},
		"even modulus":    {Verify, odd(func(k *wire.PublicKey) { k.Modulus = append([]byte{0x80}, make([]byte, 255)...) }), cryptoki.KeySizeRange},
		"modulus 0":       {Verify, odd(func(k *wire.PublicKey) { k.Modulus, k.Bits = nil, 0 }), cryptoki.KeySizeRange},
		"long modulus":    {Verify, odd(func(k *wire.PublicKey) { k.Modulus, k.Bits = bytes.Repeat([]byte{0xFF}, 4096), 8*4096 }), cryptoki.KeySizeRange},
		"long exponent":   {Verify, odd(func(k *wire.PublicKey) { k.Exponent = bytes.Repeat([]byte{0xFF}, 33) }), cryptoki.KeySizeRange},
		"exponent 1":      {Verify, odd(func(k *wire.PublicKey) { k.Exponent = []byte{1} }), cryptoki.KeySizeRange},
		"another length":  {Verify, odd(func(k *wire.PublicKey) { k.Bits++ }), cryptoki.KeySizeRange},
	} {
		if err := s.beginWith(c.op, cryptoki.RSAPKCS, nil, c.key); err != c.want {
			t.Errorf("%s: %v; expected %v", name, err, c.want)
		}
		s.Cancel(c.op)
	}
}

// TestOperationsEnd as PKCS#11 has it.
func TestOperationsEnd(t *testing.T) {
	s := newTestSession(t)
	digest := cryptoki.Mechanism{Type: cryptoki.SHA256}
	begin := func() error { return s.Begin(Digest, digest, 0) }
	single := func() error { return outcome(s.Single(Digest, []byte("m"), nil)) }
	update := func() error { return outcome(s.Update(Digest, []byte("m"))) }
	final := func() error { return outcome(s.Final(Digest, nil)) }
	cancel := func() error { s.Cancel(Digest); return nil }
	active, none := cryptoki.OperationActive, cryptoki.OperationNotInitialized
	for name, steps := range map[string][]struct {
		do   func() error
		want error
	}{
		"nothing begun":       {{single, none}, {update, none}, {final, none}, {cancel, nil}},
		"single ends":         {{begin, nil}, {single, nil}, {single, none}},
		"final ends":          {{begin, nil}, {update, nil}, {update, nil}, {final, nil}, {final, none}},
		"final of nothing":    {{begin, nil}, {final, nil}, {begin, nil}, {single, nil}},
		"begun twice":         {{begin, nil}, {begin, active}, {single, nil}},
		"single after update": {{begin, nil}, {update, nil}, {single, active}, {final, none}},
		"cancel ends":         {{begin, nil}, {update, nil}, {cancel, nil}, {final, none}},
	} {
		for i, step := range steps {
			if err := step.do(); err != step.want {
				t.Errorf("%s, step %d: %v; expected %v", name, i, err, step.want)
			}
		}
		s.Cancel(Digest)
	}
}

// TestOperationsAreApart: one of each kind may be under way.
func TestOperationsAreApart(t *testing.T) {
	s := newTestSession(t)
	p := newPair(t, s, "ec:secp256r1")
	message := []byte("message")
	if err := errors.Join(s.Begin(Digest, cryptoki.Mechanism{Type: cryptoki.SHA256}, 0), s.beginWith(Sign, cryptoki.ECDSASHA256, nil, p.private)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(Sign, message); err != nil {
		t.Fatal(err)
	}
	digest, err := s.Single(Digest, message, nil)
	if err != nil || len(digest) != crypto.SHA256.Size() {
		t.Fatalf("%x, %v", digest, err)
	}
	signature, err := s.Final(Sign, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.do(Verify, cryptoki.ECDSA, nil, p.public, digest, signature); err != nil {
		t.Error(err)
	}
}

// TestSigningWantsALogin, and verifying does not.
func TestSigningWantsALogin(t *testing.T) {
	s := newTestSession(t)
	p := newPair(t, s, "ec:secp256r1")
	digest := make([]byte, 32)
	signature, err := s.do(Sign, cryptoki.ECDSA, nil, p.private, digest, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.beginWith(Sign, cryptoki.ECDSA, nil, p.private); err != nil {
		t.Fatal(err)
	}
	if err := s.Logout(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Single(Sign, digest, nil); err != cryptoki.UserNotLoggedIn {
		t.Errorf("after the logout: %v", err)
	}
	if _, err := s.do(Verify, cryptoki.ECDSA, nil, p.public, digest, signature); err != nil {
		t.Error(err)
	}
}

// TestDigestsAreOpenSSLs, of messages fed in pieces.
func TestDigestsAreOpenSSLs(t *testing.T) {
	random, s := testrun.Random(t), newTestSession(t)
	for _, h := range hashes {
		for _, length := range []int{0, random.IntN(500), hsm.MaxMessage + random.IntN(100)} {
			message := randomBytes(random, length)
			got, err := s.inPieces(random, Digest, h.digest, nil, nil, message, nil)
			if err != nil {
				t.Fatal(err)
			}
			want, err := openSSL(t, map[string][]byte{"message": message}, "dgst", "-r", "-"+openSSLName(h.hash), "message")
			if err != nil || !strings.HasPrefix(want, fmt.Sprintf("%x ", got)) {
				t.Errorf("%v of %d bytes: %x; OpenSSL: %s", h.hash, length, got, want)
			}
		}
	}
}

// BenchmarkSign is of one signature in one piece.
func BenchmarkSign(b *testing.B) {
	s := newTestSession(b)
	digest := make([]byte, 32)
	for _, c := range []struct {
		name, kind string
		mechanism  cryptoki.MechanismType
		parameter  []byte
	}{
		{"ECDSA/P-256", "ec:secp256r1", cryptoki.ECDSA, nil},
		{"ECDSA_SHA256/P-256", "ec:secp256r1", cryptoki.ECDSASHA256, nil},
		{"ECDSA/P-384", "ec:secp384r1", cryptoki.ECDSA, nil},
		{"ECDSA/brainpoolP256r1", "ec:brainpoolP256r1", cryptoki.ECDSA, nil},
		{"RSA_PKCS/2048", "rsa:2048", cryptoki.RSAPKCS, nil},
		{"SHA256_RSA_PKCS/2048", "rsa:2048", cryptoki.SHA256RSAPKCS, nil},
		{"SHA256_RSA_PKCS_PSS/2048", "rsa:2048", cryptoki.SHA256RSAPSS, numbers(uint64(cryptoki.SHA256), uint64(cryptoki.MGF1SHA256), 32)},
	} {
		p := newPair(b, s, c.kind)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.do(Sign, c.mechanism, c.parameter, p.private, digest, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
