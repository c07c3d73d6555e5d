// Package sshsign verifies signatures that people make with an SSH key:
// `ssh-keygen -Y sign`. A witness who has one needs no program of ours to sign.
// [Verify] says who signed. It makes no signatures, and reads no private key.
package sshsign

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Errors of Verify. They are wrapped with what was found.
var (
	ErrArmor     = errors.New("not an SSH signature as ssh-keygen -Y sign writes it")
	ErrSignature = errors.New("the SSH signature is not valid")
	ErrSigner    = errors.New("no allowed signer made the SSH signature")
	ErrAllowed   = errors.New("the list of allowed signers is not acceptable")
)

// Verify says who signed content for a namespace, which is never empty:
// the principals of the first line of allowed, a text in ssh-keygen's ALLOWED
// SIGNERS format, that has the key and accepts the namespace at that time.
// Armored is the signature file, byte for byte as ssh-keygen wrote it
// (PROTOCOL.sshsig).
//
// Keys are Ed25519, ECDSA on the NIST curves, RSA with SHA-2, and those of
// FIDO tokens, which must have been touched. It is stricter than ssh-keygen:
// allowed is read to its end, and may have neither patterns for principals,
// nor certificates and their authorities, nor unknown options.
//
// Errors are ErrArmor, ErrSignature, ErrSigner or ErrAllowed.
func Verify(armored, content []byte, namespace string, allowed []byte, at time.Time) (string, error) {
	signers, err := parseAllowed(allowed)
	if err != nil {
		return "", err
	}
	signature, err := unarmor(armored)
	if err != nil {
		return "", err
	}
	if namespace == "" {
		return "", fmt.Errorf("%w: no namespace; the one that it was made for was expected", ErrSignature)
	}
	if err := sshsig.Verify(bytes.NewReader(content), signature, signature.PublicKey, signature.HashAlgorithm, namespace); err != nil {
		return "", fmt.Errorf("%w: %w (namespace %q, expected %q); was another file signed?", ErrSignature, err, signature.Namespace, namespace)
	}
	return find(signers, signature.PublicKey, namespace, at)
}

// unarmor reads a signature, and writes it again: a change that base64, PEM
// and the wire format would forgive is found.
func unarmor(armored []byte) (*sshsig.Signature, error) {
	signature, err := sshsig.Unarmor(armored)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrArmor, err)
	}
	if !knownKey(signature.PublicKey) {
		return nil, fmt.Errorf("%w: a key of type %q; Ed25519, ECDSA, RSA or a FIDO token's was expected", ErrArmor, signature.PublicKey.Type())
	}
	// Of all types, only a FIDO token's says more than the signature.
	if sk := strings.HasPrefix(signature.PublicKey.Type(), "sk-"); !sk && len(signature.Signature.Rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes are left over behind the signature", ErrArmor, len(signature.Signature.Rest))
	}
	if !bytes.Equal(armor(signature.Marshal()), armored) {
		return nil, fmt.Errorf("%w: something was added or changed; take the file that it wrote", ErrArmor)
	}
	return signature, nil
}

// armor writes a signature as sshsig_armor of OpenSSH 9.2 does: encoding/pem
// breaks lines elsewhere.
func armor(blob []byte) []byte {
	const width = 70
	text := base64.StdEncoding.EncodeToString(blob)
	b := []byte("-----BEGIN SSH SIGNATURE-----\n")
	for len(text) > 0 {
		n := min(width, len(text))
		b = append(append(b, text[:n]...), '\n')
		text = text[n:]
	}
	return append(b, "-----END SSH SIGNATURE-----\n"...)
}

// knownKey says whether keys of a type are accepted: certificates and DSA are
// not.
func knownKey(key ssh.PublicKey) bool {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA,
		ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		return true
	}
	return false
}
