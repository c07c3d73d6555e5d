package main

import (
	"errors"
	"fmt"

	"conclave/apdu"
	"conclave/internal/safefile"
	"conclave/tlv"
	"conclave/wire"
)

// Public key authentication (PKA): keys on the devices of several custodians
// log in to a device, in place of its user PIN. Commands and files are those of
// OpenSC 0.23 (src/libopensc/card-sc-hsm.c, pkcs15-sc-hsm.c).

// Commands of public key authentication.
const (
	insManageSE        byte = 0x22 // MANAGE SECURITY ENVIRONMENT (ISO 7816-4 section 11.5.11)
	insPSO             byte = 0x2A // PERFORM SECURITY OPERATION (ISO 7816-8)
	setForVerification byte = 0x81 // P1 of MANAGE SECURITY ENVIRONMENT
	signatureTemplate  byte = 0xB6 // its P2
	verifyCertificate  byte = 0xBE // P2 of PERFORM SECURITY OPERATION
)

const (
	tagSequence     tlv.Tag = 0x30
	tagKeyReference tlv.Tag = 0x83 // of a public key
)

// exportPublicKey writes what another device needs to let a key log in.
func (t *tool) exportPublicKey() error {
	certificate, err := t.hsm.ReadFile(wire.PrefixEECert.File(byte(t.keyReference)))
	if err != nil {
		return newFailure(err, "Wrong key reference (-i %d)? Failed to select file: %s", t.keyReference, reason(err))
	}
	cursor := tlv.Cursor(certificate) // a file may be longer than what it holds
	_, _, request, err := cursor.Next()
	if err == nil {
		_, err = wire.ParseAuthenticatedRequest(request)
	}
	if err != nil {
		return fmt.Errorf("key %d cannot log in to other devices: %w; has a certificate taken the place of its request?", t.keyReference, err)
	}
	chain, err := t.hsm.ReadFile(wire.EFDevAut)
	if err != nil {
		return newFailure(err, "Failed to select certificates: %s", reason(err))
	}
	t.line("Warning: Device certificate chain not verified!")
	content, err := new(tlv.Builder).AddNested(tagSequence, func(b *tlv.Builder) { b.AddRaw(request).AddRaw(chain) }).Bytes()
	if err != nil {
		return err
	}
	return t.write(content)
}

// maxPKAFile is how many bytes are read of a PKA file: a request and two certificates
// have a tenth of that.
const maxPKAFile = 64 << 10

// registerPublicKey makes a key of another device one of those that log in.
func (t *tool) registerPublicKey() error {
	content, err := safefile.Read(t.file, maxPKAFile)
	if err != nil {
		return fileError(t.file, err)
	}
	f, err := parsePKAFile(content)
	if err != nil {
		return newFailure(fmt.Errorf("%s: %w; is it a file of --export-for-pub-key-auth?", t.file, err), "%s failed with Invalid ASN.1 object", registering)
	}
	status, err := t.register(f)
	if err != nil {
		return pkaFailure(registering, err)
	}
	t.showPKA(status)
	return nil
}

// What the card was to do, in the words of OpenSC's tool.
const (
	registering = "sc_card_ctl(*, SC_CARDCTL_SC_HSM_REGISTER_PUBLIC_KEY, *)"
	asking      = "sc_card_ctl(*, SC_CARDCTL_SC_HSM_PUBLIC_KEY_AUTH_STATUS, *)"
)

func pkaFailure(doing string, err error) error {
	if errors.Is(err, apdu.InstructionUnknown) {
		return newFailure(err, "Card not initialized for public key registration")
	}
	return newFailure(err, "%s failed with %s", doing, reason(err))
}

// register lets the card verify the chain from the issuer of the other device
// down to the key.
func (t *tool) register(f *pkaFile) (wire.PublicKeyStatus, error) {
	for _, c := range []*wire.CVC{f.issuer, f.device} {
		if err := t.teach(c); err != nil {
			return wire.PublicKeyStatus{}, fmt.Errorf("the certificate of %s: %w", c.CHR, err)
		}
	}
	if err := t.chooseKey(f.request.OuterCAR); err != nil {
		return wire.PublicKeyStatus{}, fmt.Errorf("the key of device %s: %w", f.request.OuterCAR, err)
	}
	return t.managePKA(f.signed)
}

// teach makes the card know the key of a certificate, unless it does.
func (t *tool) teach(c *wire.CVC) error {
	if err := t.chooseKey(c.CHR); !errors.Is(err, apdu.ReferenceNotFound) {
		return err
	}
	if err := t.chooseKey(c.CAR); err != nil {
		return err
	}
	certificate := tlv.Cursor(c.Bytes())
	_, signed, _, err := certificate.Next()
	if err != nil {
		return err
	}
	_, err = t.send(apdu.Command{INS: insPSO, P2: verifyCertificate, Data: signed})
	return err
}

// chooseKey sets the public key that the card verifies the next signature with.
func (t *tool) chooseKey(holder string) error {
	data, err := new(tlv.Builder).Add(tagKeyReference, []byte(holder)).Bytes()
	if err != nil {
		return err
	}
	_, err = t.send(apdu.Command{INS: insManageSE, P1: setForVerification, P2: signatureTemplate, Data: data})
	return err
}

// showPKAStatus shows how many keys are registered and how many log in.
func (t *tool) showPKAStatus() error {
	status, err := t.managePKA(nil)
	if err != nil {
		return pkaFailure(asking, err)
	}
	t.showPKA(status)
	return nil
}

// managePKA registers a key, or asks for the status only.
func (t *tool) managePKA(key []byte) (status wire.PublicKeyStatus, err error) {
	answer, err := t.send(apdu.Command{CLA: wire.ClassProprietary, INS: wire.InsManagePublicKeys, Data: key, Ne: 4})
	if err != nil {
		return status, err
	}
	return wire.ParsePublicKeyStatus(answer)
}

func (t *tool) showPKA(s wire.PublicKeyStatus) {
	t.Printf("Number of public keys:     %d\n", s.Total)
	t.Printf("Missing public keys:       %d\n", s.Missing)
	t.Printf("Required pubkeys for auth: %d\n", s.Required)
	t.Printf("Authenticated public keys: %d\n", s.LoggedIn)
}

// send sends a command that package hsm does not have.
func (t *tool) send(c apdu.Command) ([]byte, error) {
	r, err := apdu.Exchange(t.conn, c)
	if err != nil {
		return nil, err
	}
	if r.SW != apdu.OK {
		return nil, r.SW
	}
	return r.Data, nil
}
