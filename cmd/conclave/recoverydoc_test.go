//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"conclave/internal/foreign"
)

// recoveryBlock is a block of docs/recovery.md, which lies two folders up.
func recoveryBlock(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "recovery.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "\n```"+name+"\n")
	block, _, ended := strings.Cut(block, "\n```")
	if !found || !ended {
		t.Fatalf("docs/recovery.md has no block %q", name)
	}
	return block
}

func writeHere(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readHere(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestRecoveryPageUndoes runs each line that undoes what has happened to a file.
func TestRecoveryPageUndoes(t *testing.T) {
	foreign.Need(t, "iconv", "python3", "openssl", "head")
	block := recoveryBlock(t, "sh undo")
	vectorDesk(t)
	wrap, share := readHere(t, "rsa-2048.wrap"), readHere(t, "dkek.pbe")
	var text []rune
	for _, b := range wrap {
		text = append(text, rune(b))
	}
	var lines []byte // as openssl and certutil break them
	for encoded := base64.StdEncoding.EncodeToString(wrap); encoded != ""; {
		n := min(64, len(encoded))
		lines, encoded = append(append(lines, encoded[:n]...), '\n'), encoded[n:]
	}
	writeHere(t, "utf8.wrap", []byte(string(text)))
	writeHere(t, "crlf.wrap", bytes.ReplaceAll(wrap, []byte("\n"), []byte("\r\n")))
	writeHere(t, "hex.wrap", fmt.Appendf(nil, "% X\n", wrap))
	writeHere(t, "base64.wrap", lines)
	writeHere(t, "longer.pbe", append(bytes.Clone(share), "\r\n"...))
	undone := regexp.MustCompile(`[a-z]+\.(wrap|pbe)$`)
	for line := range strings.Lines(block) {
		line = strings.TrimSpace(line)
		out := undone.FindString(line)
		want := map[string][]byte{"root.wrap": wrap, "dkek.pbe": share}[out]
		os.Remove(out)
		pipe(t, nil, "sh", "-c", line)
		if got := readHere(t, out); !bytes.Equal(got, want) {
			t.Errorf("%s\nleaves %d bytes in %s that are not the file's %d", line, len(got), out, len(want))
		}
	}
}

// TestRecoveryPageCompletes runs what completes a key.
func TestRecoveryPageCompletes(t *testing.T) {
	foreign.Need(t, "openssl")
	block := recoveryBlock(t, "sh complete")
	vectorDesk(t)
	conclave(t, "key", "recover", "EC-secp256r1.wrap", "--dkek", "dkek.pbe", "--sheets-file", "2-of-4.txt", "--out", "plain.pem", "--plain", "--plain")
	pipe(t, nil, "openssl", "req", "-x509", "-new", "-key", "plain.pem", "-subj", "/CN=root", "-out", "root.pem")
	conclave(t, "hsm", "create")
	conclave(t, "hsm", "init", "--pin", "env:PIN", "--so-pin", "env:SOPIN", "--dkek-shares", "1")
	conclave(t, "dkek", "import", "dkek.pbe", "--sheets-file", "2-of-4.txt")
	if err := os.Rename("blob-alone.wrap", "root.wrap"); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-e", "-c", block).CombinedOutput()
	if err != nil || !regexp.MustCompile(`(?m)^1 +secp256r1 +root +4a +[0-9a-f]{64}$`).Match(out) {
		t.Errorf("%v\n%s", err, out)
	}
	conclave(t, "key", "wrap", "root", "again.wrap", "--pin", "env:PIN")
	certificate := pipe(t, nil, "openssl", "x509", "-in", "root.pem", "-outform", "DER")
	if !bytes.Contains(readHere(t, "again.wrap"), certificate) {
		t.Error("the backup of the completed key has no certificate")
	}
}
