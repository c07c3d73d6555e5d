package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/mldsa"

	"conclave/hsm"
	"conclave/wire"
)

type keySign struct {
	answering
	userLogin
	Key       keyName       `arg:"" help:"The key: its reference, label:NAME or id:HEX."`
	Algorithm signAlgorithm `required:"" placeholder:"NAME" complete:"words:rsa-pkcs1-sha256 rsa-pkcs1-sha384 rsa-pkcs1-sha512 rsa-pss-sha256 rsa-pss-sha384 rsa-pss-sha512 ecdsa-sha256 ecdsa-sha384 ecdsa-sha512 ml-dsa" help:"rsa-pkcs1-HASH, rsa-pss-HASH or ecdsa-HASH, where HASH is sha256, sha384, sha512, sha224 or sha1; or ml-dsa."`
	Context   string        `placeholder:"TEXT" help:"Context of a signature with ml-dsa: who verifies it needs the same. Absent: none."`
	In        string        `default:"-" placeholder:"FILE" help:"File to sign, or - for standard input. Default: -."`
	Out       string        `default:"-" placeholder:"FILE" help:"File for the signature, or - for standard output. Default: -."`
}

// Validate rejects contradictory options.
func (cmd keySign) Validate() error {
	if cmd.In == "-" && cmd.PIN == "" && cmd.Algorithm.name != "" { // else that is what is missing
		return errors.New("--pin: the PIN cannot be asked for where standard input is signed; use --pin or --in")
	}
	if cmd.Context != "" && cmd.Algorithm.keyType != wire.KeyMLDSA {
		return errors.New("--context: only signatures with --algorithm ml-dsa have one; leave it out")
	}
	return nil
}

// Run hashes the input here and lets the device sign the digest, or lets the device
// hash it too where the key allows nothing else. ML-DSA has the message itself.
func (cmd keySign) Run(c *console) error {
	out, err := c.reserveOutput(cmd.Out, keyRoom, true)
	if err != nil {
		return err
	}
	defer out.release()
	in, err := c.readInput(cmd.In, cmd.Algorithm.hash)
	if err != nil {
		return err
	}
	return c.withHSM(func(h *hsm.HSM) error {
		key, err := cmd.Key.find(h)
		if err != nil {
			return err
		}
		public, err := h.PublicKey(key.Ref)
		if err != nil {
			return err
		}
		if public.Type != cmd.Algorithm.keyType {
			return fmt.Errorf("key %d is a key for %s; %s is for %s", key.Ref, public.Type, cmd.Algorithm.name, cmd.Algorithm.keyType)
		}
		if err := c.login(h, cmd.PIN); err != nil {
			return err
		}
		cmd.Algorithm.context = cmd.Context
		signature, err := cmd.Algorithm.sign(h, key.Ref, *public, in)
		if err != nil {
			return err
		}
		if err := c.write(&out, signature); err != nil {
			return err
		}
		return c.answerf(keyOutput{newKeyEntry(key), out}, "")
	})
}

// signInput is what is to be signed.
type signInput struct {
	digest  []byte // or what is signed without a hash
	message []byte // the whole of it, nil where no device could hash it
}

func (c *console) readInput(path string, hash crypto.Hash) (in signInput, err error) {
	var from io.Reader = c.in
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return in, err
		}
		defer file.Close()
		from = file
	}
	if hash == 0 {
		in.message, err = readWhole(from)
		in.digest = in.message
		return in, err
	}
	sum := hash.New()
	hashed := io.TeeReader(from, sum)
	if in.message, err = io.ReadAll(io.LimitReader(hashed, hsm.MaxMessage+1)); err != nil {
		return in, err
	}
	if len(in.message) > hsm.MaxMessage {
		in.message = nil
	}
	_, err = io.Copy(io.Discard, hashed)
	in.digest = sum.Sum(nil)
	return in, err
}

// maxWhole is how large a message may be that is verified as a whole, in bytes.
const maxWhole = 1 << 30

func readWhole(from io.Reader) ([]byte, error) {
	message, err := io.ReadAll(io.LimitReader(from, maxWhole+1))
	if err == nil && len(message) > maxWhole {
		err = fmt.Errorf("ml-dsa signs %d bytes at most here, and this is more; sign a file with its hash", maxWhole)
	}
	return message, err
}

// signAlgorithm is a way to sign on the command line.
type signAlgorithm struct {
	name    string
	keyType wire.KeyType
	hash    crypto.Hash // 0 for ML-DSA
	pss     bool
	context string // of ML-DSA
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *signAlgorithm) UnmarshalText(text []byte) error {
	name := string(text)
	if name == "ml-dsa" {
		*a = signAlgorithm{name: name, keyType: wire.KeyMLDSA}
		return nil
	}
	cut := strings.LastIndex(name, "-")
	if cut < 0 {
		return fmt.Errorf("%q is not an algorithm; one such as rsa-pkcs1-sha256, rsa-pss-sha256, ecdsa-sha256 or ml-dsa was expected", name)
	}
	scheme, hashName := name[:cut], name[cut+1:]
	hashes := map[string]crypto.Hash{
		"sha1": crypto.SHA1, "sha224": crypto.SHA224, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512,
	}
	types := map[string]wire.KeyType{"rsa-pkcs1": wire.KeyRSA, "rsa-pss": wire.KeyRSA, "ecdsa": wire.KeyEC}
	*a = signAlgorithm{name: name, keyType: types[scheme], hash: hashes[hashName], pss: scheme == "rsa-pss"}
	switch {
	case a.keyType == 0:
		return fmt.Errorf("%q is not a way to sign; rsa-pkcs1, rsa-pss or ecdsa was expected before the hash, or ml-dsa alone", scheme)
	case a.hash == 0:
		return fmt.Errorf("%q is not a hash; sha1, sha224, sha256, sha384 or sha512 was expected", hashName)
	}
	return nil
}

// options are what a crypto.Signer wants to know.
func (a signAlgorithm) options() crypto.SignerOpts {
	switch {
	case a.pss:
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: a.hash}
	case a.keyType == wire.KeyMLDSA:
		return a.mldsaOptions()
	}
	return a.hash
}

func (a signAlgorithm) mldsaOptions() *mldsa.Options { return &mldsa.Options{Context: a.context} }

// sign signs what was read, and gives the signature only if it verifies.
func (a signAlgorithm) sign(h *hsm.HSM, ref byte, public wire.PublicKey, in signInput) (signature []byte, err error) {
	signer, err := h.Signer(ref)
	if err != nil {
		return nil, err
	}
	if in.message != nil {
		signature, err = signer.SignMessage(nil, in.message, a.options())
	} else if signature, err = signer.Sign(nil, in.digest, a.options()); errors.Is(err, hsm.ErrNotAllowed) {
		err = fmt.Errorf("%w; one that lets only the device hash signs no more than %d bytes", err, hsm.MaxMessage)
	}
	if err != nil {
		return nil, err
	}
	if err := a.verify(public, in.digest, signature); err != nil {
		return nil, fmt.Errorf("the device's signature does not verify with the public key of key %d (%w); nothing was written", ref, err)
	}
	return signature, nil
}

func (a signAlgorithm) verify(public wire.PublicKey, digest, signature []byte) error {
	switch a.keyType {
	case wire.KeyEC:
		if !public.Curve.Verify(public.Point, digest, signature) {
			return errors.New("ECDSA")
		}
		return nil
	case wire.KeyMLDSA:
		return a.verifyMLDSA(public, digest, signature)
	}
	der, err := public.SPKI()
	if err != nil {
		return err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return err
	}
	key, ok := parsed.(*rsa.PublicKey)
	switch {
	case !ok:
		return errors.New("it is not an RSA key")
	case a.pss:
		return rsa.VerifyPSS(key, a.hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	return rsa.VerifyPKCS1v15(key, a.hash, digest, signature)
}

func (a signAlgorithm) verifyMLDSA(public wire.PublicKey, message, signature []byte) error {
	key, err := public.MLDSA()
	if err != nil {
		return err
	}
	return mldsa.Verify(key, message, signature, a.mldsaOptions())
}
