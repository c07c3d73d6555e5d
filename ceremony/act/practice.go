package act

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"conclave/ca"
	"conclave/ceremony/plan"
)

// Practise puts what the plan of a rehearsal refers to into the act's base: in
// place of each request one for a key of the same kind, which is thrown away,
// under the practice name. The original plan and its folder say what kind.
func (a Act) Practise(original *plan.Plan, base string) error {
	for i := range a.Plan.Certificates {
		c := &a.Plan.Certificates[i]
		if c.File != "" {
			return fmt.Errorf("certificate %s: a ceremony with a certificate that there is cannot be rehearsed yet: its key is in the real device", c.Name)
		}
		if c.Request == "" {
			continue
		}
		path := filepath.Join(a.Base, c.Request)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			continue // the rehearsal is resumed
		}
		content, err := practiceRequest(filepath.Join(base, original.Certificates[i].Request), &original.Certificates[i], c)
		if err != nil {
			return fmt.Errorf("certificate %s: %w", c.Name, err)
		}
		if err := putFile(path, content); err != nil {
			return err
		}
	}
	return nil
}

func practiceRequest(path string, original, practice *plan.Certificate) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	public, err := ca.CheckRequest(content, original.Spec)
	if err != nil {
		return nil, err
	}
	key, err := ca.ThrowAwayKey(public)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: practice.Subject.PKIX()}, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}
