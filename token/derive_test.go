package token

import (
	"bytes"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/token/cryptoki"
)

// ecdhParameter is CK_ECDH1_DERIVE_PARAMS.
func ecdhParameter(kdf cryptoki.KDF, shared, point []byte) (b []byte) {
	b = append(numbers(uint64(kdf), uint64(len(shared))), shared...)
	return append(append(b, numbers(uint64(len(point)))...), point...)
}

// ecPrivatePEM is SEC 1's form of a key, which OpenSSL reads.
func ecPrivatePEM(tb testing.TB, k *curve.PrivateKey) []byte {
	tb.Helper()
	b := append(der(tb, 1), der(tb, []byte(k.D))...)
	oid := der(tb, k.Curve.OID)
	b = append(append(b, 0xA0, byte(len(oid))), oid...)
	sequence := []byte{0x30, byte(len(b))}
	if len(b) > 127 {
		sequence = []byte{0x30, 0x81, byte(len(b))}
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: append(sequence, b...)})
}

// valueOf reads CKA_VALUE.
func (s *Session) valueOf(tb testing.TB, h cryptoki.Handle) []byte {
	tb.Helper()
	o, err := s.object(h)
	if err != nil {
		tb.Fatal(err)
	}
	value, _ := o.attributes.Find(cryptoki.AttrValue)
	return value
}

// keep makes test keys objects of the session.
func (s *Session) keepPair(p pair) (public, private cryptoki.Handle) {
	return s.keep(p.public), s.keep(p.private)
}

// TestOpenSSLAgrees on a secret, with all curves, and on what each KDF makes of it.
func TestOpenSSLAgrees(t *testing.T) {
	random, s := testrun.Random(t), newTestSession(t)
	for _, c := range curve.All() {
		p := newPair(t, s, "ec:"+c.Name)
		_, base := s.keepPair(p)
		peer, err := c.Generate()
		if err != nil {
			t.Fatal(err)
		}
		out, err := openSSL(t, map[string][]byte{"own": ecPrivatePEM(t, peer), "peer": p.pem(t)}, "pkeyutl", "-derive", "-inkey", "own", "-peerkey", "peer", "-hexdump")
		if err != nil {
			t.Fatalf("%s: %v\n%s", c.Name, err, out)
		}
		x := fromDump(t, out)
		for _, point := range [][]byte{peer.Q, der(t, peer.Q)} {
			for _, length := range []int{0, 1, random.IntN(len(x)) + 1, len(x)} {
				var template cryptoki.Template
				want := x
				if length > 0 {
					template = cryptoki.Template{number(cryptoki.AttrValueLen, uint64(length))}
					want = x[len(x)-length:]
				}
				h, err := s.DeriveKey(cryptoki.Mechanism{Type: cryptoki.ECDH1Derive, Parameter: ecdhParameter(cryptoki.KDFNull, nil, point)}, base, template)
				if err != nil {
					t.Fatalf("%s, %d bytes: %v", c.Name, length, err)
				}
				if got := s.valueOf(t, h); !bytes.Equal(got, want) {
					t.Errorf("%s, %d bytes: %x; expected %x", c.Name, length, got, want)
				}
			}
		}
		k := hashes[random.IntN(len(hashes))]
		shared, length := randomBytes(random, random.IntN(30)+1), random.IntN(150)+1
		h, err := s.DeriveKey(cryptoki.Mechanism{Type: cryptoki.ECDH1CofactorDerive, Parameter: ecdhParameter(k.kdf, shared, peer.Q)}, base,
			cryptoki.Template{number(cryptoki.AttrValueLen, uint64(length))})
		if err != nil {
			t.Fatal(err)
		}
		out, err = openSSL(t, nil, "kdf", "-keylen", fmt.Sprint(length), "-kdfopt", "digest:"+openSSLName(k.hash),
			"-kdfopt", "hexsecret:"+hex.EncodeToString(x), "-kdfopt", "hexinfo:"+hex.EncodeToString(shared), "X963KDF")
		want := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(out), ":", ""))
		if got := s.valueOf(t, h); err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%s, %v: %x; OpenSSL: %s (%v)", c.Name, k.hash, got, out, err)
		}
	}
}

// fromDump reads a hex dump of OpenSSL: an offset, bytes, text.
func fromDump(tb testing.TB, dump string) (b []byte) {
	tb.Helper()
	for line := range strings.Lines(dump) {
		_, line, _ = strings.Cut(line, " - ")
		digits := strings.NewReplacer(" ", "", "-", "").Replace(line[:min(len(line), 3*16)])
		part, err := hex.DecodeString(digits)
		if err != nil {
			tb.Fatalf("%q: %v", dump, err)
		}
		b = append(b, part...)
	}
	return b
}

// TestDerivationIsChecked before the device agrees to anything.
func TestDerivationIsChecked(t *testing.T) {
	s := newTestSession(t)
	ec := newPair(t, s, "ec:secp256r1")
	public, base := s.keepPair(ec)
	_, rsa := s.keepPair(newPair(t, s, "rsa:1024"))
	c := ec.public.public.Curve
	off := bytes.Clone(c.G)
	off[64] ^= 1
	length := func(n uint64) cryptoki.Template { return cryptoki.Template{number(cryptoki.AttrValueLen, n)} }
	aes := func(n uint64) cryptoki.Template {
		return append(length(n), number(cryptoki.AttrKeyType, cryptoki.KeyAES))
	}
	good := ecdhParameter(cryptoki.KDFNull, nil, c.G)
	for name, d := range map[string]struct {
		base      cryptoki.Handle
		parameter []byte
		template  cryptoki.Template
		want      error
	}{
		"good":                   {base, good, nil, nil},
		"AES":                    {base, good, aes(16), nil},
		"no parameter":           {base, nil, nil, cryptoki.MechanismParamInvalid},
		"a byte missing":         {base, good[:len(good)-1], nil, cryptoki.MechanismParamInvalid},
		"a byte more":            {base, append(bytes.Clone(good), 0), nil, cryptoki.MechanismParamInvalid},
		"no point":               {base, ecdhParameter(cryptoki.KDFNull, nil, nil), nil, cryptoki.MechanismParamInvalid},
		"infinity":               {base, ecdhParameter(cryptoki.KDFNull, nil, []byte{0}), nil, cryptoki.MechanismParamInvalid},
		"off the curve":          {base, ecdhParameter(cryptoki.KDFNull, nil, off), nil, cryptoki.MechanismParamInvalid},
		"unknown KDF":            {base, ecdhParameter(0x99, nil, c.G), nil, cryptoki.MechanismParamInvalid},
		"KDF 0":                  {base, ecdhParameter(0, nil, c.G), nil, cryptoki.MechanismParamInvalid},
		"shared data, no KDF":    {base, ecdhParameter(cryptoki.KDFNull, []byte("x"), c.G), nil, cryptoki.MechanismParamInvalid},
		"KDF, no length":         {base, ecdhParameter(cryptoki.KDFSHA256, nil, c.G), nil, cryptoki.TemplateIncomplete},
		"AES, no length":         {base, good, cryptoki.Template{number(cryptoki.AttrKeyType, cryptoki.KeyAES)}, cryptoki.TemplateIncomplete},
		"AES of 20":              {base, good, aes(20), cryptoki.AttributeValueInvalid},
		"more than there is":     {base, good, length(33), cryptoki.KeySizeRange},
		"more than anyone wants": {base, ecdhParameter(cryptoki.KDFSHA256, nil, c.G), length(1 << 40), cryptoki.KeySizeRange},
		"a key of the token":     {base, good, cryptoki.Template{flag(cryptoki.AttrToken, true)}, cryptoki.TemplateInconsistent},
		"a value":                {base, good, cryptoki.Template{octets(cryptoki.AttrValue, "1")}, cryptoki.TemplateInconsistent},
		"an RSA key":             {rsa, good, nil, cryptoki.KeyTypeInconsistent},
		"a public key":           {public, good, nil, cryptoki.KeyTypeInconsistent},
		"no key":                 {1, good, nil, cryptoki.KeyHandleInvalid},
	} {
		if _, err := s.DeriveKey(cryptoki.Mechanism{Type: cryptoki.ECDH1Derive, Parameter: d.parameter}, d.base, d.template); err != d.want {
			t.Errorf("%s: %v; expected %v", name, err, d.want)
		}
	}
}

// TestRawPointsThatLookLikeDER are taken as points: about one of 256 does.
func TestRawPointsThatLookLikeDER(t *testing.T) {
	c, err := curve.ByName("secp256r1")
	if err != nil {
		t.Fatal(err)
	}
	for range 5000 {
		k, err := c.Generate()
		if err != nil {
			t.Fatal(err)
		}
		if k.Q[1] != 63 { // the length of all that follows
			continue
		}
		if a, err := newAgreement(ecdhParameter(cryptoki.KDFNull, nil, k.Q), c); err != nil || !bytes.Equal(a.point, k.Q) {
			t.Errorf("%x: %v", k.Q, err)
		}
		return
	}
	t.Fatal("none of 5,000 points began so")
}

// TestSecretsKeepTheirValue if they are to.
func TestSecretsKeepTheirValue(t *testing.T) {
	s := newTestSession(t)
	for name, c := range map[string]struct {
		template cryptoki.Template
		shown    bool
	}{
		"usual":           {nil, false},
		"open":            {cryptoki.Template{flag(cryptoki.AttrSensitive, false), flag(cryptoki.AttrExtractable, true)}, true},
		"sensitive":       {cryptoki.Template{flag(cryptoki.AttrSensitive, true), flag(cryptoki.AttrExtractable, true)}, false},
		"not extractable": {cryptoki.Template{flag(cryptoki.AttrSensitive, false), flag(cryptoki.AttrExtractable, false)}, false},
	} {
		h, err := s.GenerateKey(cryptoki.Mechanism{Type: cryptoki.GenericSecretKeyGen}, append(c.template, number(cryptoki.AttrValueLen, uint64(20))))
		if err != nil {
			t.Fatal(err)
		}
		record, err := s.Object(h)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[cryptoki.AttributeType]int{}
		for _, a := range record.Attributes {
			seen[a.Type]++
			if a.Type == cryptoki.AttrValue && (len(a.Value) == 20) != c.shown || a.Type == cryptoki.AttrValue && a.Sensitive == c.shown {
				t.Errorf("%s: value of %d bytes, sensitive: %v", name, len(a.Value), a.Sensitive)
			}
		}
		for a, n := range seen {
			if n > 1 {
				t.Errorf("%s: attribute %#x is there %d times", name, a, n)
			}
		}
	}
}

// TestGenerateKeyIsChecked, in its mechanism and in its template.
func TestGenerateKeyIsChecked(t *testing.T) {
	s := newTestSession(t)
	length := func(n uint64) cryptoki.Template { return cryptoki.Template{number(cryptoki.AttrValueLen, n)} }
	for name, c := range map[string]struct {
		mechanism cryptoki.MechanismType
		template  cryptoki.Template
		want      error
	}{
		"AES-128":           {cryptoki.AESKeyGen, length(16), nil},
		"AES-256":           {cryptoki.AESKeyGen, length(32), nil},
		"AES-160":           {cryptoki.AESKeyGen, length(20), cryptoki.AttributeValueInvalid},
		"AES of 0":          {cryptoki.AESKeyGen, length(0), cryptoki.AttributeValueInvalid},
		"secret of 1 byte":  {cryptoki.GenericSecretKeyGen, length(1), nil},
		"secret of 0 bytes": {cryptoki.GenericSecretKeyGen, length(0), cryptoki.AttributeValueInvalid},
		"secret of 2^40":    {cryptoki.GenericSecretKeyGen, length(1 << 40), cryptoki.AttributeValueInvalid},
		"no length":         {cryptoki.AESKeyGen, nil, cryptoki.TemplateIncomplete},
		"of the token":      {cryptoki.AESKeyGen, append(length(16), flag(cryptoki.AttrToken, true)), cryptoki.TemplateInconsistent},
		"another type":      {cryptoki.AESKeyGen, append(length(16), number(cryptoki.AttrKeyType, cryptoki.KeyGenericSecret)), cryptoki.TemplateInconsistent},
		"a use counter":     {cryptoki.AESKeyGen, append(length(16), number(cryptoki.AttrUseCounter, uint64(1))), cryptoki.AttributeTypeInvalid},
		"no generator":      {cryptoki.AESCBC, length(16), cryptoki.MechanismInvalid},
	} {
		if _, err := s.GenerateKey(cryptoki.Mechanism{Type: c.mechanism}, c.template); err != c.want {
			t.Errorf("%s: %v; expected %v", name, err, c.want)
		}
	}
}

// secretObject is a secret key with a value.
func secretObject(t cryptoki.KeyType, value []byte) *object {
	return &object{class: cryptoki.ClassSecretKey, attributes: secretKeyDefaults(t, false), value: secret.Bytes(value)}
}

// TestOpenSSLsCiphersAndMACs are ours, in one piece and in several.
func TestOpenSSLsCiphersAndMACs(t *testing.T) {
	random, s := testrun.Random(t), newTestSession(t)
	for _, h := range hashes {
		key, message := randomBytes(random, random.IntN(200)+1), randomBytes(random, random.IntN(300))
		k := secretObject(cryptoki.KeyGenericSecret, key)
		got, err := s.inPieces(random, Sign, h.hmac, nil, k, message, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := openSSL(t, map[string][]byte{"message": message}, "dgst", "-r", "-"+openSSLName(h.hash), "-mac", "HMAC", "-macopt", "hexkey:"+hex.EncodeToString(key), "message")
		if err != nil || !strings.HasPrefix(want, hex.EncodeToString(got)+" ") {
			t.Errorf("HMAC with %v: %x; OpenSSL: %s (%v)", h.hash, got, want, err)
		}
		if _, err := s.do(Verify, h.hmac, nil, k, message, got); err != nil {
			t.Error(err)
		}
		got[random.IntN(len(got))] ^= 1
		if _, err := s.do(Verify, h.hmac, nil, k, message, got); err != cryptoki.SignatureInvalid {
			t.Error(err)
		}
		if _, err := s.do(Verify, h.hmac, nil, k, message, got[1:]); err != cryptoki.SignatureLenRange {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		mechanism cryptoki.MechanismType
		name      string
		pads      bool
		counter   bool
	}{
		{cryptoki.AESECB, "ecb", false, false}, {cryptoki.AESCBC, "cbc", false, false}, {cryptoki.AESCBCPad, "cbc", true, false}, {cryptoki.AESCTR, "ctr", true, true},
	} {
		for _, size := range []int{16, 24, 32} {
			key, iv := randomBytes(random, size), randomBytes(random, 16)
			k, parameter := secretObject(cryptoki.KeyAES, key), iv
			if c.counter {
				parameter = append(numbers(128), iv...)
			}
			args := []string{"enc", fmt.Sprintf("-aes-%d-%s", 8*size, c.name), "-K", hex.EncodeToString(key), "-in", "message"}
			if c.name == "ecb" {
				parameter = nil
			} else {
				args = append(args, "-iv", hex.EncodeToString(iv))
			}
			message := randomBytes(random, 16*random.IntN(10))
			if c.pads {
				message = randomBytes(random, random.IntN(160))
			} else {
				args = append(args, "-nopad")
			}
			got, err := s.inPieces(random, Encrypt, c.mechanism, parameter, k, message, nil)
			if err != nil {
				t.Fatal(err)
			}
			want, err := openSSL(t, map[string][]byte{"message": message}, args...)
			if err != nil || want != string(got) {
				t.Errorf("%s: %x; OpenSSL: %x (%v)", c.name, got, want, err)
			}
			if again, err := s.inPieces(random, Decrypt, c.mechanism, parameter, k, got, nil); err != nil || !bytes.Equal(again, message) {
				t.Errorf("%s: %x became %x (%v)", c.name, message, again, err)
			}
			if again, err := s.do(Decrypt, c.mechanism, parameter, k, got, nil); err != nil || !bytes.Equal(again, message) {
				t.Errorf("%s, in one piece: %x became %x (%v)", c.name, message, again, err)
			}
		}
	}
}

// TestBlocksAreWhole, and padding is right.
func TestBlocksAreWhole(t *testing.T) {
	s := newTestSession(t)
	k, iv := secretObject(cryptoki.KeyAES, make([]byte, 16)), make([]byte, 16)
	padded := func(last ...byte) []byte {
		block := append(make([]byte, 16-len(last)), last...)
		c, err := s.do(Encrypt, cryptoki.AESCBC, iv, k, block, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, c := range map[string]struct {
		op        Operation
		mechanism cryptoki.MechanismType
		data      []byte
		want      error
	}{
		"encrypt 15 bytes": {Encrypt, cryptoki.AESCBC, make([]byte, 15), cryptoki.DataLenRange},
		"decrypt 17 bytes": {Decrypt, cryptoki.AESCBC, make([]byte, 17), cryptoki.EncryptedDataLenRange},
		"nothing, padded":  {Decrypt, cryptoki.AESCBCPad, nil, cryptoki.EncryptedDataLenRange},
		"15 bytes, padded": {Decrypt, cryptoki.AESCBCPad, make([]byte, 15), cryptoki.EncryptedDataLenRange},
		"padding 1":        {Decrypt, cryptoki.AESCBCPad, padded(1), nil},
		"padding 2":        {Decrypt, cryptoki.AESCBCPad, padded(2, 2), nil},
		"padding 16":       {Decrypt, cryptoki.AESCBCPad, padded(bytes.Repeat([]byte{16}, 16)...), nil},
		"padding 0":        {Decrypt, cryptoki.AESCBCPad, padded(0), cryptoki.EncryptedDataInvalid},
		"padding 17":       {Decrypt, cryptoki.AESCBCPad, padded(bytes.Repeat([]byte{17}, 16)...), cryptoki.EncryptedDataInvalid},
		"padding 1 2":      {Decrypt, cryptoki.AESCBCPad, padded(1, 2), cryptoki.EncryptedDataInvalid},
		"padding 255":      {Decrypt, cryptoki.AESCBCPad, padded(255), cryptoki.EncryptedDataInvalid},
	} {
		if _, err := s.do(c.op, c.mechanism, iv, k, c.data, nil); err != c.want {
			t.Errorf("%s: %v; expected %v", name, err, c.want)
		}
	}
	for name, parameter := range map[string][]byte{"short": iv[:15], "long": append(iv, 0), "none": nil} {
		if err := s.beginWith(Encrypt, cryptoki.AESCBC, parameter, k); err != cryptoki.MechanismParamInvalid {
			t.Errorf("CBC, %s vector: %v", name, err)
		}
	}
	if err := s.beginWith(Encrypt, cryptoki.AESCTR, append(numbers(64), iv...), k); err != cryptoki.MechanismParamInvalid {
		t.Errorf("CTR with 64 bits that count: %v", err)
	}
}
