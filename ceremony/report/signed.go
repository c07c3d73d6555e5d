package report

import (
	"fmt"
	"strconv"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
)

// signed is what was signed in the ceremony, with whichever key.
func (r record) signed() section {
	s := section{Title: "What was signed"}
	for _, planned := range r.plan.Steps() {
		switch planned.Action {
		case step.Certify:
			facts := of[step.CertifyFacts](r, planned.ID)
			s.Facts = append(s.Facts, fact{Name: "Certificate " + planned.Object, Text: fmt.Sprintf("%s, serial number %s; SHA-256 of its DER", evidence.CertificateFile(planned.Object), facts.Serial), Sums: sums(facts.Certificate)})
		case step.SignCRL:
			facts := of[step.SignCRLFacts](r, planned.ID)
			s.Facts = append(s.Facts, fact{Name: "CRL " + planned.Object, Text: evidence.CRLFile(planned.Object) + ", number " + strconv.Itoa(facts.Number) + "; SHA-256", Sums: sums(facts.CRL)})
		}
	}
	if s.Facts == nil {
		s.Note = "Nothing."
	}
	return s
}
