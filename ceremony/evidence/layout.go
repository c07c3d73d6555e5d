// Package evidence is what remains of a key ceremony for those who were not
// there: a folder with the plan, the signed transcript, and everything public
// that was made, and its verification, which needs nothing but the folder.
package evidence

import (
	"fmt"
	"path"
	"path/filepath"
)

// Files and folders of a bundle, with slashes as io/fs has them.
const (
	PlanFile       = "plan.json"
	TranscriptFile = "transcript.jsonl"
	KeyFile        = "ceremony-key.txt" // the verifier key of notes
	HeadFile       = "checkpoint"       // the last signed tree head
	SumsFile       = "SHA256SUMS"       // as coreutils' sha256sum writes it
	RegisterFile   = "register.json"
	BeforeFile     = "register-before.json" // the register that the ceremony continues
	SoftwareFile   = "software.cdx.json"
	RecordFile     = "custody/set.json"
	ReadMeFile     = "README.txt"
	StampFile      = "attachments/checkpoint.tsr"
	RootsFile      = "attachments/timestamp-roots.pem"

	certificates = "certificates"
	crls         = "crls"
	inputs       = "inputs"
	devices      = "devices"
	attestations = "attestations"
	// PhotosDir is for what people add before the close.
	PhotosDir = "photos"
	// AttachmentsDir is for what comes after the close: signatures of witnesses
	// and a time stamp, on the checkpoint.
	AttachmentsDir = "attachments"
)

// SignatureFile is where the signature of a witness is, as ssh-keygen -Y sign
// writes it.
func SignatureFile(name string) string { return path.Join(AttachmentsDir, name+signature) }

// SignersFile is where the keys are that a witness's signature may be made with,
// in ssh-keygen's ALLOWED SIGNERS format.
func SignersFile(name string) string { return path.Join(AttachmentsDir, name+signers) }

const signature, signers = ".sig", ".allowed_signers"

// CertificateFile is where a certificate is, PEM.
func CertificateFile(name string) string { return path.Join(certificates, name+".pem") }

// CRLFile is where a CRL is, DER.
func CRLFile(name string) string { return path.Join(crls, name+".crl") }

// CRLRegisterFile is where the register is as it was when a CRL was signed.
func CRLRegisterFile(crl string) string { return path.Join(crls, crl+".register.json") }

// InputFile is where a file is that came with the plan, as it was given: a
// request, a certificate that there was, a register. Its path is relative to the
// plan.
func InputFile(name string) string { return path.Join(inputs, filepath.ToSlash(name)) }

// DeviceFile is where a device's certificates are: EF 2F02 (C_DevAut).
func DeviceFile(name string) string { return path.Join(devices, name+".cvc") }

// ProofFile is where the authenticated request is with which a device proves
// that the certificates are its own.
func ProofFile(name string) string { return path.Join(devices, name+".proof.cvc") }

// ProofPurpose is what a device proves itself for: this ceremony, whose key did
// not exist before it.
func ProofPurpose(ceremonyKey [32]byte, name string) string {
	return fmt.Sprintf("ceremony key %x, device %s", ceremonyKey, name)
}

// AttestationFile is where the authenticated request for a key is, with which
// its device says that it made the key. That of an imported key it has signed itself.
func AttestationFile(key string) string { return path.Join(attestations, key+".cvc") }
