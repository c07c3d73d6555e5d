package evidence

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// readCertificate reads a certificate of the bundle: one that there was as it
// was given, any other in PEM as it was written.
func (v *verifier) readCertificate(name string) (*x509.Certificate, error) {
	if planned := v.plan.FindCertificate(name); planned.File != "" {
		content := v.read(InputFile(planned.File))
		v.equal(InputFile(planned.File), "the SHA-256 of the certificate", hashOf(content), v.facts[step.Open.ID()][FactInput+planned.File])
		return ca.ParseCertificate(content)
	}
	content := v.read(CertificateFile(name))
	block, _ := pem.Decode(content)
	if block == nil || !bytes.Equal(pem.EncodeToMemory(block), content) {
		return nil, errors.New("it is not one certificate in PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// certificate compares a certificate with what the plan says it is to be, byte
// for byte. It is not linted again: a later linter has later rules.
func (v *verifier) certificate(planned *plan.Certificate, facts Facts) {
	file := CertificateFile(planned.Name)
	cert, err := v.readCertificate(planned.Name)
	if err != nil {
		v.problem(file, "%v", err)
		return
	}
	v.equal(file, "the SHA-256 of the certificate", hashOf(cert.Raw), facts[FactCertificate])
	if err := v.subject(planned, cert); err != nil {
		v.problem(file, "%v", err)
	}
	issuer := v.issuer(planned.Issuer)
	if issuer == nil && planned.Issuer != "" {
		return
	}
	if err := v.asPlanned(planned, cert, issuer); err != nil {
		v.problem(file, "%v", err)
		return
	}
	signer := issuer
	if signer == nil {
		signer = cert
	}
	if err := cert.CheckSignatureFrom(signer); err != nil {
		v.problem(file, "its signature: %v", err)
		return
	}
	v.shown("certificate %s: %s, serial number %x, as planned byte for byte", planned.Name, planned.Subject, cert.SerialNumber)
}

// asPlanned rebuilds what was to be signed from the plan, the serial number and
// the key.
func (v *verifier) asPlanned(planned *plan.Certificate, cert, issuer *x509.Certificate) error {
	spec, publication := planned.Spec, planned.Publication
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

// subject checks that the certified key is the one of the plan, or of the
// request.
func (v *verifier) subject(planned *plan.Certificate, cert *x509.Certificate) error {
	if planned.Key != "" {
		spki, err := v.attestedKey(planned.Key)
		if err == nil && !bytes.Equal(spki, cert.RawSubjectPublicKeyInfo) {
			err = fmt.Errorf("its key is not the key %s that the device attests", planned.Key)
		}
		return err
	}
	if planned.Existing != nil {
		return nil // what the plan says of it is compared byte for byte
	}
	content := v.read(InputFile(planned.Request))
	if !v.equal(InputFile(planned.Request), "the SHA-256 of the request", hashOf(content), v.facts[step.Open.ID()][FactInput+planned.Request]) {
		return nil
	}
	public, err := ca.CheckRequest(content, planned.Spec)
	if err != nil {
		return fmt.Errorf("%s: %w", InputFile(planned.Request), err)
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err == nil && !bytes.Equal(spki, cert.RawSubjectPublicKeyInfo) {
		err = errors.New("its key is not the one of the request")
	}
	return err
}

// crl compares a CRL with what it is to be, byte for byte, by the plan and the
// register.
func (v *verifier) crl(planned *plan.CRL, facts Facts) {
	file := CRLFile(planned.Name)
	content := v.read(file)
	crl, err := x509.ParseRevocationList(content)
	if err != nil {
		v.problem(file, "%v", err)
		return
	}
	v.equal(file, "the SHA-256 of the CRL", hashOf(content), facts[FactCRL])
	v.equal(file, "the CRL number", crl.Number.String(), facts[FactCRLNumber])
	issuer := v.issuer(planned.Issuer)
	if issuer == nil {
		return
	}
	if err := crl.CheckSignatureFrom(issuer); err != nil {
		v.problem(file, "its signature: %v", err)
		return
	}
	if err := v.crlAsPlanned(planned, crl, issuer); err != nil {
		v.problem(file, "%v", err)
		return
	}
	v.shown("CRL %s: number %d, certificates revoked: %d, as planned byte for byte", planned.Name, crl.Number, len(crl.RevokedCertificateEntries))
}

func (v *verifier) crlAsPlanned(planned *plan.CRL, crl *x509.RevocationList, issuer *x509.Certificate) error {
	export := v.export(CRLRegisterFile(planned.Name))
	if export == nil {
		return nil // it is told
	}
	spec := v.plan.Spec(planned)
	spec.Number = crl.Number.Int64()
	spec.DeltaOf = register.Standing(export.Entries, issuer.RawSubject, ca.KindCRL, spec.DeltaOf)
	var base *x509.RevocationList
	var err error
	if spec.DeltaOf > 0 {
		if base, err = x509.ParseRevocationList(export.Find(issuer.RawSubject, ca.KindCRL, big.NewInt(spec.DeltaOf)).DER); err != nil {
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
func (v *verifier) export(name string) *register.Export {
	content := v.read(name)
	if content == nil {
		return nil
	}
	export, err := register.ParseExport(content)
	if err != nil {
		v.problem(name, "%v", err)
		return nil
	}
	return export
}

// before is the register that the ceremony has continued, an empty one if it
// began with none.
func (v *verifier) before() *register.Export {
	if v.plan.Register != "" {
		if export := v.export(BeforeFile); export != nil {
			return export
		}
	}
	return &register.Export{}
}

// settled says whether a number was lost when the ceremony was interrupted: the
// next one takes its place.
func (v *verifier) settled(issuer []byte, kind ca.Kind, number *big.Int) bool {
	export, err := register.ParseExport(v.read(RegisterFile))
	return err == nil && export.Find(issuer, kind, number).State() == register.Settled
}

// register checks that the register knows what was signed, and that nothing
// else was.
func (v *verifier) register() {
	signed := v.signed()
	if len(signed) == 0 {
		return
	}
	export := v.export(RegisterFile)
	if export == nil {
		return
	}
	known := v.known()
	for _, e := range export.Entries {
		switch {
		case e.State() == register.Intended:
			v.problem(RegisterFile, "%s may have been signed, and no one has said so", e)
		case e.State() == register.Issued && signed[hashOf(e.DER)]:
			delete(signed, hashOf(e.DER))
		case e.State() == register.Issued && !known[hashOf(e.DER)]:
			v.problem(RegisterFile, "%s was signed in the ceremony, and is not in the plan", e)
		}
	}
	for sum := range signed {
		v.problem(RegisterFile, "it does not have what has SHA-256 %s", sum)
	}
	v.shown("register: %d entries", len(export.Entries))
}

// known are the hashes of what was in the register before the ceremony.
func (v *verifier) known() map[string]bool {
	hashes := map[string]bool{}
	for _, e := range v.before().Entries {
		hashes[hashOf(e.DER)] = true
	}
	return hashes
}

// signed are the hashes of all that was signed, as the transcript has them.
func (v *verifier) signed() map[string]bool {
	hashes := map[string]bool{}
	for _, facts := range v.facts {
		for _, name := range []string{FactCertificate, FactCRL} {
			if facts[name] != "" {
				hashes[facts[name]] = true
			}
		}
	}
	return hashes
}
