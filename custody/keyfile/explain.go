package keyfile

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"conclave/dkek"
	"conclave/wire"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// Commands that write a key in a form that is read here. Both ask for the old
// password, and for a new one: no key lies in the clear in between.
const (
	convertPKey    = "openssl pkey -in FILE -aes256 -out NEW.pem (where it says that it knows no such algorithm, add: -provider default -provider legacy)"
	convertPKCS12  = "openssl pkcs12 -in FILE -out NEW.pem (where it says that it knows no such algorithm, add: -legacy)"
	convertSSH     = "cp FILE NEW.pem && chmod 600 NEW.pem && ssh-keygen -p -m pkcs8 -f NEW.pem"
	convertPuTTY   = "puttygen FILE -O private-openssh -o NEW.key && ssh-keygen -p -m pkcs8 -f NEW.key"
	convertKeytool = "keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype PKCS12"
	convertSeed    = "openssl pkey -provparam ml-dsa.output_formats=seed-only -in FILE -aes256 -out NEW.pem"
	convertPVK     = "openssl rsa -inform PVK -in FILE -aes256 -out NEW.pem (where it says that it knows no such algorithm, add: -provider default -provider legacy)"
)

// otherFiles are what files of other kinds begin with, and what to do with them.
func otherFiles() map[string]string {
	const keytool = "it is a key store of Java; make PKCS#12 of it: " + convertKeytool
	return map[string]string{
		"\xFE\xED\xFE\xED":     keytool,
		"\xCE\xCE\xCE\xCE":     keytool,
		"PuTTY-User-Key-File-": "it is a key of PuTTY; make PKCS#8 of it: " + convertPuTTY,
		"\x1E\xF1\xB5\xB0":     "it is a PVK file of Microsoft's; make PKCS#8 of it: " + convertPVK,
		"Salted__":             "it is a DKEK share file, and holds no key of yours; it is named with --dkek",
		"ssh-":                 "it is a public key of OpenSSH; the file beside it without .pub has the private key",
		"ecdsa-sha2-":          "it is a public key of OpenSSH; the file beside it without .pub has the private key",
	}
}

// explainOther says what a file is that is neither PEM, DER nor JSON.
func explainOther(content []byte) error {
	for start, words := range otherFiles() {
		if bytes.HasPrefix(content, []byte(start)) {
			return errors.New(words)
		}
	}
	return errors.New("it is no key file that is known here: PEM, PKCS#8, PKCS#1, SEC 1, PKCS#12 or JWK was expected")
}

// explainNoKey says what a file of PEM holds that has no private key.
func explainNoKey(blocks []*pem.Block) error {
	var labels []string
	for _, block := range blocks {
		switch label := block.Type; {
		case isCertificate(label):
			return errors.New("it holds a certificate and no private key; that is in another file: name that one, and this one with --certificate")
		case strings.HasSuffix(label, "CERTIFICATE REQUEST"):
			return errors.New("it holds a certificate request and no private key; that is in the file that was made together with it")
		case strings.HasSuffix(label, labelPublic):
			return errors.New("it holds a public key and no private one; that is in another file")
		case strings.HasPrefix(label, "PKCS") || label == "CMS":
			return errors.New("it holds certificates in PKCS#7, which has no private keys; look for a file .pfx, .p12, .key or .pem")
		default:
			labels = append(labels, fmt.Sprintf("%.40q", label))
		}
	}
	return fmt.Errorf("it holds no private key, but %s", strings.Join(labels, ", "))
}

// explainPrivate says what to do with a private key of a kind that is not read.
func explainPrivate(label string) error {
	switch label {
	case labelOpenSSH:
		return errors.New("it is a key in OpenSSH's own format; make PKCS#8 of a copy of it: " + convertSSH)
	case "DSA PRIVATE KEY":
		return explainKind("DSA")
	}
	return fmt.Errorf("a %.40q is not read here; PKCS#8 was expected, which most software can write", label)
}

func explainKind(kind string) error {
	return fmt.Errorf("it is a key for %s, and devices hold RSA and EC keys, Conclave's own ML-DSA too, and no others; such a key stays in a file, or is replaced by one that the device makes: conclave key generate", kind)
}

// explainAlgorithm names an algorithm of keys that are not for this card: RFC 8410,
// RFC 3279, RFC 9909 and RFC 9935.
func explainAlgorithm(oid asn1.ObjectIdentifier) error {
	if oid.Equal(oidRSAPSS) {
		return errors.New("it is an RSA key that may sign with PSS alone, and a SmartCard-HSM cannot hold it to that; if its certificates name it as such, keep it where it is")
	}
	if kind := map[string]string{
		"1.3.101.110": "X25519", "1.3.101.111": "X448", "1.3.101.112": "Ed25519", "1.3.101.113": "Ed448",
		"1.2.840.10040.4.1": "DSA", "1.2.840.113549.1.3.1": "Diffie-Hellman",
		"2.16.840.1.101.3.4.4.1": "ML-KEM-512", "2.16.840.1.101.3.4.4.2": "ML-KEM-768", "2.16.840.1.101.3.4.4.3": "ML-KEM-1024",
	}[oid.String()]; kind != "" {
		return explainKind(kind)
	}
	if slh := (asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3}); len(oid) == len(slh)+1 && oid[:len(slh)].Equal(slh) && oid[len(slh)] >= 20 && oid[len(slh)] <= 31 {
		return explainKind("SLH-DSA")
	}
	return explainKind(fmt.Sprintf("the algorithm %.60s", oid))
}

// explainCurve names a curve of JWKs of type OKP (RFC 8037, section 2).
func explainCurve(name string) error {
	for _, known := range []string{"Ed25519", "Ed448", "X25519", "X448"} {
		if name == known {
			return explainKind(name)
		}
	}
	return explainKind("an algorithm that is not known here")
}

// explainEncryption names an encryption that is not read here: one of PBES1 (RFC
// 8018, appendix A.3) or of PKCS#12 (RFC 7292, appendix C), or a part of PBES2 or of a
// MAC.
func explainEncryption(oid asn1.ObjectIdentifier) error {
	name := oid.String()
	if known := map[string]string{
		"1.2.840.113549.1.5.1": "PBES1 with MD2 and DES", "1.2.840.113549.1.5.4": "PBES1 with MD2 and RC2",
		"1.2.840.113549.1.5.6": "PBES1 with MD5 and RC2", "1.2.840.113549.1.5.11": "PBES1 with SHA-1 and RC2",
		"1.2.840.113549.1.12.1.1": "PKCS#12's RC4 with 128 bits", "1.2.840.113549.1.12.1.2": "PKCS#12's RC4 with 40 bits",
	}[name]; known != "" {
		name = known
	}
	return fmt.Errorf("it is protected with %.60s, which is not read here; let OpenSSL write it anew: PKCS#8 with %s; PKCS#12 with %s", name, convertPKey, convertPKCS12)
}

// explainDER says what a file in DER is that is none of the forms that are read.
func explainDER(der []byte) error {
	if f, err := wire.ParseWrapFile(der); err == nil {
		if blob, err := dkek.ParseBlob(f.Blob); err == nil {
			return fmt.Errorf("it is a key wrapped under the DKEK with key check value %s: a device that has that one takes it with conclave key unwrap; for a device with another, give the share files of that one with --from-dkek", blob.KCV)
		}
	}
	if _, err := wire.ParseCertified(der); err == nil {
		return explainNoKey([]*pem.Block{{Type: "CERTIFICATE"}})
	}
	if _, err := wire.ParseSPKI(der); err == nil {
		return explainNoKey([]*pem.Block{{Type: labelPublic}})
	}
	if isRequest(der) {
		return explainNoKey([]*pem.Block{{Type: "CERTIFICATE REQUEST"}})
	}
	return errors.New("it is DER of a kind that is not known here: PKCS#8, PKCS#1, SEC 1 or PKCS#12 was expected")
}

// isRequest says whether a CertificationRequest begins here (RFC 2986, section 4.2).
func isRequest(der []byte) bool {
	var request, info, name, key cryptobyte.String
	var version int
	input := cryptobyte.String(der)
	return input.ReadASN1(&request, tag.SEQUENCE) && request.ReadASN1(&info, tag.SEQUENCE) && info.ReadASN1Integer(&version) &&
		info.ReadASN1(&name, tag.SEQUENCE) && info.ReadASN1(&key, tag.SEQUENCE)
}
