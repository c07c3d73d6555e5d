package main

import (
	"encoding/pem"

	"filippo.io/mldsa"
	"filippo.io/mldsa/x509"
	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/schemes"
	"github.com/rogpeppe/go-internal/testscript"
)

// verifies verifies an ML-DSA signature with another library than the one that made it:
// verifies PUBLIC MESSAGE SIGNATURE [CONTEXT].
func verifies(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: verifies PUBLIC MESSAGE SIGNATURE [CONTEXT]")
	}
	block, _ := pem.Decode([]byte(ts.ReadFile(args[0])))
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	ts.Check(err)
	public := parsed.(*mldsa.PublicKey)
	scheme := schemes.ByName(public.Parameters().String())
	key, err := scheme.UnmarshalBinaryPublicKey(public.Bytes())
	ts.Check(err)
	var opts sign.SignatureOpts
	if len(args) > 3 {
		opts.Context = args[3]
	}
	if scheme.Verify(key, []byte(ts.ReadFile(args[1])), []byte(ts.ReadFile(args[2])), &opts) == neg {
		ts.Fatalf("%s verifies: %t", args[2], !neg)
	}
}
