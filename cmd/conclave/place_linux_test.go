package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/smalldisk"
)

// wanting are commands that ask people for something before they write FILE, and what
// they ask for first. They run in a folder with the vectors.
func wanting() map[string]struct {
	args []string
	asks string
} {
	type command = struct {
		args []string
		asks string
	}
	custodians := []string{"--threshold", "2", "--custodians", "3"}
	subject := []string{"--subject", "CN=Acme Root,O=Acme Ltd,C=CH"}
	return map[string]command{
		"dkek create":       {append([]string{"dkek", "create", "FILE"}, custodians...), `Press <enter> when you are alone`},
		"dkek create alone": {[]string{"dkek", "create", "FILE"}, `Password: $`},
		"dkek reshare":      {append([]string{"dkek", "reshare", "FILE", "--sheets", "2"}, custodians...), `Press <enter> when you are alone`},
		"dkek reshare anew": {append([]string{"dkek", "reshare", "dkek.pbe", "--new-file", "FILE", "--sheets", "2"}, custodians...), `Press <enter> when you are alone`},
		"dkek rekey":        {append([]string{"dkek", "rekey", "FILE", "rsa-2048.wrap", "--dir", "DIR", "--dkek", "dkek.pbe", "--sheets", "2"}, custodians...), `Press <enter> when you are alone`},
		"key wrap":          {[]string{"key", "wrap", "1", "FILE"}, `User PIN: $`},
		"key sign":          {[]string{"key", "sign", "1", "--algorithm", "ecdsa-sha256", "--in", "dkek.pbe", "--out", "FILE"}, `User PIN: $`},
		"key recover":       {[]string{"key", "recover", "rsa-2048.wrap", "--dkek", "dkek.pbe", "--sheets", "2", "--out", "FILE"}, `Password: $`},
		"ca root":           {append([]string{"ca", "root", "1", "FILE", "--register", "FILE.sqlite", "--until", "2046-10-31"}, subject...), `User PIN: $`},
		"ca request":        {append([]string{"ca", "request", "1", "FILE"}, subject...), `User PIN: $`},
		"ceremony new":      {[]string{"ceremony", "new", "FILE"}, `Name of the organisation: $`},
	}
}

// TestPlacesAreTakenFirst: on a full disk, and where another process makes the same
// file, commands say so before they ask anyone for anything.
func TestPlacesAreTakenFirst(t *testing.T) {
	home(t)
	conclave(t, "hsm", "init", "--pin", "env:PIN", "--so-pin", "env:SOPIN", "--dkek-shares", "0")
	conclave(t, "key", "generate", "--type", "ec:P-256", "--pin", "env:PIN")
	work := t.TempDir()
	writeVectors(t, work)
	disk := smalldisk.Mount(t, 4<<20)
	t.Chdir(work)
	for name, c := range wanting() {
		file := filepath.Join(disk, strings.ReplaceAll(name, " ", "-"))
		if strings.HasPrefix(name, "dkek reshare") && len(c.args) > 2 && c.args[2] == "FILE" {
			copyFile(t, "dkek.pbe", file)
		}
		var args []string
		for _, a := range c.args {
			args = append(args, strings.NewReplacer("FILE", file, "DIR", disk).Replace(a))
		}
		t.Run(name, func(t *testing.T) {
			free := smalldisk.Fill(t, disk, 0)
			defer free() // for the others, if this one fails
			full := begin(t, args...)
			full.Expect("conclave: .*no room could be kept for it on its disk: .*no space left on device")
			full.End(1)
			free()
			first := begin(t, args...)
			first.Expect(c.asks)
			second := begin(t, args...)
			second.Expect(`is being made by process \d+, since 2\S+ \S+; wait for it, or end it first`)
			second.End(1)
			for _, s := range []*session{full, second} {
				if strings.Contains(string(s.All), "PIN") || strings.Contains(string(s.All), "<enter>") || strings.Contains(string(s.All), "assword") {
					t.Errorf("someone was asked: %s", s.All)
				}
			}
			first.Command.Process.Kill()
			first.End(-1)
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
