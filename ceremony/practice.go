package ceremony

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"path/filepath"

	"conclave/ca"
	"conclave/ceremony/plan"
	"conclave/hsm"
	"conclave/internal/pqx509"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/wire"
)

// Practise puts what the plan of a rehearsal refers to into the ceremony's base, if
// it is not there yet: instead of each key that is imported one of the same type, so
// that the true one is left alone; instead of each request, one that asks for the same,
// by a key of the same kind that is thrown away; and instead of each certificate that
// exists, one of the same kind whose key is in a practice device. The original plan and
// its folder say what kind.
func (a Ceremony) Practise(original *plan.Plan, base string) error {
	if len(original.Certificates) != len(a.Plan.Certificates) {
		return errors.New("this is not the rehearsal of that plan")
	}
	for i := range a.Plan.Keys {
		k := &a.Plan.Keys[i]
		if k.Import == "" {
			continue
		}
		if err := a.once(k.Import, func() ([]byte, error) { return a.practiceKeyFile(k) }); err != nil {
			return fmt.Errorf("key %s: %w", k.Name, err)
		}
	}
	for i := range a.Plan.Certificates {
		c, o := &a.Plan.Certificates[i], &original.Certificates[i]
		var err error
		switch {
		case c.File != "":
			err = a.once(c.File, func() ([]byte, error) { return a.practiceIssuer(filepath.Join(base, o.File), c) })
		case c.Request != "":
			err = a.once(c.Request, func() ([]byte, error) { return practiceRequest(filepath.Join(base, o.Request), o, c) })
		}
		if err != nil {
			return fmt.Errorf("certificate %s: %w", c.Name, err)
		}
	}
	return nil
}

// once makes a file of the base; a rehearsal that is resumed has it.
func (a Ceremony) once(name string, content func() ([]byte, error)) error {
	path := a.beside(name)
	if safefile.Exists(path) {
		return nil
	}
	made, err := content()
	if err != nil {
		return err
	}
	return putFile(path, made)
}

func practiceRequest(path string, original, practice *plan.Certificate) ([]byte, error) {
	content, err := safefile.Read(path, ca.MaxFile)
	if err != nil {
		return nil, err
	}
	request, err := ca.CheckRequest(content, original.Spec)
	if err != nil {
		return nil, err
	}
	key, err := ca.ThrowAwayKey(request.Public)
	if err != nil {
		return nil, err
	}
	name := practice.Subject
	if name.AsInRequest() {
		if name, err = ca.NameOf(request.Subject); err != nil {
			return nil, err
		}
		name = plan.PracticeName(name)
	}
	der, err := request.Like(name.DER(), key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// practiceIssuer makes a root like the one in a file, with its key in a
// practice device, or where it will be imported from.
func (a Ceremony) practiceIssuer(path string, practice *plan.Certificate) ([]byte, error) {
	cert, err := ca.ReadCertificate(path)
	if err != nil {
		return nil, err
	}
	if k := a.importedFor(cert, practice.Device); k != nil {
		signer, err := a.practiceSigner(k)
		if err != nil {
			return nil, err
		}
		return practiceRoot(cert, signer)
	}
	h, err := a.practiceDevice(a.Plan.FindDevice(practice.Device))
	if err != nil {
		return nil, err
	}
	defer h.Close()
	signer, err := practiceKey(h, cert, practice.Name)
	if err != nil {
		return nil, err
	}
	return practiceRoot(cert, signer)
}

// practiceRoot makes a root like another one, for another key.
func practiceRoot(cert *x509.Certificate, signer crypto.Signer) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: plan.PracticeSubject(cert).DER(), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: cert.KeyUsage,
	}
	der, err := pqx509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// practiceDevice makes a device that the people of a rehearsal can log in to.
func (a Ceremony) practiceDevice(device *plan.Device) (*hsm.HSM, error) {
	conn, err := a.Devices.Connect(*device)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return nil, err
		}
		return openLoggedIn(hsm.Open(conn))
	}
	if _, err := a.Devices.Create(device.Name); err != nil {
		return nil, err
	}
	if conn, err = a.Devices.Connect(*device); err != nil {
		return nil, err
	}
	h, err := hsm.Open(conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	so, err := hsm.ParseSOPIN(secret.Bytes(practiceSOPIN))
	if err != nil {
		return nil, err
	}
	a.Room.Tell("The user PIN of the practice device " + device.Name + " is " + practicePIN + ".")
	return openLoggedIn(h, h.Initialize(wire.UsualInitialization(secret.Bytes(practicePIN), so, wire.NoDKEK), ""))
}

func openLoggedIn(h *hsm.HSM, err error) (*hsm.HSM, error) {
	if err != nil {
		return nil, err
	}
	return h, h.Login(wire.UserPIN, secret.Bytes(practicePIN))
}

func practiceKey(h *hsm.HSM, cert *x509.Certificate, label string) (*hsm.Signer, error) {
	public, err := wire.ParseSPKI(cert.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, err
	}
	ref, _, err := h.GenerateKey(hsm.NewKey{Key: public.Template(), Label: label})
	if err != nil {
		return nil, err
	}
	return h.Signer(ref)
}
