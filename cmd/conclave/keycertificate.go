package main

import (
	"encoding/pem"

	"conclave/ca"
	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/wire"
)

type keyCertificate struct {
	answering
	userLogin
	Key  keyName `arg:"" help:"The key: its reference, label:NAME or id:HEX."`
	File string  `arg:"" optional:"" complete:"files" type:"input" help:"Its certificate, X.509 in PEM or DER. Absent: the device is asked for the public half alone."`
}

// Run gives a key what shows its public half, which the key proves to be its own.
func (cmd keyCertificate) Run(c *console) error {
	var certificate []byte
	if cmd.File != "" {
		var err error
		if certificate, err = readKeyCertificate(cmd.File, nil); err != nil {
			return err
		}
	}
	return c.withLogin(cmd.PIN, func(h *hsm.HSM) error {
		key, err := cmd.Key.find(h)
		if err != nil {
			return err
		}
		done, err := custody.Complete(h, key, certificate)
		if err != nil {
			return err
		}
		c.noteCompleted(done)
		if err := c.answerf(newRestoredEntry(done), "Key %d: %s, public key %s\n", done.Ref, describe(done.Key), done.Public.Fingerprint()); err != nil {
			return err
		}
		return c.noteSameID(h, done.Ref)
	})
}

// readKeyCertificate reads the certificate of a key from a file, which may have those
// of its issuers too. Where the key is not known, nil, it is the first one. DER is
// given, on whatever curve the key is.
func readKeyCertificate(path string, of *wire.PublicKey) ([]byte, error) {
	content, err := safefile.Read(path, certificateRoom)
	if err != nil {
		return nil, err
	}
	der := keyCertificateIn(content, of)
	if der == nil {
		if der, err = ca.CertificateDER(content); err != nil {
			return nil, custody.ExplainKind(path, content, "a certificate", err)
		}
	}
	if _, err := hsm.ParsePublic(der); err != nil {
		return nil, custody.ExplainKind(path, content, "a certificate", err)
	}
	return der, nil
}

// keyCertificateIn is the certificate of a key in a file of PEM, else the first one;
// nil if there is none.
func keyCertificateIn(content []byte, of *wire.PublicKey) (first []byte) {
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if public, err := hsm.ParsePublic(block.Bytes); err == nil && of != nil && public.Equal(*of) {
			return block.Bytes
		}
		if first == nil {
			first = block.Bytes
		}
	}
	return first
}
