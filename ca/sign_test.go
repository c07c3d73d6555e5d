package ca_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"conclave/ca"
	"conclave/ca/lint/zlint"
)

// device is a key that notes when it signs, and signs as sign says.
type device struct {
	crypto.Signer
	ledger *memory
	sign   func(digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

// Sign ignores its randomness, as a card does.
func (d *device) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	d.ledger.calls = append(d.ledger.calls, "sign")
	if d.sign != nil {
		return d.sign(digest, opts)
	}
	return d.Signer.Sign(rand.Reader, digest, opts)
}

// onDevice moves the key of an authority to a device.
func onDevice(a ca.Authority) (ca.Authority, *device, *memory) {
	ledger := newMemory()
	d := &device{Signer: a.Signer, ledger: ledger}
	a.Signer, a.Ledger = d, ledger
	return a, d, ledger
}

// signings are the two things that an authority signs.
var signings = []struct {
	kind ca.Kind
	do   func(t *testing.T, a ca.Authority) (tbs, signed []byte, err error)
}{
	{ca.KindCertificate, func(t *testing.T, a ca.Authority) (tbs, signed []byte, err error) {
		s := spec(ca.Subordinate)
		s.Serial = serial(t, "f000000000000001")
		draft, err := a.Prepare(s, newKey(t).Public())
		if err != nil {
			t.Fatal(err)
		}
		cert, err := a.Sign(t.Context(), draft)
		if err != nil {
			return draft.TBS(), nil, err
		}
		return draft.TBS(), cert.Raw, nil
	}},
	{ca.KindCRL, func(t *testing.T, a ca.Authority) (tbs, signed []byte, err error) {
		draft, err := a.PrepareCRL(t.Context(), ca.CRLSpec{ThisUpdate: began, NextUpdate: began.AddDate(1, 0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		crl, err := a.SignCRL(t.Context(), draft)
		if err != nil {
			return draft.TBS(), nil, err
		}
		return draft.TBS(), crl.Raw, nil
	}},
}

// TestLedgerOrder wants the ledger to know before and after the key signs, and
// the key to sign once.
func TestLedgerOrder(t *testing.T) {
	for _, s := range signings {
		a, _, ledger := onDevice(newAuthority(t, ca.Root, newKey(t)))
		tbs, signed, err := s.do(t, a)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ledger.calls, []string{"begin", "sign", "finish"}) {
			t.Errorf("%s: %v; begin, sign, finish was expected", s.kind, ledger.calls)
		}
		intent := ledger.intents[0]
		if intent.Kind != s.kind || intent.TBS != sha256.Sum256(tbs) || !bytes.Equal(intent.Issuer, a.Certificate.RawSubject) || intent.Time.IsZero() {
			t.Errorf("%s: the intent is %+v", s.kind, intent)
		}
		if got := ledger.signed[slot(intent.Kind, intent.Number)]; !bytes.Equal(got, signed) || !bytes.Contains(got, tbs) {
			t.Errorf("%s: the ledger has not got what was signed", s.kind)
		}
	}
}

// TestSigningIsRefused lets ledger and device fail.
func TestSigningIsRefused(t *testing.T) {
	stranger := newKey(t)
	full := errors.New("the disk is full")
	for _, tc := range []struct {
		name  string
		spoil func(*device, *memory)
		calls []string
		want  string
	}{
		{"the ledger refuses", func(_ *device, m *memory) { m.refuse["Begin"] = full }, []string{"begin"}, "it was not signed: the disk is full"},
		{"the device fails", func(d *device, _ *memory) {
			d.sign = func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, errors.New("the card was pulled") }
		}, []string{"begin", "sign"}, "the card was pulled; the ledger keeps that it was about to be signed"},
		{"another key signs", func(d *device, _ *memory) {
			d.sign = func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
				return stranger.Sign(rand.Reader, digest, opts)
			}
		}, []string{"begin", "sign"}, "the ledger keeps that it was about to be signed"},
		{"a bit of the signature is wrong", func(d *device, _ *memory) {
			d.sign = func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
				signature, err := d.Signer.Sign(rand.Reader, digest, opts)
				signature[len(signature)-1] ^= 1
				return signature, err
			}
		}, []string{"begin", "sign"}, "signature"},
		{"the ledger fails afterwards", func(_ *device, m *memory) { m.refuse["Finish"] = full }, []string{"begin", "sign", "finish"}, "it is signed, but the ledger did not take it: the disk is full; keep it: 30"},
	} {
		for _, s := range signings {
			t.Run(tc.name+" "+string(s.kind), func(t *testing.T) {
				a, d, ledger := onDevice(newAuthority(t, ca.Root, newKey(t)))
				tc.spoil(d, ledger)
				_, _, err := s.do(t, a)
				mustSay(t, tc.name, err, tc.want)
				if !slices.Equal(ledger.calls, tc.calls) || len(ledger.signed) != 0 {
					t.Errorf("%v, and %d in the ledger; %v and none was expected", ledger.calls, len(ledger.signed), tc.calls)
				}
				if left := len(ledger.intents) == 1; left != slices.Contains(tc.calls, "sign") {
					t.Errorf("an intent is left: %v", left)
				}
			})
		}
	}
}

// TestNumberUsed signs nothing with a number for a second time.
func TestNumberUsed(t *testing.T) {
	a, _, ledger := onDevice(newAuthority(t, ca.Root, newKey(t)))
	certificate := signings[0].do
	if _, _, err := certificate(t, a); err != nil {
		t.Fatal(err)
	}
	if _, _, err := certificate(t, a); !errors.Is(err, ca.ErrNumberUsed) {
		t.Errorf("%v; ErrNumberUsed was expected", err)
	}
	if n := strings.Count(strings.Join(ledger.calls, " "), "sign"); n != 1 {
		t.Errorf("signed %d times", n)
	}
}

// TestOtherAuthority lets no authority sign another's drafts, and no key another
// one's certificate.
func TestOtherAuthority(t *testing.T) {
	a, b := newAuthority(t, ca.Root, newKey(t)), newAuthority(t, ca.Root, newKey(t))
	draft, err := a.Prepare(spec(ca.Subordinate), newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Sign(t.Context(), draft)
	mustSay(t, "Sign", err, "the draft is another authority's")
	crl, err := a.PrepareCRL(t.Context(), ca.CRLSpec{ThisUpdate: began, NextUpdate: began.AddDate(0, 1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.SignCRL(t.Context(), crl)
	mustSay(t, "SignCRL", err, "the draft is another authority's")
	b.Certificate = a.Certificate
	_, err = b.Prepare(spec(ca.Subordinate), newKey(t).Public())
	mustSay(t, "Prepare", err, "signer: its key is not that of the certificate of CN=Example root")
}

// TestPrepareIsRefused names what does not fit an authority.
func TestPrepareIsRefused(t *testing.T) {
	root := newAuthority(t, ca.Root, newKey(t))
	self := ca.Authority{Signer: newKey(t), Linter: zlint.Linter{}}
	public := newAuthority(t, ca.CABFRoot, newKey(t))
	public.Publication = ca.Publication{}
	broken := root
	broken.Publication = ca.Publication{CRL: ca.URLs{"https://pki.example.com/root.crl"}, Certificate: ca.URLs{"http://"}, DeltaCRL: ca.URLs{"ftp://x/"}, OCSP: ca.URLs{"http://ocsp.example.com/ #"}}
	empty := root
	empty.Rand = strings.NewReader("")
	for _, tc := range []struct {
		by    ca.Authority
		spec  ca.Spec
		key   crypto.PublicKey
		wants []string
	}{
		{self, spec(ca.Root), newKey(t).Public(), []string{"key: it is not the signer's"}},
		{self, spec(ca.Subordinate), self.Signer.Public(), []string{"profile: subordinate, but there is no issuer"}},
		{root, spec(ca.Root), root.Signer.Public(), []string{"key: it is the issuer's"}},
		{root, spec(ca.Root), newKey(t).Public(), []string{"profile: root is for one that signs itself"}},
		{root, spec(ca.Subordinate), root.Signer.Public(), []string{"key: it is the issuer's"}},
		{root, spec("toor"), newKey(t).Public(), []string{`profile: "toor" is not known`}},
		{empty, spec(ca.Subordinate), newKey(t).Public(), []string{"serial number: random bytes: EOF"}},
		{public, spec(ca.CABFSubordinate), newKey(t).Public(), []string{"publication.crl: the issuer has none", "publication.certificate: the issuer has none"}},
		{broken, spec(ca.Subordinate), newKey(t).Public(), []string{"publication.crl: ", "publication.certificate: ", "publication.deltaCRL: ", "publication.ocsp: "}},
	} {
		_, err := tc.by.Prepare(tc.spec, tc.key)
		for _, want := range tc.wants {
			mustSay(t, "Prepare", err, want)
		}
	}
}

// TestBytesDiffer alters the issuer's certificate after something was prepared,
// as no caller should: what would be signed was not linted.
func TestBytesDiffer(t *testing.T) {
	a := newAuthority(t, ca.Root, newKey(t))
	draft, err := a.Prepare(spec(ca.Subordinate), newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	crl, err := a.PrepareCRL(t.Context(), ca.CRLSpec{ThisUpdate: began, NextUpdate: began.AddDate(0, 1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	a.Certificate.SubjectKeyId[0] ^= 1
	a.Certificate.RawSubject = bytes.Replace(a.Certificate.RawSubject, []byte("Thun"), []byte("Bern"), 1)
	_, err = a.Sign(t.Context(), draft)
	mustSay(t, "Sign", err, "what was signed is not byte for byte what was linted")
	_, err = a.SignCRL(t.Context(), crl)
	mustSay(t, "SignCRL", err, "what was signed is not byte for byte what was linted")
}
