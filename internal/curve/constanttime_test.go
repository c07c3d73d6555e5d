package curve

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// counted is the environment variable by which a test gives its secret, in
// hexadecimal, to the process that counts.
const counted = "CONCLAVE_CURVE_SECRET"

// No branch depends on a secret: whatever the private scalar and the number per
// message are, every statement of the package runs equally often. (That no
// secret is an index, this does not show: see pick.)
func TestStatementsRunAsOftenForEverySecret(t *testing.T) {
	if secret := os.Getenv(counted); secret != "" {
		useSecret(t, secret)
		return
	}
	if testing.Short() {
		t.Skip("builds the package once more, with counters")
	}
	binary := filepath.Join(t.TempDir(), "counting")
	if out, err := exec.Command("go", "test", "-c", "-covermode=count", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first := countStatements(t, binary, "01")
	for _, secret := range []string{"02", "f0", "8000000000000000", "5bd1e995c0ffee000000000f01a7", "7fffffffffffffffffffffffffffffffffffffffffffffff"} {
		for i, line := range countStatements(t, binary, secret) {
			if !bytes.Equal(line, first[i]) {
				t.Errorf("for the secret 01 %s, for %s %s", first[i], secret, line)
			}
		}
	}
}

// countStatements returns the lines of a coverage profile.
func countStatements(t *testing.T, binary, secret string) [][]byte {
	t.Helper()
	profile := filepath.Join(t.TempDir(), "profile")
	cmd := exec.Command(binary, "-test.run=^"+t.Name()+"$", "-test.coverprofile="+profile)
	cmd.Env = append(os.Environ(), counted+"="+secret)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", secret, err, out)
	}
	counts, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(counts, []byte("\n"))
}

// useSecret makes a key, agrees and signs on each of our own curves.
func useSecret(t *testing.T, secret string) {
	d, err := hex.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	forEachOwn(t, func(t *testing.T, g *weierstrass) {
		scalar := leftmost(d, g.order.size)
		k, err := g.curve.NewPrivateKey(scalar)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.ECDH(g.curve.G); err != nil {
			t.Error(err)
		}
		k.signer.(*weierstrassSigner).signWith(scalar, g.order.one)
	})
}
