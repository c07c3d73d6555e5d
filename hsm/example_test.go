package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"os"
	"time"

	"conclave/card"
	"conclave/card/store/memory"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/keyop"
	"conclave/link"
	"conclave/wire"

	"filippo.io/mldsa"
	"golang.org/x/crypto/ssh"
)

// An embedded device comes into being and is initialised. For a card, leave out
// Create, and open "pcsc:" and the name of its reader.
func Example() {
	dir, err := os.MkdirTemp("", "conclave")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	home := device.NewHome(dir)                                  // a user's own is device.DefaultHome
	home.PINCost = card.PINCost{Time: 1, Memory: 64, Threads: 1} // for an example alone: guessing is cheap
	if _, err := home.Create("signing"); err != nil {
		log.Fatal(err)
	}
	conn, err := home.Open("signing")
	if err != nil {
		log.Fatal(err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	pins := wire.Initialization{UserPIN: []byte("648219"), SOPIN: []byte("57621880"), Retries: 3, DKEKShares: wire.NoDKEK}
	if err := h.Initialize(pins, "Signing"); err != nil {
		log.Fatal(err)
	}
	status, err := h.Status()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("version %v, %d tries of the user PIN left\n", status.Version, status.User.Tries)
	// Output: version 3.5, 3 tries of the user PIN left
}

// loggedIn is a device in memory, whose user has logged in, and whose DKEK
// consists of so many shares.
func loggedIn(shares int) *hsm.HSM {
	now := time.Now()
	issuer, err := card.NewDeviceIssuer(now)
	if err != nil {
		log.Fatal(err)
	}
	store := memory.New()
	if _, err := card.Manufacture(store, issuer, now); err != nil {
		log.Fatal(err)
	}
	c, err := card.New(store, card.Config{
		Keys: keyop.Best(), PINCost: card.PINCost{Time: 1, Memory: 64, Threads: 1}, Log: slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	h, err := hsm.Open(link.Direct(c))
	if err != nil {
		log.Fatal(err)
	}
	pins := wire.Initialization{UserPIN: []byte("648219"), SOPIN: []byte("57621880"), Retries: 3, DKEKShares: shares}
	if err := errors.Join(h.Initialize(pins, "Example"), h.Login(wire.UserPIN, pins.UserPIN)); err != nil {
		log.Fatal(err)
	}
	return h
}

// A key signs for any Go package that takes a crypto.Signer.
func ExampleHSM_Signer() {
	h := loggedIn(wire.NoDKEK)
	defer h.Close()
	kind, err := wire.ParseKeyType("ec:secp256r1")
	if err != nil {
		log.Fatal(err)
	}
	ref, _, err := h.GenerateKey(hsm.NewKey{Key: kind, Label: "code signing"})
	if err != nil {
		log.Fatal(err)
	}
	signer, err := h.Signer(ref)
	if err != nil {
		log.Fatal(err)
	}
	digest := sha256.Sum256([]byte("release 1.0"))
	signature, err := signer.Sign(nil, digest[:], crypto.SHA256) // the card draws its own random numbers
	if err != nil {
		log.Fatal(err)
	}
	public := signer.Public().(*ecdsa.PublicKey)
	fmt.Println("key", ref, "has signed:", ecdsa.VerifyASN1(public, digest[:], signature))
	// Output: key 1 has signed: true
}

// A device of Conclave's own has keys for ML-DSA, whose signatures no quantum computer
// is known to forge. A context keeps those for one purpose from being taken for another.
func ExampleSigner_mldsa() {
	h := loggedIn(wire.NoDKEK)
	defer h.Close()
	signer := signerOf(h, "ml-dsa-65")
	message, opts := []byte("release 1.0"), &mldsa.Options{Context: "code signing"}
	signature, err := signer.Sign(nil, message, opts) // the message itself, not a hash of it
	if err != nil {
		log.Fatal(err)
	}
	public := signer.Public().(*mldsa.PublicKey)
	fmt.Println(public.Parameters(), "signature of", len(signature), "bytes:", mldsa.Verify(public, message, signature, opts))
	fmt.Println("without the context:", mldsa.Verify(public, message, signature, nil) == nil)
	// Output:
	// ML-DSA-65 signature of 3309 bytes: <nil>
	// without the context: false
}

// signerOf makes a key, such as "rsa:2048" or "ec:secp256r1".
func signerOf(h *hsm.HSM, kind string) *hsm.Signer {
	key, err := wire.ParseKeyType(kind)
	if err != nil {
		log.Fatal(err)
	}
	ref, _, err := h.GenerateKey(hsm.NewKey{Key: key})
	if err != nil {
		log.Fatal(err)
	}
	signer, err := h.Signer(ref)
	if err != nil {
		log.Fatal(err)
	}
	return signer
}

// certify makes a certificate for a server, which the key has signed itself.
func certify(signer crypto.Signer, name string) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		log.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		log.Fatal(err)
	}
	return certificate
}

// crypto/x509 makes a certificate with a key in the device.
func ExampleSigner_certificate() {
	h := loggedIn(wire.NoDKEK)
	defer h.Close()
	certificate := certify(signerOf(h, "ec:secp384r1"), "ca.example")
	fmt.Println(certificate.Subject, certificate.SignatureAlgorithm, certificate.CheckSignatureFrom(certificate))
	// Output: CN=ca.example ECDSA-SHA384 <nil>
}

// A TLS server's key is in the device. A device carries out one command at a time: a
// server with many connections puts a lock around its Signer, or has several.
func ExampleSigner_tls() {
	h := loggedIn(wire.NoDKEK)
	defer h.Close()
	signer := signerOf(h, "rsa:2048")
	certificate := certify(signer, "server.example")

	near, far := net.Pipe()
	server := tls.Server(near, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate.Raw}, PrivateKey: signer}}})
	go func() {
		defer server.Close()
		io.WriteString(server, "signed in the device")
	}()
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	client := tls.Client(far, &tls.Config{RootCAs: roots, ServerName: "server.example"})
	defer client.Close()
	answer, err := io.ReadAll(client)
	fmt.Printf("%s: %s, %v\n", tls.VersionName(client.ConnectionState().Version), answer, err)
	// Output: TLS 1.3: signed in the device, <nil>
}

// A JSON Web Token (RFC 7519) is signed with ES256 or RS256 (RFC 7518, section 3).
func ExampleSigner_jwt() {
	h := loggedIn(wire.NoDKEK)
	defer h.Close()
	base64url := base64.RawURLEncoding.EncodeToString
	for _, kind := range []string{"ec:secp256r1", "rsa:2048"} {
		signer := signerOf(h, kind)
		algorithm := "RS256"
		if _, ok := signer.Public().(*ecdsa.PublicKey); ok {
			algorithm = "ES256"
		}
		token := base64url([]byte(`{"alg":"`+algorithm+`","typ":"JWT"}`)) + "." + base64url([]byte(`{"sub":"alice"}`))
		signature, err := signer.SignMessage(nil, []byte(token), crypto.SHA256)
		if err != nil {
			log.Fatal(err)
		}
		digest := sha256.Sum256([]byte(token))
		good := false
		switch public := signer.Public().(type) {
		case *ecdsa.PublicKey: // the signature is DER; in a token it is r and s of 32 bytes each
			var rs struct{ R, S *big.Int }
			if _, err := asn1.Unmarshal(signature, &rs); err != nil {
				log.Fatal(err)
			}
			signature = append(rs.R.FillBytes(make([]byte, 32)), rs.S.FillBytes(make([]byte, 32))...)
			good = ecdsa.Verify(public, digest[:], rs.R, rs.S)
		case *rsa.PublicKey:
			good = rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
		}
		token += "." + base64url(signature)
		fmt.Println(algorithm, "token of", len(token), "characters:", good)
	}
	// Output:
	// ES256 token of 144 characters: true
	// RS256 token of 400 characters: true
}

// An SSH certificate lets alice log in where the key in the device is a trusted
// authority (ssh-keygen(1), CERTIFICATES).
func ExampleSigner_ssh() {
	h := loggedIn(wire.NoDKEK)
	defer h.Close()
	authority, err := ssh.NewSignerFromSigner(signerOf(h, "ec:secp256r1"))
	if err != nil {
		log.Fatal(err)
	}
	alice, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	key, err := ssh.NewPublicKey(alice)
	if err != nil {
		log.Fatal(err)
	}
	certificate := &ssh.Certificate{
		Key: key, CertType: ssh.UserCert, KeyId: "alice", ValidPrincipals: []string{"alice"}, ValidBefore: ssh.CertTimeInfinity,
	}
	if err := certificate.SignCert(rand.Reader, authority); err != nil {
		log.Fatal(err)
	}
	checker := ssh.CertChecker{IsUserAuthority: func(k ssh.PublicKey) bool {
		return bytes.Equal(k.Marshal(), authority.PublicKey().Marshal())
	}}
	fmt.Println(certificate.Type(), checker.CheckCert("alice", certificate))
	// Output: ssh-ed25519-cert-v01@openssh.com <nil>
}

// What was encrypted for a key is decrypted, with any parameters that crypto/rsa has.
func ExampleSigner_Decrypt() {
	h := loggedIn(wire.NoDKEK)
	defer h.Close()
	signer := signerOf(h, "rsa:2048")
	opts := &rsa.OAEPOptions{Hash: crypto.SHA384, Label: []byte("invoice")}
	ciphertext, err := rsa.EncryptOAEPWithOptions(rand.Reader, signer.Public().(*rsa.PublicKey), []byte("42.00"), opts)
	if err != nil {
		log.Fatal(err)
	}
	plain, err := signer.Decrypt(nil, ciphertext, opts)
	fmt.Printf("%s, %v\n", plain, err)
	// Output: 42.00, <nil>
}

// Both sides of a key agreement come to the same secret.
func ExampleHSM_KeyAgreement() {
	h := loggedIn(wire.NoDKEK)
	defer h.Close()
	ours, err := h.KeyAgreement(signerOf(h, "ec:secp256r1").Ref())
	if err != nil {
		log.Fatal(err)
	}
	theirs, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	here, err := ours.ECDH(theirs.PublicKey())
	if err != nil {
		log.Fatal(err)
	}
	there, err := theirs.ECDH(ours.PublicKey())
	fmt.Println(bytes.Equal(here, there), err)
	// Output: true <nil>
}

// A wrong PIN costs a try.
func ExamplePINError() {
	h := loggedIn(wire.NoDKEK)
	defer h.Close()
	err := h.Login(wire.UserPIN, []byte("123456"))
	var wrong *hsm.PINError
	switch {
	case errors.As(err, &wrong) && wrong.Tries == 0:
		fmt.Println("blocked; HSM.ResetPIN sets a new one with the SO-PIN")
	case errors.As(err, &wrong):
		fmt.Println("once more;", wrong.Tries, "tries left")
	case err != nil:
		log.Fatal(err)
	}
	// Output: once more; 2 tries left
}

// A backup is restored: a key that another device has wrapped, under a DKEK that
// this one is given.
func ExampleHSM_UnwrapKey() {
	h := loggedIn(1) // waits for one share
	defer h.Close()
	// In a ceremony the share is in a share file, which custodians open.
	share, err := hex.DecodeString("1a9c396f5d89447980305494d193f03a55d2c7a43d3fc7bd4ebbd22af9e1aadc")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := h.ImportShare(share); err != nil {
		log.Fatal(err)
	}
	content, err := os.ReadFile("testdata/2-of-4/EC-secp256r1.wrap")
	if err != nil {
		log.Fatal(err)
	}
	backup, err := wire.ParseWrapFile(content)
	if err != nil {
		log.Fatal(err)
	}
	if err := h.UnwrapKey(1, backup, false); err != nil {
		log.Fatal(err)
	}
	keys, err := h.Keys()
	if err != nil {
		log.Fatal(err)
	}
	for _, k := range keys {
		fmt.Println("key", k.Ref, "is", k.Size())
	}
	// Output: key 1 is secp256r1
}
