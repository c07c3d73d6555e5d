package evidence

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/pqx509"
	"conclave/wire"
)

// signatures checks what authorities have signed: certificates, CRLs and the
// register.
type signatures struct{ *verifier }

// readCertificate reads a certificate of the bundle: one that there was as it
// was given, any other in PEM as it was written.
func (v signatures) readCertificate(name string) (*x509.Certificate, error) {
	if planned := v.plan.FindCertificate(name); planned.File != "" {
		cert, err := ca.ParseCertificate(v.read(InputFile(planned.File)))
		if err != nil {
			return nil, err
		}
		if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSA {
			return nil, fmt.Errorf("its RSA key has %d bits; %d at most were expected", key.N.BitLen(), maxRSA)
		}
		return cert, nil
	}
	content := v.read(CertificateFile(name))
	block, _ := pem.Decode(content)
	if block == nil || !bytes.Equal(pem.EncodeToMemory(block), content) {
		return nil, errors.New("it is not one certificate in PEM")
	}
	return ca.ParseCertificate(block.Bytes)
}

// certificate compares a certificate with what the plan says it is to be, byte
// for byte. It is not linted again: a later linter has later rules.
func (v signatures) certificate(id string, planned *plan.Certificate) {
	facts := Of[step.CertifyFacts](v.facts, id)
	file := CertificateFile(planned.Name)
	cert, err := v.readCertificate(planned.Name)
	if err != nil {
		v.problem(file, "%v", err)
		return
	}
	v.agrees(file, id, "certificate sha256", string(facts.Certificate), hashOf(cert.Raw))
	v.agrees(file, id, "serial number", facts.Serial, fmt.Sprintf("%x", cert.SerialNumber))
	v.intents(id, ca.KindCertificate, cert.SerialNumber, cert.RawTBSCertificate)
	spec, err := v.subject(planned, cert)
	if err != nil {
		v.problem(file, "%v", err)
	}
	issuer := v.issuer(planned.Issuer)
	if issuer == nil && planned.Issuer != "" {
		return
	}
	if err := v.asPlanned(planned, spec, cert, issuer); err != nil {
		v.problem(file, "%v", err)
		return
	}
	signer := issuer
	if signer == nil {
		signer = cert
	}
	if err := pqx509.CheckSignatureFrom(cert, signer); err != nil {
		v.problem(file, "its signature: %v", err)
		return
	}
	v.shown("certificate %s: %s, serial number %x, as planned byte for byte", planned.Name, ca.DistinguishedName(cert.RawSubject), cert.SerialNumber)
}

// asPlanned rebuilds what was to be signed from the plan, the serial number and
// the key.
func (v signatures) asPlanned(planned *plan.Certificate, spec ca.Spec, cert, issuer *x509.Certificate) error {
	publication := planned.Publication
	if planned.Issuer != "" {
		publication = v.plan.FindCertificate(planned.Issuer).Publication
	}
	if spec.Serial.IsZero() || v.settled(cert.RawIssuer, ca.KindCertificate, spec.Serial.Int()) {
		spec.Serial = ca.SerialOf(cert)
	}
	tbs, err := ca.TBS(spec, cert.PublicKey, issuer, publication)
	if err != nil {
		return err
	}
	if !bytes.Equal(tbs, cert.RawTBSCertificate) {
		return errors.New("it does not say what the plan says")
	}
	return nil
}

// subject checks that the certified key is the one of the plan, or of the request, and
// gives what the certificate is to be.
func (v signatures) subject(planned *plan.Certificate, cert *x509.Certificate) (ca.Spec, error) {
	spec := planned.Spec
	if planned.Key != "" {
		spki, err := v.attestedKey(planned.Key)
		if err == nil && !bytes.Equal(spki, cert.RawSubjectPublicKeyInfo) {
			err = fmt.Errorf("its key is not the key %s of the plan, which is in %s", planned.Key, AttestationFile(planned.Key))
		}
		return spec, err
	}
	if planned.CrossSigns != "" {
		root, err := v.readCertificate(planned.CrossSigns)
		if err != nil {
			return spec, fmt.Errorf("the root %s, which it cross-signs: %w", planned.CrossSigns, err)
		}
		spec.Existing = root.Raw
	}
	if spec.Existing != nil {
		return spec, nil // name and key of it are compared byte for byte
	}
	content := v.read(InputFile(planned.Request))
	if len(content) > maxKey {
		return spec, fmt.Errorf("%s has %d bytes; %d at most were expected", InputFile(planned.Request), len(content), maxKey)
	}
	request, err := ca.ParseRequest(content)
	if err != nil {
		return spec, fmt.Errorf("%s: %w", InputFile(planned.Request), err)
	}
	if err := request.Check(spec); err != nil {
		v.problem(CertificateFile(planned.Name), "%s: %v", InputFile(planned.Request), err)
	}
	spec = asIssued(request.Complete(spec), cert)
	for _, remark := range request.Remarks(spec) {
		v.shown("request of %s: %s", planned.Name, remark)
	}
	spki, err := pqx509.MarshalPKIXPublicKey(request.Public)
	if err == nil && !bytes.Equal(spki, cert.RawSubjectPublicKeyInfo) {
		err = errors.New("its key is not the one of the request")
	}
	return spec, err
}

// asIssued gives a spec without what earlier versions did not take from the request:
// they encoded the planned name, and made the key identifier of the key.
func asIssued(spec ca.Spec, cert *x509.Certificate) ca.Spec {
	if !spec.Subject.AsInRequest() && !bytes.Equal(cert.RawSubject, spec.RawSubject) {
		spec.RawSubject = nil
	}
	if !bytes.Equal(cert.SubjectKeyId, spec.KeyID) {
		spec.KeyID = nil
	}
	return spec
}

// crl compares a CRL with what it is to be, byte for byte, by the plan and the
// register.
func (v signatures) crl(id string, planned *plan.CRL) {
	facts := Of[step.SignCRLFacts](v.facts, id)
	file := CRLFile(planned.Name)
	content := v.read(file)
	crl, err := pqx509.ParseRevocationList(content)
	switch {
	case err != nil:
	case crl.Number == nil:
		err = errors.New("it has no CRL number")
	case !crl.Number.IsInt64(): // writing a long one in decimal takes minutes
		err = fmt.Errorf("its number has %d bits; 63 at most were expected", crl.Number.BitLen())
	}
	if err != nil {
		v.problem(file, "%v", err)
		return
	}
	v.agrees(file, id, "crl sha256", string(facts.CRL), hashOf(content))
	v.agrees(file, id, "crl number", strconv.Itoa(facts.Number), crl.Number.String())
	v.intents(id, ca.KindCRL, crl.Number, crl.RawTBSRevocationList)
	issuer := v.issuer(planned.Issuer)
	if issuer == nil {
		return
	}
	if err := pqx509.CheckRevocationListSignatureFrom(crl, issuer); err != nil {
		v.problem(file, "its signature: %v", err)
		return
	}
	if err := v.crlAsPlanned(planned, crl, issuer); err != nil {
		v.problem(file, "%v", err)
		return
	}
	v.shown("CRL %s: number %d, certificates revoked: %d, as planned byte for byte", planned.Name, crl.Number, len(crl.RevokedCertificateEntries))
}

func (v signatures) crlAsPlanned(planned *plan.CRL, crl *x509.RevocationList, issuer *x509.Certificate) error {
	export := v.export(CRLRegisterFile(planned.Name))
	if export == nil {
		return nil // a problem says so
	}
	if next := lastCRL(export, issuer.RawSubject); crl.Number.Cmp(next.Add(next, big.NewInt(1))) != 0 {
		return fmt.Errorf("its number is %d, and %d was expected, the one after the last in the register", crl.Number, next)
	}
	spec := v.plan.Spec(planned)
	if known, _ := export.Issuer(issuer.RawSubject); spec.Profile == "" {
		spec.Profile = known.Profile
	}
	spec.Number = crl.Number.Int64()
	spec.DeltaOf = register.Standing(export.Entries, issuer.RawSubject, ca.KindCRL, spec.DeltaOf)
	var base *x509.RevocationList
	var err error
	if spec.DeltaOf > 0 {
		if base, err = pqx509.ParseRevocationList(export.Find(issuer.RawSubject, ca.KindCRL, big.NewInt(spec.DeltaOf)).DER); err != nil {
			return fmt.Errorf("the full CRL number %d: %w", spec.DeltaOf, err)
		}
	}
	publication := v.plan.FindCertificate(planned.Issuer).Publication
	tbs, err := ca.CRLTBS(spec, export.Revocations(issuer.RawSubject), base, issuer, publication)
	if err != nil {
		return err
	}
	if !bytes.Equal(tbs, crl.RawTBSRevocationList) {
		return errors.New("it does not say what the plan and the register say")
	}
	return nil
}

// export reads a register of the bundle, nil if it cannot.
func (v signatures) export(name string) *register.Export {
	if export, known := v.exports[name]; known {
		return export
	}
	v.exports[name] = nil
	content := v.read(name)
	if content == nil {
		return nil
	}
	export, err := register.ParseExport(content)
	if err != nil {
		v.problem(name, "%v", err)
		return nil
	}
	v.exports[name] = export
	return export
}

// before is the register that the ceremony has continued, an empty one if it
// began with none.
func (v signatures) before() *register.Export {
	if v.plan.Register != "" {
		if export := v.export(BeforeFile); export != nil {
			return export
		}
	}
	return &register.Export{}
}

// settled says whether a number was lost when the ceremony was interrupted: the
// next one takes its place.
func (v signatures) settled(issuer []byte, kind ca.Kind, number *big.Int) bool {
	export := v.export(RegisterFile)
	return export != nil && export.Find(issuer, kind, number).State() == register.Settled
}

// register checks that the register knows what was signed, and that nothing
// else was.
func (v signatures) register() {
	signed := v.signed()
	if len(signed) == 0 && v.plan.Register == "" {
		return
	}
	export := v.export(RegisterFile)
	if export == nil {
		return
	}
	for _, e := range v.before().Entries {
		if e.State() == register.Issued && signed[hashOf(e.DER)] {
			v.problem(BeforeFile, "%s was signed in the ceremony, and not before it", e)
		}
	}
	known, intended := v.known(), v.intended()
	for _, e := range export.Entries {
		switch {
		case e.State() == register.Settled && !known[fmt.Sprintf("%x", e.TBS)] && !intended[fmt.Sprintf("%x", e.TBS)]:
			v.problem(RegisterFile, "%s was settled, and no step was about to sign it", e)
		case e.State() == register.Intended:
			v.problem(RegisterFile, "%s may have been signed, and no one has said so", e)
		case e.State() == register.Issued && signed[hashOf(e.DER)]:
			delete(signed, hashOf(e.DER))
		case e.State() == register.Issued && !known[hashOf(e.DER)]:
			v.problem(RegisterFile, "%s was signed in the ceremony, and is not in the plan", e)
		}
	}
	for _, sum := range slices.Sorted(maps.Keys(signed)) {
		v.problem(RegisterFile, "it does not have what has SHA-256 %s", sum)
	}
	v.growth()
	v.shown("register: %d entries", len(export.Entries))
}

// known are the hashes of what was in the register before the ceremony.
func (v signatures) known() map[string]bool {
	hashes := map[string]bool{}
	for _, e := range v.before().Entries {
		hashes[hashOf(e.DER)], hashes[fmt.Sprintf("%x", e.TBS)] = true, true
	}
	return hashes
}

// intended are the hashes of all that steps were about to sign.
func (v signatures) intended() map[string]bool {
	hashes := map[string]bool{}
	for _, e := range v.transcript.Entries {
		if e.Kind == transcript.Note {
			hashes[string(read[step.NoteFacts](v.verifier, e).TBS)] = true
		}
	}
	return hashes
}

// signed are the hashes of all that was signed, as the transcript has them.
func (v signatures) signed() map[string]bool {
	hashes := map[string]bool{}
	for _, s := range v.planned {
		switch s.Action {
		case step.Certify:
			hashes[string(Of[step.CertifyFacts](v.facts, s.ID).Certificate)] = true
		case step.SignCRL:
			hashes[string(Of[step.SignCRLFacts](v.facts, s.ID).CRL)] = true
		}
	}
	return hashes
}

// intents checks what a step was about to sign: the last time what it has signed,
// any other time what the register has as settled.
func (v signatures) intents(id string, kind ca.Kind, number *big.Int, tbs []byte) {
	var notes []step.NoteFacts
	for _, e := range v.said[id].all {
		if e.Kind != transcript.Note {
			continue
		}
		if note := read[step.NoteFacts](v.verifier, e); note.TBS != "" {
			notes = append(notes, note)
		}
	}
	if len(notes) == 0 {
		v.problem(TranscriptFile, "step %s, the fact %q is missing: nothing says what was about to be signed", id, "tbs sha256")
		return
	}
	last := len(notes) - 1
	for _, note := range notes {
		v.agrees(TranscriptFile, id, "about to sign", note.Sign, string(kind))
	}
	v.agrees(TranscriptFile, id, "number", notes[last].Number, number.Text(16))
	v.agrees(TranscriptFile, id, "tbs sha256", string(notes[last].TBS), hashOf(tbs))
	for _, note := range notes[:last] {
		if note.TBS != notes[last].TBS || note.Number != notes[last].Number {
			v.settledAs(id, note)
		}
	}
}

// settledAs wants it to be known what came of something that was about to be
// signed when the ceremony was interrupted: that it may have been signed and is
// lost, or that it was not; an exception says so.
func (v signatures) settledAs(id string, note step.NoteFacts) {
	export := v.export(RegisterFile)
	if export == nil {
		return // a problem says so
	}
	i := slices.IndexFunc(export.Entries, func(e register.Entry) bool { return fmt.Sprintf("%x", e.TBS) == string(note.TBS) })
	told := v.facts.Schema < 2 && i >= 0
	for _, e := range v.said[id].all {
		told = told || e.Kind == transcript.Exception && read[step.ExceptionFacts](v.verifier, e).TBS == note.TBS
	}
	settled := i >= 0 && export.Entries[i].State() == register.Settled && export.Entries[i].Number.Text(16) == note.Number
	switch {
	case !told && v.facts.Schema < 2:
		v.unproved("step %s, fact %q: what came of number %s, which was about to be signed (evidence of an earlier version)", id, "tbs sha256", note.Number)
	case !told || i >= 0 && !settled:
		v.problem(TranscriptFile, "step %s, facts %q and %q: number %s was about to be signed, and neither the register nor an exception says what came of it", id, "number", "tbs sha256", note.Number)
	}
}

// attestedKey is the SubjectPublicKeyInfo of a key of the plan.
func (v signatures) attestedKey(key string) ([]byte, error) {
	content, err := v.bundle.read(AttestationFile(key))
	if err != nil {
		return nil, err
	}
	request, err := wire.ParseAuthenticatedRequest(content)
	if err != nil {
		return nil, err
	}
	return request.Request.Key.SPKI()
}

// issuer is the certificate that signs, nil for one that signs itself or where
// it cannot be read.
func (v signatures) issuer(name string) *x509.Certificate {
	if name == "" {
		return nil
	}
	cert, err := v.readCertificate(name)
	if err != nil {
		return nil // told where it is checked itself
	}
	return cert
}
