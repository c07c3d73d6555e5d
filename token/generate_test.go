package token

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/token/cryptoki"
)

func ofToken(t cryptoki.Template) cryptoki.Template {
	return append(cryptoki.Template{flag(cryptoki.AttrToken, true)}, t...)
}

func der(tb testing.TB, value any) []byte {
	tb.Helper()
	b, err := asn1.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// printable is a name in the form of CKA_EC_PARAMS.
func printable(name string) []byte {
	return append([]byte{asn1.TagPrintableString, byte(len(name))}, name...)
}

// TestKeyPairsAreGenerated of all kinds that there are, and sign.
func TestKeyPairsAreGenerated(t *testing.T) {
	s := newTestSession(t)
	wishes := map[string]cryptoki.Template{
		"RSA":          {number(cryptoki.AttrModulusBits, uint64(2048))},
		"RSA, F4":      {number(cryptoki.AttrModulusBits, uint64(1024)), octets(cryptoki.AttrPublicExponent, "\x01\x00\x01")},
		"RSA, long F4": {number(cryptoki.AttrModulusBits, uint64(1024)), octets(cryptoki.AttrPublicExponent, "\x00\x01\x00\x01")},
	}
	for _, c := range curve.All() {
		wishes[c.Name] = cryptoki.Template{octets(cryptoki.AttrECParams, der(t, c.OID))}
		wishes[c.Name+" by name"] = cryptoki.Template{octets(cryptoki.AttrECParams, printable(c.Name))}
	}
	for name, public := range wishes {
		generator, signer := cryptoki.ECKeyPairGen, cryptoki.ECDSASHA256
		if strings.Contains(name, "RSA") {
			generator, signer = cryptoki.RSAPKCSKeyPairGen, cryptoki.SHA256RSAPKCS
		}
		private := ofToken(cryptoki.Template{octets(cryptoki.AttrLabel, name), octets(cryptoki.AttrID, "id of "+name)})
		publicKey, privateKey, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: generator}, ofToken(public), private)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, h := range []cryptoki.Handle{publicKey, privateKey} {
			o, err := s.object(h)
			if err != nil || !o.matches(private) {
				t.Errorf("%s: %v; the object has not what its template has", name, err)
			}
		}
		m, message := cryptoki.Mechanism{Type: signer}, []byte("message")
		if err := s.Begin(Sign, m, privateKey); err != nil {
			t.Fatal(err)
		}
		signature, err := s.Single(Sign, message, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Begin(Verify, m, publicKey); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Single(Verify, message, signature); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKeyPairsHaveWhatTheirTemplateSays: uses, use counter, list of algorithms.
func TestKeyPairsHaveWhatTheirTemplateSays(t *testing.T) {
	s := newTestSession(t)
	p256 := cryptoki.Template{octets(cryptoki.AttrECParams, printable("P-256"))}
	generate := func(private cryptoki.Template) *object {
		_, h, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen}, p256, ofToken(private))
		if err != nil {
			t.Fatal(err)
		}
		k, err := s.object(h)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	derives := generate(cryptoki.Template{flag(cryptoki.AttrSign, false), flag(cryptoki.AttrDerive, true)})
	if err := s.beginWith(Sign, cryptoki.ECDSA, nil, derives); err != cryptoki.KeyFunctionNotPermitted {
		t.Errorf("a key that does not sign: %v", err)
	}
	twice := generate(cryptoki.Template{number(cryptoki.AttrUseCounter, uint64(2))})
	for i := range 3 {
		if _, err := s.do(Sign, cryptoki.ECDSASHA256, nil, twice, []byte("m"), nil); (err == nil) != (i < 2) {
			t.Errorf("use %d of a key for 2: %v", i+1, err)
		}
	}
	for name, list := range map[string]cryptoki.Attribute{
		"mechanisms": octets(cryptoki.AttrAllowedMechanisms, numbers(uint64(cryptoki.ECDSASHA256), uint64(cryptoki.ECDSASHA384))),
		"algorithms": octets(cryptoki.AttrAlgorithmList, []byte{0x73, 0x74}),
	} {
		limited := generate(cryptoki.Template{list})
		for m, may := range map[cryptoki.MechanismType]bool{
			cryptoki.ECDSASHA256: true, cryptoki.ECDSASHA384: true, cryptoki.ECDSASHA512: false, cryptoki.ECDSA: false,
		} {
			if _, err := s.do(Sign, m, nil, limited, []byte("m"), nil); (err == nil) != may {
				t.Errorf("key with a list of %s, mechanism %#x: %v", name, m, err)
			}
		}
	}
}

// TestLimitsAreTold as the device has them, whichever template they were in, and what is
// left of the uses after each.
func TestLimitsAreTold(t *testing.T) {
	s := newSessionOn(t, 0)
	p256 := cryptoki.Template{octets(cryptoki.AttrECParams, printable("P-256"))}
	limits := cryptoki.Template{number(cryptoki.AttrUseCounter, uint64(3)), octets(cryptoki.AttrAlgorithmList, []byte{0x70, 0x73}), octets(cryptoki.AttrKeyDomain, []byte{0})}
	other := without(limits, cryptoki.AttrUseCounter)
	for name, templates := range map[string][2]cryptoki.Template{
		"private": {p256, ofToken(limits)}, "public": {append(p256, limits...), ofToken(nil)}, "both": {append(p256, limits...), ofToken(other)},
	} {
		_, h, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen}, templates[0], templates[1])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for left := uint64(3); ; left-- {
			k, err := s.object(h)
			if err != nil {
				t.Fatal(err)
			}
			if !k.matches(with(limits, cryptoki.Template{number(cryptoki.AttrUseCounter, left), flag(cryptoki.AttrExtractable, false)})) {
				t.Errorf("%s, %d uses left: %v", name, left, k.limits())
			}
			if left == 0 {
				break
			}
			if _, err := s.do(Sign, cryptoki.ECDSASHA256, nil, k, []byte("m"), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, open, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen}, p256, ofToken(nil))
	if err != nil {
		t.Fatal(err)
	}
	if k, err := s.object(open); err != nil || !k.matches(cryptoki.Template{octets(cryptoki.AttrKeyDomain, []byte{0}), flag(cryptoki.AttrExtractable, true)}) || len(k.limits()) != 1 {
		t.Errorf("a key without limits: %v, %v", k.limits(), err)
	}
	for name, bad := range map[string][2]cryptoki.Template{
		"another domain":      {nil, {octets(cryptoki.AttrKeyDomain, []byte{1})}},
		"a domain of 2 bytes": {nil, {octets(cryptoki.AttrKeyDomain, []byte{0, 0})}},
		"no use":              {nil, {number(cryptoki.AttrUseCounter, uint64(0))}},
		"two counters":        {{number(cryptoki.AttrUseCounter, uint64(1))}, {number(cryptoki.AttrUseCounter, uint64(2))}},
		"two lists":           {{octets(cryptoki.AttrAlgorithmList, []byte{0x70})}, {octets(cryptoki.AttrAlgorithmList, []byte{0x73})}},
	} {
		if _, _, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen}, append(p256[:1:1], bad[0]...), ofToken(bad[1])); err != cryptoki.AttributeValueInvalid && err != cryptoki.TemplateInconsistent {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// limits are the attributes that limit a key.
func (o *object) limits() (t cryptoki.Template) {
	for _, a := range o.attributes {
		if slices.Contains(limiting, a.Type) {
			t = append(t, a)
		}
	}
	return t
}

// TestAllowedMechanismsAreTold as they were given, or with what comes with them: a
// device that signs what the host has hashed cannot tell by what. The list of algorithms
// is what the device allows.
func TestAllowedMechanismsAreTold(t *testing.T) {
	s := newTestSession(t)
	for name, c := range map[string]struct {
		mechanism  cryptoki.MechanismType
		public     cryptoki.Template
		given      []cryptoki.MechanismType
		told       []cryptoki.MechanismType
		algorithms []byte
	}{
		"one hash": {cryptoki.RSAPKCSKeyPairGen, cryptoki.Template{number(cryptoki.AttrModulusBits, uint64(1024))},
			[]cryptoki.MechanismType{cryptoki.SHA256RSAPSS}, []cryptoki.MechanismType{cryptoki.SHA256RSAPSS}, []byte{0x40, 0x43}},
		"any hash": {cryptoki.ECKeyPairGen, p521(t),
			[]cryptoki.MechanismType{cryptoki.ECDSASHA3256, cryptoki.ECDSA},
			[]cryptoki.MechanismType{cryptoki.ECDSA, cryptoki.ECDSASHA1, cryptoki.ECDSASHA224, cryptoki.ECDSASHA256, cryptoki.ECDSASHA384, cryptoki.ECDSASHA512,
				cryptoki.ECDSASHA3224, cryptoki.ECDSASHA3256, cryptoki.ECDSASHA3384, cryptoki.ECDSASHA3512}, []byte{0x70}},
		"all": {cryptoki.ECKeyPairGen, p521(t), nil, nil, nil},
	} {
		var list []byte
		for _, m := range c.given {
			list = append(list, cryptoki.Number(m)...)
		}
		public, h, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: c.mechanism}, c.public, cryptoki.Template{onToken(true), octets(cryptoki.AttrAllowedMechanisms, list)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r, err := s.Object(h)
		if err != nil {
			t.Fatal(err)
		}
		told := value(t, s, h, cryptoki.AttrAllowedMechanisms)
		if !bytes.Equal(value(t, s, public, cryptoki.AttrAllowedMechanisms), told) {
			t.Errorf("%s: the public key allows others", name)
		}
		var got []cryptoki.MechanismType
		for p := (parameter{rest: told}); len(p.rest) > 0; {
			got = append(got, cryptoki.MechanismType(p.number()))
		}
		algorithms, _ := cryptoki.Template(r.Attributes).Find(cryptoki.AttrAlgorithmList)
		if len(c.given) > 0 && c.mechanism == cryptoki.RSAPKCSKeyPairGen {
			k, err := s.object(h)
			if err != nil {
				t.Fatal(err)
			}
			long, salted := make([]byte, 2*hsm.MaxMessage), numbers(uint64(cryptoki.SHA256), uint64(cryptoki.MGF1SHA256), 32)
			if _, err := s.do(Sign, c.given[0], salted, k, long, nil); err != nil {
				t.Errorf("%s: a long message: %v", name, err)
			}
			if _, err := s.do(Sign, cryptoki.RSAPKCSPSS, salted, k, make([]byte, 32), nil); !errors.Is(err, cryptoki.MechanismInvalid) {
				t.Errorf("%s: what is not allowed: %v", name, err)
			}
		}
		if !slices.Equal(got, c.told) || !bytes.Equal(algorithms, c.algorithms) {
			t.Errorf("%s: %#x and % X; %#x and % X were expected", name, got, algorithms, c.told, c.algorithms)
		}
	}
}

// TestTemplatesOfKeyPairs that are refused, and what for.
func TestTemplatesOfKeyPairs(t *testing.T) {
	s := newTestSession(t)
	rsa, ec := cryptoki.RSAPKCSKeyPairGen, cryptoki.ECKeyPairGen
	bits := func(n uint64) cryptoki.Template { return cryptoki.Template{number(cryptoki.AttrModulusBits, n)} }
	params := func(b []byte) cryptoki.Template { return cryptoki.Template{octets(cryptoki.AttrECParams, b)} }
	p256 := params(der(t, asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}))
	one := func(a cryptoki.Attribute) cryptoki.Template { return cryptoki.Template{a} }
	for name, c := range map[string]struct {
		mechanism       cryptoki.MechanismType
		public, private cryptoki.Template
		want            error
	}{
		"no size":                  {rsa, nil, nil, cryptoki.TemplateIncomplete},
		"no curve":                 {ec, nil, nil, cryptoki.TemplateIncomplete},
		"size of 2047":             {rsa, bits(2047), nil, cryptoki.AttributeValueInvalid},
		"size of 2^64":             {rsa, bits(1<<64 - 1), nil, cryptoki.AttributeValueInvalid},
		"size of 4 bytes":          {rsa, one(octets(cryptoki.AttrModulusBits, "\x00\x08\x00\x00")), nil, cryptoki.AttributeValueInvalid},
		"exponent 3":               {rsa, append(bits(2048), octets(cryptoki.AttrPublicExponent, "\x03")), nil, cryptoki.AttributeValueInvalid},
		"unknown curve":            {ec, params(der(t, asn1.ObjectIdentifier{1, 3, 132, 0, 1})), nil, cryptoki.CurveNotSupported},
		"Ed25519":                  {ec, params(printable("edwards25519")), nil, cryptoki.CurveNotSupported},
		"empty parameters":         {ec, params([]byte{0x30, 0}), nil, cryptoki.CurveNotSupported},
		"implicit parameters":      {ec, params([]byte{5, 0}), nil, cryptoki.AttributeValueInvalid},
		"no DER":                   {ec, params([]byte("P-256")), nil, cryptoki.AttributeValueInvalid},
		"bytes after the curve":    {ec, params(append(printable("P-256"), 0)), nil, cryptoki.AttributeValueInvalid},
		"another class":            {ec, append(p256, number(cryptoki.AttrClass, cryptoki.ClassPrivateKey)), nil, cryptoki.TemplateInconsistent},
		"another type":             {ec, append(p256, number(cryptoki.AttrKeyType, cryptoki.KeyRSA)), nil, cryptoki.TemplateInconsistent},
		"another private type":     {ec, p256, one(number(cryptoki.AttrKeyType, cryptoki.KeyRSA)), cryptoki.TemplateInconsistent},
		"a value":                  {ec, p256, one(octets(cryptoki.AttrValue, "1")), cryptoki.TemplateInconsistent},
		"a point":                  {ec, append(p256, octets(cryptoki.AttrECPoint, "1")), nil, cryptoki.TemplateInconsistent},
		"twice the same":           {ec, p256, cryptoki.Template{octets(cryptoki.AttrLabel, "a"), octets(cryptoki.AttrLabel, "b")}, cryptoki.TemplateInconsistent},
		"an unknown attribute":     {ec, p256, one(octets(0x7777, "1")), cryptoki.AttributeTypeInvalid},
		"one of certificates":      {ec, p256, one(octets(cryptoki.AttrIssuer, "1")), cryptoki.AttributeTypeInvalid},
		"a flag of 8 bytes":        {ec, p256, one(octets(cryptoki.AttrSign, "12345678")), cryptoki.AttributeValueInvalid},
		"a PIN for a public use":   {ec, p256, cryptoki.Template{flag(cryptoki.AttrAlwaysAuthenticate, true), flag(cryptoki.AttrPrivate, false)}, cryptoki.TemplateInconsistent},
		"mechanism without name":   {ec, p256, one(octets(cryptoki.AttrAllowedMechanisms, numbers(uint64(cryptoki.ECDSASHA3256)))), cryptoki.AttributeValueInvalid},
		"half a mechanism":         {ec, p256, one(octets(cryptoki.AttrAllowedMechanisms, "1234")), cryptoki.AttributeValueInvalid},
		"more uses than countable": {ec, p256, one(number(cryptoki.AttrUseCounter, uint64(1<<32))), cryptoki.AttributeValueInvalid},
		"no generator":             {cryptoki.ECDSA, p256, nil, cryptoki.MechanismInvalid},
	} {
		if _, _, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: c.mechanism}, c.public, ofToken(c.private)); err != c.want {
			t.Errorf("%s: %v; expected %v", name, err, c.want)
		}
	}
	if _, _, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: ec, Parameter: []byte{1}}, p256, ofToken(nil)); err != cryptoki.MechanismParamInvalid {
		t.Errorf("a parameter: %v", err)
	}
	reader, err := s.application.Session(2, s.slot.id, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := reader.GenerateKeyPair(cryptoki.Mechanism{Type: ec}, p256, ofToken(nil)); err != cryptoki.SessionReadOnly {
		t.Errorf("in a session that only reads: %v", err)
	}
	if keys := keysOf(t, s); len(keys) > 0 {
		t.Errorf("%d keys were made all the same", len(keys))
	}
}

func keysOf(tb testing.TB, s *Session) (keys []hsm.Key) {
	tb.Helper()
	err := s.asUser(func(h *hsm.HSM) (err error) {
		keys, err = h.Keys()
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

// TestAFullDeviceSaysSo, and sessions that make keys at once make each its own.
func TestAFullDeviceSaysSo(t *testing.T) {
	s := newTestSession(t)
	p256 := cryptoki.Template{octets(cryptoki.AttrECParams, printable("P-256"))}
	const threads = 4
	results := make(chan error, threads)
	for n := range uint64(threads) {
		session, err := s.application.Session(10+n, s.slot.id, true)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for i := 0; ; i++ {
				label := fmt.Sprintf("key %d of %d", i, n)
				_, h, err := session.GenerateKeyPair(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen}, p256, ofToken(cryptoki.Template{octets(cryptoki.AttrLabel, label)}))
				if err != nil {
					results <- err
					return
				}
				if o, err := session.object(h); err != nil || !o.matches(cryptoki.Template{octets(cryptoki.AttrLabel, label)}) {
					t.Errorf("%s: %v; another object", label, err)
				}
			}
		}()
	}
	for range threads {
		if err := <-results; err != cryptoki.DeviceMemory {
			t.Error(err)
		}
	}
	labels := map[string]bool{}
	for _, k := range keysOf(t, s) {
		labels[k.Description.Label] = true
	}
	if len(labels) != 255 {
		t.Errorf("%d keys; 255 were expected", len(labels))
	}
}

// BenchmarkGenerateKeyPair is of a key pair of the token, as a program makes one.
func BenchmarkGenerateKeyPair(b *testing.B) {
	s := newTestSession(b)
	p256 := cryptoki.Template{octets(cryptoki.AttrECParams, printable("P-256"))}
	for b.Loop() {
		_, h, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen}, ofToken(p256), ofToken(nil))
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		k, err := s.object(h)
		if err == nil {
			err = s.asUser(func(h *hsm.HSM) error { return h.DeleteKey(k.ref) })
		}
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// TestOnlyKnownCurvesAreFound, by all names that people use.
func TestOnlyKnownCurvesAreFound(t *testing.T) {
	for _, c := range curve.All() {
		for _, params := range [][]byte{der(t, c.OID), printable(c.Name)} {
			if got, err := curveOf(params); err != nil || got != c {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
	}
	oid := der(t, asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7})
	for i := range oid {
		other := bytes.Clone(oid)
		other[i] ^= 0x40
		if c, err := curveOf(other); err == nil {
			t.Errorf("% X is %s", other, c.Name)
		}
	}
}

// TestListsOfTheDevice are those of the mechanisms.
func TestListsOfTheDevice(t *testing.T) {
	for m, want := range map[cryptoki.MechanismType][]byte{
		cryptoki.SHA256RSAPSS: {0x43}, cryptoki.SHA1RSAPKCS: {0x31}, cryptoki.ECDSASHA512: {0x75}, cryptoki.RSAX509: {0x20, 0x21},
		cryptoki.ECDH1Derive: {0x80}, cryptoki.ConclaveDKEKWrap: {0x92}, cryptoki.ECDSASHA3256: nil, cryptoki.AESCBC: nil,
	} {
		if got := algorithmsOf(m); !bytes.Equal(got, want) {
			t.Errorf("%#x: % X; % X was expected", m, got, want)
		}
	}
}

// TestPairsWithoutALogin are in memory, work as others do, and are never the token's.
func TestPairsWithoutALogin(t *testing.T) {
	s := newTestSession(t)
	if err := s.Logout(); err != nil {
		t.Fatal(err)
	}
	open := cryptoki.Template{flag(cryptoki.AttrPrivate, false)}
	rsaBits := cryptoki.Template{number(cryptoki.AttrModulusBits, uint64(1024)), flag(cryptoki.AttrPrivate, false)}
	p256 := cryptoki.Template{octets(cryptoki.AttrECParams, printable("P-256")), flag(cryptoki.AttrPrivate, false)}
	for m, public := range map[cryptoki.MechanismType]cryptoki.Template{cryptoki.RSAPKCSKeyPairGen: rsaBits, cryptoki.ECKeyPairGen: p256} {
		publicKey, privateKey, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: m}, public, open)
		if err != nil {
			t.Fatal(err)
		}
		pub, err := s.object(publicKey)
		if err != nil {
			t.Fatal(err)
		}
		prv, err := s.object(privateKey)
		if err != nil {
			t.Fatal(err)
		}
		message := []byte("message")
		signer := cryptoki.SHA256RSAPSS
		parameter := numbers(uint64(cryptoki.SHA256), uint64(cryptoki.MGF1SHA256), 32)
		if m == cryptoki.ECKeyPairGen {
			signer, parameter = cryptoki.ECDSASHA256, nil
			other, err := pub.public.Curve.Generate()
			if err != nil {
				t.Fatal(err)
			}
			h, err := s.DeriveKey(cryptoki.Mechanism{Type: cryptoki.ECDH1Derive, Parameter: ecdhParameter(cryptoki.KDFNull, nil, other.Q)}, privateKey, open)
			if err != nil {
				t.Fatal(err)
			}
			if want, err := other.ECDH(pub.public.Point); err != nil || !bytes.Equal(s.valueOf(t, h), want[1:33]) {
				t.Errorf("another secret was agreed on (%v)", err)
			}
		} else {
			c, err := s.do(Encrypt, cryptoki.RSAPKCS, nil, pub, message, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := s.do(Decrypt, cryptoki.RSAPKCS, nil, prv, c, nil); err != nil || !bytes.Equal(got, message) {
				t.Errorf("decrypted %q, %v", got, err)
			}
		}
		signature, err := s.do(Sign, signer, parameter, prv, message, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.do(Verify, signer, parameter, pub, message, signature); err != nil {
			t.Error(err)
		}
		if _, err := s.Copy(privateKey, ofToken(nil)); err == nil {
			t.Error("a key in memory became one of the token")
		}
		if err := s.Destroy(privateKey); err != nil {
			t.Error(err)
		}
		for name, private := range map[string]cryptoki.Template{
			"private":     nil,
			"of a token":  append(cryptoki.Template{flag(cryptoki.AttrToken, true)}, open...),
			"counted":     append(cryptoki.Template{number(cryptoki.AttrUseCounter, uint64(5))}, open...),
			"with a list": append(cryptoki.Template{octets(cryptoki.AttrAllowedMechanisms, numbers(uint64(signer)))}, open...),
		} {
			if _, _, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: m}, public, private); err != cryptoki.UserNotLoggedIn {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestBothHalvesDerive, or neither: there are programs that agree on a key only where the
// public half says so, too.
func TestBothHalvesDerive(t *testing.T) {
	s := newTestSession(t)
	for _, derives := range []bool{true, false} {
		public := cryptoki.Template{octets(cryptoki.AttrECParams, printable("P-256"))}
		private := ofToken(cryptoki.Template{flag(cryptoki.AttrDerive, derives)})
		publicKey, privateKey, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen}, public, private)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range []cryptoki.Handle{publicKey, privateKey} {
			if k, err := s.object(h); err != nil || k.is(cryptoki.AttrDerive) != derives {
				t.Errorf("%v: %v; CKA_DERIVE is not %v", h, err, derives)
			}
		}
	}
}
