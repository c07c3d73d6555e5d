package token

import (
	"bytes"
	"crypto"
	goecdsa "crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"os/exec"
	"slices"
	"testing"
	"time"

	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/foreign"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// certify makes a certificate for a public key, signed by another one.
func certify(tb testing.TB, public crypto.PublicKey, name string) []byte {
	tb.Helper()
	signer, err := goecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	if public == nil {
		public = &signer.PublicKey
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x80), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, signer)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// publicOf is the public half of a key as crypto has it.
func publicOf(tb testing.TB, s *Session, label string) crypto.PublicKey {
	tb.Helper()
	public, err := x509.ParsePKIXPublicKey(spkiOf(tb, s, label))
	if err != nil {
		tb.Fatal(err)
	}
	return public
}

func create(tb testing.TB, s *Session, t ...cryptoki.Attribute) cryptoki.Handle {
	tb.Helper()
	h, err := s.Create(t)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func onToken(yes bool) cryptoki.Attribute { return flag(cryptoki.AttrToken, yes) }

func x509Certificate(der []byte, more ...cryptoki.Attribute) []cryptoki.Attribute {
	return append([]cryptoki.Attribute{class(cryptoki.ClassCertificate), number(cryptoki.AttrCertificateType, cryptoki.CertificateX509), octets(cryptoki.AttrValue, der)}, more...)
}

func value(tb testing.TB, s *Session, h cryptoki.Handle, a cryptoki.AttributeType) []byte {
	tb.Helper()
	r, err := s.Object(h)
	if err != nil {
		tb.Fatal(err)
	}
	v, found := cryptoki.Template(r.Attributes).Find(a)
	if !found {
		tb.Fatalf("attribute %X is not there", a)
	}
	return v
}

func TestCertificateOfAKey(t *testing.T) {
	s := newTestSession(t)
	generate(t, s, "ec:secp256r1", "key", 1)
	private := found(t, s, 1, class(cryptoki.ClassPrivateKey))[0].Handle
	der := certify(t, publicOf(t, s, "key"), "subject")
	h := create(t, s, x509Certificate(der, onToken(true), octets(cryptoki.AttrID, []byte{1}), octets(cryptoki.AttrLabel, "named"))...)
	if !bytes.Equal(value(t, s, h, cryptoki.AttrValue), der) || string(value(t, s, h, cryptoki.AttrLabel)) != "named" {
		t.Error("the certificate is another one")
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(value(t, s, h, cryptoki.AttrSubject), parsed.RawSubject) || !bytes.Equal(value(t, s, h, cryptoki.AttrIssuer), parsed.RawIssuer) {
		t.Error("subject or issuer is another one")
	}
	if got := value(t, s, h, cryptoki.AttrSerialNumber); !bytes.Equal(got, []byte{2, 2, 0, 0x80}) {
		t.Errorf("serial number % X", got)
	}
	found(t, s, 3, octets(cryptoki.AttrLabel, "named"))
	if !bytes.Equal(value(t, s, private, cryptoki.AttrSubject), parsed.RawSubject) {
		t.Error("the private key has not the certificate's subject")
	}
	if err := s.Destroy(h); err != nil {
		t.Fatal(err)
	}
	found(t, s, 2, octets(cryptoki.AttrLabel, "named"))
	if _, err := s.object(private); err != nil {
		t.Errorf("the key with its certificate: %v", err)
	}
}

func TestCertificateOfNoKey(t *testing.T) {
	s := newTestSession(t)
	generate(t, s, "ec:secp256r1", "key", 1)
	der := certify(t, nil, "another")
	h := create(t, s, x509Certificate(der, onToken(true), octets(cryptoki.AttrID, []byte{1}), octets(cryptoki.AttrLabel, "authority"))...)
	found(t, s, 2, octets(cryptoki.AttrLabel, "authority"))
	if public := publicOf(t, s, "key"); public == nil {
		t.Error("the key has lost its public half")
	}
	if err := s.Set(h, cryptoki.Template{octets(cryptoki.AttrLabel, "root"), octets(cryptoki.AttrID, []byte{7, 7})}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, s, h, cryptoki.AttrID); !bytes.Equal(got, []byte{7, 7}) {
		t.Errorf("ID % X", got)
	}
	if err := s.Destroy(h); err != nil {
		t.Fatal(err)
	}
	found(t, s, 0, octets(cryptoki.AttrLabel, "root"))
	files := 0
	if err := s.slot.use(func(h *hsm.HSM) error {
		list, err := h.Files()
		for _, fid := range list {
			if p := fid.Prefix(); p == wire.PrefixCACert || p == wire.PrefixCD {
				files++
			}
		}
		return err
	}); err != nil || files != 0 {
		t.Errorf("%d files are left, %v", files, err)
	}
}

// certifyKey makes a certificate for a key that is written as a SubjectPublicKeyInfo
// says, whatever crypto/x509 thinks of it. No one has signed it.
func certifyKey(tb testing.TB, spki []byte, name string) []byte {
	tb.Helper()
	var c struct {
		TBS struct {
			Version                                      int `asn1:"optional,explicit,default:0,tag:0"`
			Serial                                       *big.Int
			Algorithm, Issuer, Validity, Subject, Public asn1.RawValue
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(certify(tb, nil, name), &c); err != nil {
		tb.Fatal(err)
	}
	c.TBS.Public = asn1.RawValue{FullBytes: spki}
	return der(tb, c)
}

// openssl gives what OpenSSL writes with an input.
func openssl(tb testing.TB, input []byte, args ...string) []byte {
	tb.Helper()
	foreign.Need(tb, "openssl")
	cmd := exec.Command("openssl", args...)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("openssl %v: %v", args, err)
	}
	return out
}

// TestCertificatesThatNameNoCurve belong to their keys like others: OpenSSL 3.0 writes
// such ones with its provider for PKCS#11, and says RSA-PSS of keys that are for that.
func TestCertificatesThatNameNoCurve(t *testing.T) {
	s := newTestSession(t)
	generate(t, s, "ec:secp384r1", "ec", 1)
	generate(t, s, "rsa:2048", "pss", 2)
	explicit := openssl(t, spkiOf(t, s, "ec"), "ec", "-pubin", "-inform", "DER", "-param_enc", "explicit", "-outform", "DER")
	if len(explicit) < 300 {
		t.Fatalf("OpenSSL has named the curve: % X", explicit)
	}
	pss := bytes.Replace(spkiOf(t, s, "pss"), []byte{0xF7, 0x0D, 1, 1, 1}, []byte{0xF7, 0x0D, 1, 1, 10}, 1)
	for label, spki := range map[string][]byte{"ec": explicit, "pss": pss} {
		content := certifyKey(t, spki, label)
		private := found(t, s, 1, class(cryptoki.ClassPrivateKey), octets(cryptoki.AttrLabel, label))[0]
		id, _ := cryptoki.Template(private.Attributes).Find(cryptoki.AttrID)
		h := create(t, s, x509Certificate(content, onToken(true), octets(cryptoki.AttrID, id))...)
		if !bytes.Equal(value(t, s, h, cryptoki.AttrValue), content) || string(value(t, s, h, cryptoki.AttrLabel)) != label {
			t.Errorf("%s: the certificate is not that of the key", label)
		}
		if got := spkiOf(t, s, label); bytes.Equal(got, spki) || !bytes.Equal(got, value(t, s, private.Handle, cryptoki.AttrPublicKeyInfo)) {
			t.Errorf("%s: the public key is % X", label, got)
		}
	}
	found(t, s, 6)
}

// spkiOf is the public half of a key.
func spkiOf(tb testing.TB, s *Session, label string) []byte {
	tb.Helper()
	record := found(tb, s, 1, class(cryptoki.ClassPublicKey), octets(cryptoki.AttrLabel, label))[0]
	spki, _ := cryptoki.Template(record.Attributes).Find(cryptoki.AttrPublicKeyInfo)
	return spki
}

// TestCertificatesOfOtherKeys are stored, whatever keys they are of.
func TestCertificatesOfOtherKeys(t *testing.T) {
	s := newTestSession(t)
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"Ed25519": certify(t, public, "Ed25519"), "nothing": certifyKey(t, der(t, asn1.RawValue{Tag: asn1.TagNull}), "nothing"),
	} {
		h := create(t, s, x509Certificate(content, onToken(true), octets(cryptoki.AttrLabel, name))...)
		if !bytes.Equal(value(t, s, h, cryptoki.AttrValue), content) || len(value(t, s, h, cryptoki.AttrID)) == 0 {
			t.Errorf("%s: the certificate is another one, or has no ID", name)
		}
		found(t, s, 1, octets(cryptoki.AttrLabel, name))
		if err := s.Destroy(h); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDataObjects(t *testing.T) {
	s := newTestSession(t)
	for _, private := range []bool{false, true} {
		long := bytes.Repeat([]byte{1, 2, 3}, 1000)
		h := create(t, s, class(cryptoki.ClassData), onToken(true), flag(cryptoki.AttrPrivate, private), octets(cryptoki.AttrLabel, "data"),
			octets(cryptoki.AttrApplication, "app"), octets(cryptoki.AttrObjectID, []byte{6, 3, 0x2A, 3, 4}), octets(cryptoki.AttrValue, long))
		if !bytes.Equal(value(t, s, h, cryptoki.AttrValue), long) || !bytes.Equal(value(t, s, h, cryptoki.AttrObjectID), []byte{0x2A, 3, 4}) {
			t.Error("it is another one")
		}
		if err := s.Set(h, cryptoki.Template{octets(cryptoki.AttrValue, "short"), octets(cryptoki.AttrLabel, "renamed")}); err != nil {
			t.Fatal(err)
		}
		if got := value(t, s, h, cryptoki.AttrValue); string(got) != "short" {
			t.Errorf("value %q", got)
		}
		other, err := s.application.library.Application().Session(1, s.slot.id, false)
		if err != nil {
			t.Fatal(err)
		}
		if private {
			found(t, other, 0)
		} else {
			found(t, other, 1, octets(cryptoki.AttrLabel, "renamed"), octets(cryptoki.AttrValue, "short"))
		}
		if err := s.Destroy(h); err != nil {
			t.Fatal(err)
		}
		found(t, s, 0)
	}
}

// TestRefusedTemplates: each has one mistake.
func TestRefusedTemplates(t *testing.T) {
	s := newTestSession(t)
	der := certify(t, nil, "x")
	p256, _ := curve.ByName("P-256")
	oid, _ := asn1.Marshal(p256.OID)
	secret := []cryptoki.Attribute{class(cryptoki.ClassSecretKey), number(cryptoki.AttrKeyType, cryptoki.KeyAES)}
	ec := []cryptoki.Attribute{class(cryptoki.ClassPublicKey), number(cryptoki.AttrKeyType, cryptoki.KeyEC)}
	private := cryptoki.Template{class(cryptoki.ClassPrivateKey)}
	privateEC := append(slices.Clone(private), number(cryptoki.AttrKeyType, cryptoki.KeyEC), octets(cryptoki.AttrECParams, oid))
	rsaWithoutPrimes := append(slices.Clone(private), number(cryptoki.AttrKeyType, cryptoki.KeyRSA),
		octets(cryptoki.AttrModulus, bytes.Repeat([]byte{0xFF}, 128)), octets(cryptoki.AttrPublicExponent, "\x03"))
	for name, test := range map[string]struct {
		template cryptoki.Template
		want     error
	}{
		"nothing":                     {nil, cryptoki.TemplateIncomplete},
		"no type of a private key":    {private, cryptoki.TemplateIncomplete},
		"a private key for the token": {append(privateEC, onToken(true), octets(cryptoki.AttrValue, "\x01")), cryptoki.TemplateInconsistent},
		"a private key without value": {privateEC, cryptoki.TemplateIncomplete},
		"a private key of zero":       {append(privateEC, octets(cryptoki.AttrValue, "\x00")), cryptoki.AttributeValueInvalid},
		"an unknown private key":      {append(private, number(cryptoki.AttrKeyType, cryptoki.KeyAES)), cryptoki.TemplateInconsistent},
		"an RSA key without primes":   {append(rsaWithoutPrimes, octets(cryptoki.AttrPrivateExponent, "\x01")), cryptoki.TemplateIncomplete},
		"an RSA key with others": {append(rsaWithoutPrimes, octets(cryptoki.AttrPrivateExponent, "\x01"), octets(cryptoki.AttrPrime1, "\x03"), octets(cryptoki.AttrPrime2, "\x05")),
			cryptoki.AttributeValueInvalid},
		"an unknown class":            {cryptoki.Template{class(17)}, cryptoki.AttributeValueInvalid},
		"a short class":               {cryptoki.Template{octets(cryptoki.AttrClass, "\x01")}, cryptoki.AttributeValueInvalid},
		"an attribute twice":          {append(secret, octets(cryptoki.AttrLabel, "a"), octets(cryptoki.AttrLabel, "a")), cryptoki.TemplateInconsistent},
		"an unknown attribute":        {append(secret, octets(cryptoki.AttributeType(0x999), "")), cryptoki.AttributeTypeInvalid},
		"a secret key's use counter":  {append(secret, number(cryptoki.AttrUseCounter, uint64(1))), cryptoki.AttributeTypeInvalid},
		"a private key's algorithms":  {append(privateEC, octets(cryptoki.AttrValue, "\x01"), octets(cryptoki.AttrAlgorithmList, "\x70")), cryptoki.AttributeTypeInvalid},
		"an attribute that is made":   {append(secret, flag(cryptoki.AttrLocal, true)), cryptoki.AttributeReadOnly},
		"neither yes nor no":          {append(secret, octets(cryptoki.AttrSign, "\x02")), cryptoki.AttributeValueInvalid},
		"half a date":                 {append(secret, octets(cryptoki.AttrStartDate, "2026")), cryptoki.AttributeValueInvalid},
		"no value":                    {secret, cryptoki.TemplateIncomplete},
		"an AES key of 17 bytes":      {append(secret, octets(cryptoki.AttrValue, make([]byte, 17))), cryptoki.AttributeValueInvalid},
		"a secret key for the token":  {append(secret, onToken(true), octets(cryptoki.AttrValue, make([]byte, 16))), cryptoki.TemplateInconsistent},
		"another length":              {append(secret, octets(cryptoki.AttrValue, make([]byte, 16)), number(cryptoki.AttrValueLen, uint64(32))), cryptoki.TemplateInconsistent},
		"no certificate type":         {cryptoki.Template{class(cryptoki.ClassCertificate), octets(cryptoki.AttrValue, der)}, cryptoki.TemplateIncomplete},
		"more than a certificate":     {x509Certificate(append(bytes.Clone(der), 0)), cryptoki.AttributeValueInvalid},
		"a cut certificate":           {x509Certificate(der[:len(der)-1]), cryptoki.AttributeValueInvalid},
		"an empty certificate":        {x509Certificate(nil), cryptoki.AttributeValueInvalid},
		"a private certificate":       {x509Certificate(der, onToken(true), flag(cryptoki.AttrPrivate, true)), cryptoki.TemplateInconsistent},
		"no point":                    {append(ec, octets(cryptoki.AttrECParams, oid)), cryptoki.TemplateIncomplete},
		"a point that is none":        {append(ec, octets(cryptoki.AttrECParams, oid), octets(cryptoki.AttrECPoint, make([]byte, 65))), cryptoki.AttributeValueInvalid},
		"a curve that no one knows":   {append(ec, octets(cryptoki.AttrECParams, "\x06\x03\x2A\x03\x04"), octets(cryptoki.AttrECPoint, p256.G)), cryptoki.CurveNotSupported},
		"parameters that are none":    {append(ec, octets(cryptoki.AttrECParams, "x"), octets(cryptoki.AttrECPoint, p256.G)), cryptoki.AttributeValueInvalid},
		"a public key without a pair": {append(ec, onToken(true), octets(cryptoki.AttrECParams, oid), octets(cryptoki.AttrECPoint, p256.G)), cryptoki.TemplateInconsistent},
	} {
		if _, err := s.Create(test.template); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; %v was expected", name, err, test.want)
		}
	}
	found(t, s, 0)
	reading, err := s.application.Session(2, s.slot.id, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reading.Create(x509Certificate(der, onToken(true))); !errors.Is(err, cryptoki.SessionReadOnly) {
		t.Errorf("in a read-only session: %v", err)
	}
}

// TestPrivateKeysOfASession are those of programs that had them before, and use them here
// as all others. They do not leave again.
func TestPrivateKeysOfASession(t *testing.T) {
	s := newTestSession(t)
	p384, err := curve.ByName("P-384")
	if err != nil {
		t.Fatal(err)
	}
	ec, err := p384.Generate()
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	point := wire.ECPublicKey(p384, ec.Q)
	modulus := wire.RSAPublicKey(&rsaKey.PublicKey)
	modulus.Bits = 2048
	for _, c := range []struct {
		kind      cryptoki.KeyType
		public    *wire.PublicKey
		mechanism cryptoki.MechanismType
		value     cryptoki.AttributeType
		template  cryptoki.Template
	}{
		{cryptoki.KeyEC, &point, cryptoki.ECDSASHA384, cryptoki.AttrValue, cryptoki.Template{octets(cryptoki.AttrECParams, der(t, p384.OID)), octets(cryptoki.AttrValue, ec.D)}},
		{cryptoki.KeyRSA, &modulus, cryptoki.SHA256RSAPSS, cryptoki.AttrPrime2, cryptoki.Template{
			octets(cryptoki.AttrModulus, rsaKey.N.Bytes()), octets(cryptoki.AttrPublicExponent, "\x01\x00\x01"), octets(cryptoki.AttrPrivateExponent, rsaKey.D.Bytes()),
			octets(cryptoki.AttrPrime1, rsaKey.Primes[0].Bytes()), octets(cryptoki.AttrPrime2, rsaKey.Primes[1].Bytes())}},
	} {
		t.Run(fmt.Sprint(c.kind), func(t *testing.T) {
			h := create(t, s, append(c.template, class(cryptoki.ClassPrivateKey), number(cryptoki.AttrKeyType, c.kind), flag(cryptoki.AttrSensitive, false),
				flag(cryptoki.AttrExtractable, true), octets(cryptoki.AttrLabel, "imported"))...)
			k, err := s.object(h)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range k.attributes {
				if a.Type == c.value && (!a.Sensitive || len(a.Value) > 0) || a.Type == cryptoki.AttrSensitive && a.Value[0] != 1 {
					t.Errorf("attribute %#x is shown: %+v", a.Type, a)
				}
			}
			if !k.public.Equal(*c.public) {
				t.Errorf("its public half is %+v", k.public)
			}
			var parameter []byte
			if c.kind == cryptoki.KeyRSA {
				parameter = numbers(uint64(cryptoki.SHA256), uint64(cryptoki.MGF1SHA256), 32)
			}
			signature, err := s.do(Sign, c.mechanism, parameter, k, []byte("message"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.do(Verify, c.mechanism, parameter, k, []byte("message"), signature); err != nil {
				t.Error(err)
			}
			other := s.application.library.Application()
			defer other.Close()
			stranger, err := other.Session(1, s.slot.id, false)
			if err != nil {
				t.Fatal(err)
			}
			found(t, stranger, 0, octets(cryptoki.AttrLabel, "imported"))
			if err := s.Logout(); err != nil {
				t.Fatal(err)
			}
			found(t, s, 0, octets(cryptoki.AttrLabel, "imported"))
			h = create(t, s, append(c.template, class(cryptoki.ClassPrivateKey), number(cryptoki.AttrKeyType, c.kind))...)
			if k, err = s.object(h); err != nil {
				t.Fatal(err)
			}
			if _, err := s.do(Sign, c.mechanism, parameter, k, []byte("message"), nil); err != nil {
				t.Errorf("without a login: %v", err)
			}
			if _, err := s.Create(append(c.template, class(cryptoki.ClassPrivateKey), number(cryptoki.AttrKeyType, c.kind), flag(cryptoki.AttrPrivate, true))); !errors.Is(err, cryptoki.UserNotLoggedIn) {
				t.Errorf("a private one without a login: %v", err)
			}
			if err := s.logIn(userPIN); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestSessionObjects belong to one application, and to a session of it.
// TestManySessionObjects: what one application makes for its sessions is bounded, and
// takes no room from another one.
func TestManySessionObjects(t *testing.T) {
	s := newTestSession(t)
	p256 := cryptoki.Template{octets(cryptoki.AttrECParams, printable("P-256"))}
	_, key, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen}, p256, ofToken(nil))
	if err != nil {
		t.Fatal(err)
	}
	data := cryptoki.Template{class(cryptoki.ClassData), octets(cryptoki.AttrLabel, "data")}
	h := create(t, s, data...)
	for range maxObjects - 1 {
		create(t, s, data...)
	}
	_, _, pairErr := s.generateInMemory(hsm.NewKey{}, nil, nil)
	_, createErr := s.Create(data)
	_, copyErr := s.Copy(h, nil)
	_, aliasErr := s.Copy(key, cryptoki.Template{flag(cryptoki.AttrToken, false)})
	for i, err := range []error{pairErr, createErr, copyErr, aliasErr} {
		if !errors.Is(err, cryptoki.DeviceMemory) {
			t.Errorf("%d: one more: %v", i, err)
		}
	}
	other, err := s.application.library.Application().Session(1, s.slot.id, true)
	if err != nil {
		t.Fatal(err)
	}
	create(t, other, data...)
	if err := s.Destroy(h); err != nil {
		t.Fatal(err)
	}
	create(t, s, data...)
}

func TestSessionObjects(t *testing.T) {
	s := newTestSession(t)
	p256, _ := curve.ByName("P-256")
	oid, _ := asn1.Marshal(p256.OID)
	point, _ := asn1.Marshal(p256.G)
	for _, q := range [][]byte{point, p256.G} {
		h := create(t, s, class(cryptoki.ClassPublicKey), number(cryptoki.AttrKeyType, cryptoki.KeyEC), octets(cryptoki.AttrECParams, oid), octets(cryptoki.AttrECPoint, q))
		if got := value(t, s, h, cryptoki.AttrECPoint); !bytes.Equal(got, point) {
			t.Errorf("point % X", got)
		}
	}
	h := create(t, s, class(cryptoki.ClassSecretKey), number(cryptoki.AttrKeyType, cryptoki.KeyAES), octets(cryptoki.AttrValue, make([]byte, 16)),
		flag(cryptoki.AttrSensitive, false), flag(cryptoki.AttrExtractable, true), octets(cryptoki.AttrLabel, "aes"))
	found(t, s, 1, octets(cryptoki.AttrLabel, "aes"), octets(cryptoki.AttrValue, make([]byte, 16)))
	if err := s.Set(h, cryptoki.Template{flag(cryptoki.AttrSensitive, true)}); err != nil {
		t.Fatal(err)
	}
	found(t, s, 0, octets(cryptoki.AttrValue, make([]byte, 16)))
	if err := s.Set(h, cryptoki.Template{flag(cryptoki.AttrSensitive, false)}); !errors.Is(err, cryptoki.AttributeReadOnly) {
		t.Errorf("a sensitive key becomes another: %v", err)
	}
	h = create(t, s, class(cryptoki.ClassSecretKey), number(cryptoki.AttrKeyType, cryptoki.KeyAES), octets(cryptoki.AttrValue, make([]byte, 16)),
		flag(cryptoki.AttrSensitive, false), flag(cryptoki.AttrExtractable, false))
	found(t, s, 0, octets(cryptoki.AttrValue, make([]byte, 16)))
	if err := s.Set(h, cryptoki.Template{flag(cryptoki.AttrExtractable, true)}); !errors.Is(err, cryptoki.AttributeReadOnly) {
		t.Errorf("a key that stays becomes one that leaves: %v", err)
	}
	second, err := s.application.Session(2, s.slot.id, false)
	if err != nil {
		t.Fatal(err)
	}
	found(t, second, 4)
	other, err := s.application.library.Application().Session(1, s.slot.id, true)
	if err != nil {
		t.Fatal(err)
	}
	found(t, other, 0)
	if _, err := other.Object(h); !errors.Is(err, cryptoki.ObjectHandleInvalid) {
		t.Errorf("another application's object: %v", err)
	}
	s.Close()
	found(t, second, 0)
}
