package main

import (
	"encoding/pem"
	"fmt"

	"conclave/ca"
	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/safefile"
)

type keyCertificate struct {
	userLogin
	Key  keyName `arg:"" help:"The key: its reference, label:NAME or id:HEX."`
	File string  `arg:"" optional:"" help:"Its certificate, X.509 in PEM or DER. Absent: the device is asked for the public half alone."`
}

// Run gives a key what shows its public half, which the key proves to be its own.
func (cmd keyCertificate) Run(c *console) error {
	var certificate []byte
	if cmd.File != "" {
		var err error
		if certificate, err = readKeyCertificate(cmd.File); err != nil {
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
		fmt.Fprintf(c.out, "Key %d: %s, public key %s\n", done.Ref, describe(done.Key), done.Public.Fingerprint())
		return c.noteSameID(h, done.Ref)
	})
}

// readKeyCertificate reads the first certificate of a file, which is the key's where
// those of its issuers follow. DER is given, on whatever curve the key is.
func readKeyCertificate(path string) ([]byte, error) {
	content, err := safefile.Read(path, certificateRoom)
	if err != nil {
		return nil, err
	}
	der := firstCertificate(content)
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

// firstCertificate is that of a file of PEM; nil if there is none.
func firstCertificate(content []byte) []byte {
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return block.Bytes
		}
	}
	return nil
}
