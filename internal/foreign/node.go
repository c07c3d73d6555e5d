package foreign

import (
	"bytes"
	"crypto"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"filippo.io/mldsa/x509"
)

// NodeVersion is that of the Node that scripts/install-node fetches; its OpenSSL, 3.5,
// knows ML-DSA.
const NodeVersion = "26.12.1"

// Signed is something that a key has signed.
type Signed struct {
	Key                []byte // SubjectPublicKeyInfo, DER
	Hash               string // by Node's name; empty for ML-DSA
	Content, Signature []byte
	// Certificate, if there is one, and that of its issuer, DER, must belong together, too.
	Certificate, Issuer []byte
}

// NodeVerifies says of each whether Node's OpenSSL finds it good.
func NodeVerifies(tb testing.TB, all []Signed) (good []bool) {
	tb.Helper()
	question, err := json.Marshal(all)
	if err != nil {
		tb.Fatal(err)
	}
	answer := Node(tb, question, `
		const bytes = text => Buffer.from(text, "base64")
		const good = s => {
			const key = crypto.createPublicKey({key: bytes(s.Key), format: "der", type: "spki"})
			if (!crypto.verify(s.Hash || null, bytes(s.Content), key, bytes(s.Signature))) return false
			if (!s.Certificate) return true
			const cert = new crypto.X509Certificate(bytes(s.Certificate))
			return cert.verify(key) && cert.checkIssued(new crypto.X509Certificate(bytes(s.Issuer)))
		}
		console.log(JSON.stringify(JSON.parse(input).map(good)))`)
	if err := json.Unmarshal(answer, &good); err != nil {
		tb.Fatal(err)
	}
	return good
}

// nodeKey is a private key of Node's OpenSSL.
type nodeKey struct {
	tb     testing.TB
	path   string
	public crypto.PublicKey
}

// NewNodeKey lets Node's OpenSSL make a key of a type that Node has a name for, such as
// ml-dsa-65.
func NewNodeKey(tb testing.TB, kind string) crypto.Signer {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "key.pem")
	spki := Node(tb, nil, `
		const pair = crypto.generateKeyPairSync(process.argv[1])
		fs.writeFileSync(process.argv[2], pair.privateKey.export({format: "pem", type: "pkcs8"}))
		process.stdout.write(pair.publicKey.export({format: "der", type: "spki"}))`, kind, path)
	public, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		tb.Fatal(err)
	}
	return nodeKey{tb, path, public}
}

// Public implements crypto.Signer.
func (k nodeKey) Public() crypto.PublicKey { return k.public }

// Sign implements crypto.Signer.
func (k nodeKey) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	return Node(k.tb, message, `process.stdout.write(crypto.sign(null, input, fs.readFileSync(process.argv[1])))`, k.path), nil
}

// Node lets it run a script that has something as its input, and gives what that writes.
func Node(tb testing.TB, input []byte, script string, args ...string) []byte {
	tb.Helper()
	const prelude = `const crypto = require("crypto"), fs = require("fs"), input = fs.readFileSync(0);`
	cmd := exec.CommandContext(tb.Context(), NeedNode(tb), append([]string{"-e", prelude + script, "--"}, args...)...)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if failure, ok := err.(*exec.ExitError); ok {
		tb.Fatalf("node: %v: %s", err, failure.Stderr)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// NeedNode is Need for that Node, and gives its path.
func NeedNode(tb testing.TB) (path string) {
	tb.Helper()
	cache, err := os.UserCacheDir()
	path = filepath.Join(cache, "conclave", "node-"+NodeVersion, "node")
	if err == nil {
		_, err = exec.LookPath(path)
	}
	if err != nil {
		missing(tb, "Node "+NodeVersion, "scripts/install-node")
	}
	return path
}
