package sshsign

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/internal/foreign"

	"github.com/hiddeco/sshsig"
)

const namespace = "checkpoint@conclave"

var (
	content = []byte("the head of a transcript\n")
	y2026   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
)

// witness is a key of ssh-keygen's in a folder.
type witness struct {
	private string // its file
	public  string // "type base64", without comment
}

func newWitness(t *testing.T, kind string, bits int) witness {
	t.Helper()
	foreign.Need(t, "ssh-keygen")
	w := witness{private: filepath.Join(t.TempDir(), "key")}
	args := []string{"-q", "-t", kind, "-N", "", "-C", "", "-f", w.private}
	if bits > 0 {
		args = append(args, "-b", fmt.Sprint(bits))
	}
	if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	public, err := os.ReadFile(w.private + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	w.public = strings.TrimSpace(string(public))
	return w
}

// certify returns a certificate for the key, by the key itself.
func (w witness) certify(t *testing.T) string {
	t.Helper()
	if out, err := exec.Command("ssh-keygen", "-q", "-s", w.private, "-I", "ann", "-n", "ann", w.private+".pub").CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen -s: %v\n%s", err, out)
	}
	certificate, err := os.ReadFile(w.private + "-cert.pub")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(certificate))
}

// sign returns what ssh-keygen -Y sign writes.
func (w witness) sign(t *testing.T, options ...string) []byte {
	t.Helper()
	cmd := exec.Command("ssh-keygen", append([]string{"-q", "-Y", "sign", "-f", w.private, "-n", namespace}, options...)...)
	cmd.Stdin = bytes.NewReader(content)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ssh-keygen -Y sign: %v", err)
	}
	return out
}

// judge is what ssh-keygen -Y verify says at a time.
func judge(t *testing.T, armored, content []byte, namespace, allowed, principal string, at time.Time) error {
	t.Helper()
	foreign.Need(t, "ssh-keygen")
	dir := t.TempDir()
	list, signature := filepath.Join(dir, "allowed_signers"), filepath.Join(dir, "signature")
	for name, b := range map[string][]byte{list: []byte(allowed), signature: armored} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("ssh-keygen", "-Y", "verify", "-f", list, "-I", principal, "-n", namespace, "-s", signature,
		"-Overify-time="+at.UTC().Format("20060102150405Z"))
	cmd.Stdin = bytes.NewReader(content)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ssh-keygen -Y verify: %w\n%s", err, out)
	}
	return nil
}

func TestKeyTypes(t *testing.T) {
	for _, c := range []struct {
		kind string
		bits int
	}{{"ed25519", 0}, {"ecdsa", 256}, {"ecdsa", 384}, {"ecdsa", 521}, {"rsa", 2048}} {
		t.Run(fmt.Sprint(c.kind, c.bits), func(t *testing.T) {
			w := newWitness(t, c.kind, c.bits)
			for _, hash := range []string{"sha256", "sha512"} {
				principal, err := Verify(w.sign(t, "-Ohashalg="+hash), content, namespace, []byte("ann@example.org "+w.public), time.Now())
				if err != nil || principal != "ann@example.org" {
					t.Errorf("%s: signed by %q, %v; ann@example.org was expected", hash, principal, err)
				}
			}
		})
	}
}

// TestLists has both judges read the same lists. A stricter row is one that we
// refuse, and ssh-keygen does not.
func TestLists(t *testing.T) {
	ann, bob := newWitness(t, "ed25519", 0), newWitness(t, "ed25519", 0)
	signature, certificate := ann.sign(t), ann.certify(t)
	for _, c := range []struct {
		list     string // where ANN and BOB stand for their keys, CERT for a certificate of Ann's
		want     error
		stricter bool
	}{
		{"ann ANN", nil, false},
		{"# witnesses\n\n \t\nbob BOB\r\nann\tANN a comment\n", nil, false},
		{"bob BOB", ErrSigner, false},
		{"", ErrSigner, false},
		{`ann namespaces="checkpoint@conclave" ANN`, nil, false},
		{`ann NameSpaces="other,checkpoint@*" ANN`, nil, false},
		{`ann namespaces="checkpoint?conclave" ANN`, nil, false},
		{`ann namespaces="*,!checkpoint@conclave" ANN`, ErrSigner, false},
		{`ann namespaces="check" ANN`, ErrSigner, false},
		{`ann namespaces="check.*" ANN`, ErrSigner, false},
		{`ann namespaces="file" ANN` + "\nann ANN", nil, false},
		{`ann namespaces="*",namespaces="*" ANN`, ErrAllowed, false},
		{`ann namespaces=file ANN`, ErrAllowed, false},
		{`ann valid-after="20260101Z",valid-before="20261231Z" ANN`, nil, false},
		{`ann valid-after="202606011200Z" ANN`, nil, false},
		{`ann valid-after="20260601120001Z" ANN`, ErrSigner, false},
		{`ann valid-before="20260601120000Z" ANN`, nil, false},
		{`ann valid-before="20260601115959Z" ANN`, ErrSigner, false},
		{`ann valid-after="20260603" ANN`, ErrSigner, false}, // wherever this runs
		{`ann valid-before="20261301Z" ANN`, ErrAllowed, false},
		{`ann valid-before="2026" ANN`, ErrAllowed, false},
		{`ann cert-authority ANN`, ErrAllowed, false},
		{`ann restrict ANN`, ErrAllowed, false},
		{`ann namespaces="* ANN`, ErrAllowed, false},
		{"ann CERT", ErrAllowed, false},
		{"ann", ErrAllowed, false},
		{"ann ssh-rsa" + strings.TrimPrefix(ann.public, "ssh-ed25519"), ErrAllowed, false},
		{"ANN", ErrAllowed, false},
		{"ann ANN\nbob cert-authority BOB", ErrAllowed, true},
		{"ann ANN\nbob from=\"*\" BOB", ErrAllowed, true},
		{"a* ANN", ErrAllowed, true},
		{`"ann" ANN`, ErrAllowed, true},
	} {
		t.Run(c.list, func(t *testing.T) {
			list := strings.NewReplacer("ANN", ann.public, "BOB", bob.public, "CERT", certificate).Replace(c.list)
			principal, err := Verify(signature, content, namespace, []byte(list), y2026)
			if !errors.Is(err, c.want) || err == nil && principal != "ann" {
				t.Errorf("signed by %q, %v; expected ann, %v", principal, err, c.want)
			}
			judged := judge(t, signature, content, namespace, list, "ann", y2026)
			if (judged == nil) != (c.want == nil || c.stricter) {
				t.Errorf("ssh-keygen says %v; expected %v, stricter %v", judged, c.want, c.stricter)
			}
		})
	}
}

func TestOtherContentOrNamespace(t *testing.T) {
	ann := newWitness(t, "ed25519", 0)
	list := "ann " + ann.public
	for _, c := range []struct {
		content, namespace string
	}{{"another head\n", namespace}, {string(content), "file"}, {"", namespace}} {
		signature := ann.sign(t)
		if _, err := Verify(signature, []byte(c.content), c.namespace, []byte(list), time.Now()); !errors.Is(err, ErrSignature) {
			t.Errorf("content %q, namespace %q: %v; expected %v", c.content, c.namespace, err, ErrSignature)
		}
		if judge(t, signature, []byte(c.content), c.namespace, list, "ann", y2026) == nil {
			t.Errorf("ssh-keygen accepts content %q, namespace %q", c.content, c.namespace)
		}
	}
}

// TestSeveralPrincipals: a line may have several names of one person; all of them
// are returned.
func TestSeveralPrincipals(t *testing.T) {
	ann := newWitness(t, "ed25519", 0)
	principal, err := Verify(ann.sign(t), content, namespace, []byte("ann@home,ann@work "+ann.public+"\nbob "+ann.public), time.Now())
	if err != nil || principal != "ann@home,ann@work" {
		t.Errorf("signed by %q, %v; the first line's principals were expected", principal, err)
	}
}

func TestEveryBitCounts(t *testing.T) {
	ann := newWitness(t, "ed25519", 0)
	signature, list := ann.sign(t), []byte("ann "+ann.public)
	for i := range len(signature) * 8 {
		damaged := bytes.Clone(signature)
		damaged[i/8] ^= 1 << (i % 8)
		if _, err := Verify(damaged, content, namespace, list, time.Now()); err == nil {
			t.Errorf("bit %d of byte %d was changed, and the signature is good", i%8, i/8)
		}
	}
}

// TestOtherArmor has forms of a good signature that ssh-keygen does not write.
func TestOtherArmor(t *testing.T) {
	ann := newWitness(t, "ed25519", 0)
	signature, list := string(ann.sign(t)), []byte("ann "+ann.public)
	leftover, err := sshsig.Unarmor([]byte(signature))
	if err != nil {
		t.Fatal(err)
	}
	leftover.Signature.Rest = []byte("x")
	body := strings.SplitAfter(signature, "\n")
	for name, other := range map[string]string{
		"text before":      "signed by Ann\n" + signature,
		"text behind":      signature + "\n",
		"no last newline":  strings.TrimSuffix(signature, "\n"),
		"CRLF":             strings.ReplaceAll(signature, "\n", "\r\n"),
		"a header":         body[0] + "By: Ann\n\n" + strings.Join(body[1:], ""),
		"other line width": body[0] + strings.TrimSuffix(body[1], "\n") + strings.Join(body[2:], ""),
		"left over inside": string(armor(leftover.Marshal())),
		"nothing":          "",
	} {
		if _, err := Verify([]byte(other), content, namespace, list, time.Now()); !errors.Is(err, ErrArmor) {
			t.Errorf("%s: %v; expected %v", name, err, ErrArmor)
		}
	}
}
