package keyfile

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/tlv"

	"golang.org/x/crypto/cryptobyte"
)

// Labels of OpenSSL's older forms (pem.h); "EC PARAMETERS" is what `openssl
// ecparam -genkey` writes before the key.
const (
	labelPKCS1     = "RSA PRIVATE KEY"
	labelSEC1      = "EC PRIVATE KEY"
	labelCurve     = "EC PARAMETERS"
	labelOpenSSH   = "OPENSSH PRIVATE KEY"
	labelPKCS12    = "PKCS12" // of certtool
	privateSuffix  = "PRIVATE KEY"
	maxBlocks      = 100 // of a file: a key, and a long chain
	formEncrypted1 = ", encrypted as OpenSSL once did (RFC 1421)"
)

// readPEM reads the one private key of a file, and its certificates.
func readPEM(content []byte, ask Asking) (*Source, error) {
	blocks, err := blocksOf(content)
	if err != nil {
		return nil, err
	}
	var private []*pem.Block
	var certificates [][]byte
	var named *curve.Curve
	for _, block := range blocks {
		switch {
		case block.Type == labelPKCS12 && len(blocks) == 1:
			return readPKCS12(block.Bytes, ask)
		case strings.HasSuffix(block.Type, privateSuffix):
			private = append(private, block)
		case isCertificate(block.Type):
			certificates = append(certificates, block.Bytes)
		case block.Type == labelCurve:
			if named, err = readCurve(cryptobyte.String(block.Bytes)); err != nil {
				return nil, err
			}
		}
	}
	switch len(private) {
	case 0:
		return nil, explainNoKey(blocks)
	case 1:
	default:
		return nil, fmt.Errorf("it holds %d private keys; one was expected: put each into a file of its own, with an editor, and import them one by one", len(private))
	}
	s, err := readBlock(private[0], named, ask)
	if err != nil {
		return nil, err
	}
	return s, s.keep(certificates)
}

// blocksOf takes the PEM apart. A block that cannot be read is no reason to go on
// with the others: it may be the key.
func blocksOf(content []byte) (blocks []*pem.Block, err error) {
	begun := bytes.Count(content, []byte("-----BEGIN "))
	if begun > maxBlocks {
		return nil, fmt.Errorf("%d blocks of PEM; %d at most were expected", begun, maxBlocks)
	}
	for {
		block, rest := pem.Decode(content)
		if block == nil {
			break
		}
		if isCertificate(block.Type) { // OpenSSL's trusted certificates have more behind them
			cursor := tlv.Cursor(block.Bytes)
			if _, _, block.Bytes, err = cursor.Next(); err != nil {
				return nil, fmt.Errorf("a certificate in it is damaged: %w", err)
			}
		}
		blocks, content = append(blocks, block), rest
	}
	if len(blocks) != begun {
		return nil, fmt.Errorf("%d of its %d blocks of PEM are damaged: each runs from -----BEGIN to -----END, with lines of base64 between; was it copied whole?", begun-len(blocks), begun)
	}
	return blocks, nil
}

func isCertificate(label string) bool {
	return label == "CERTIFICATE" || label == "X509 CERTIFICATE" || label == "TRUSTED CERTIFICATE"
}

// readBlock reads a private key; named is the curve that the file names beside it,
// nil for none.
func readBlock(block *pem.Block, named *curve.Curve, ask Asking) (s *Source, err error) {
	defer clear(block.Bytes)
	switch block.Type {
	case labelPlain:
		s = &Source{Form: "PKCS#8"}
		s.Key, err = readPKCS8(cryptobyte.String(block.Bytes))
		return s, err
	case labelEncrypted:
		return readEncrypted(cryptobyte.String(block.Bytes), ask)
	case labelPKCS1, labelSEC1:
		return readTraditional(block, named, ask)
	}
	return nil, explainPrivate(block.Type)
}

// readTraditional reads the forms that were before PKCS#8.
func readTraditional(block *pem.Block, named *curve.Curve, ask Asking) (*Source, error) {
	s := &Source{Form: "PKCS#1"}
	if block.Type == labelSEC1 {
		s.Form = "SEC 1"
	}
	der := secret.Bytes(block.Bytes)
	//lint:ignore SA1019 such files are there, and better read than left lying
	if s.Encrypted = x509.IsEncryptedPEMBlock(block); s.Encrypted {
		s.Form += formEncrypted1
		var err error
		if der, err = decryptTraditional(block, ask); err != nil {
			return nil, err
		}
	}
	defer der.Wipe()
	var err error
	if block.Type == labelSEC1 {
		s.Key, err = readSEC1(cryptobyte.String(der), named)
	} else {
		s.Key, err = readPKCS1(cryptobyte.String(der))
	}
	if s.Encrypted && errors.Is(err, errMalformed) { // one wrong password in 256 leaves good padding
		err = ErrPassword
	}
	return s, err
}

func decryptTraditional(block *pem.Block, ask Asking) (secret.Bytes, error) {
	password, err := ask()
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	//lint:ignore SA1019 as above
	der, err := x509.DecryptPEMBlock(block, password)
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, ErrPassword
	}
	if err != nil {
		return nil, fmt.Errorf("%w; let OpenSSL write it anew: %s", err, convertPKey)
	}
	return der, nil
}
