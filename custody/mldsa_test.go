package custody_test

import (
	"bytes"
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/mldsa"

	"conclave/custody"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/wire"
)

// mldsaParameters are the parameter sets.
func mldsaParameters() []mldsa.Parameters {
	return []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()}
}

// incomingMLDSA is a key from a file.
func incomingMLDSA(t *testing.T, p mldsa.Parameters) custody.Incoming {
	t.Helper()
	key, err := mldsa.GenerateKey(p)
	if err != nil {
		t.Fatal(err)
	}
	k, finding, err := custody.NewIncoming(key)
	if finding != nil || err != nil {
		t.Fatal(finding, err)
	}
	k.Label = p.String() + " from a file"
	return k
}

// withMLDSA is a device with a key of each parameter set, at the references 1 to 3.
func withMLDSA(t *testing.T) *hsm.HSM {
	t.Helper()
	h, d := withVectors(t), vectorDKEK(t)
	for i, p := range mldsaParameters() {
		k := incomingMLDSA(t, p)
		r, err := k.Import(h, d.DKEK, 0)
		if err != nil || r.NotTried != nil || r.Ref != byte(i+1) || r.Size() != p.String() || !r.Public.Equal(k.Public) {
			t.Fatalf("imported: key %d, %s, %v, %v", r.Ref, r.Size(), r.NotTried, err)
		}
		request, err := wire.ParseAuthenticatedRequest(certificateOf(t, h, r.Ref))
		if err != nil || request.Request.Verify(k.Public) != nil {
			t.Errorf("its request: %v", err)
		}
	}
	return h
}

func certificateOf(t *testing.T, h *hsm.HSM, ref byte) []byte {
	t.Helper()
	content, err := h.Certificate(ref)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestMLDSABackup: keys that were imported are in a backup of the device, which is
// proved on a practice device, and restored to another one.
func TestMLDSABackup(t *testing.T) {
	h, dir := withMLDSA(t), filepath.Join(t.TempDir(), "card")
	told, m := proved(t, h, dir, vectorDKEK(t))
	for _, p := range mldsaParameters() {
		wants(t, told, `(`+p.String()+`, "`+p.String()+` from a file"): `)
	}
	if n := strings.Count(told, "opens on a practice device, and signs"); n != 3 || len(m.Keys) != 3 || len(m.NotBackedUp) != 0 {
		t.Errorf("%d keys are proved:\n%s", n, told)
	}
	other := withVectors(t)
	if told, err := restore(t, other, dir); err != nil {
		t.Fatal(told, err)
	}
	checkKeys(t, other, m)
	if told, err := restore(t, other, dir); err != nil {
		t.Errorf("once more: %s, %v", told, err)
	}
}

// TestMLDSARewrapped: under a new DKEK it is the same key.
func TestMLDSARewrapped(t *testing.T) {
	h, dir := withMLDSA(t), t.TempDir()
	r := custody.Rewrapping{ShareFile: filepath.Join(dir, "new.pbe"), Dir: dir}
	for ref := byte(1); ref <= 3; ref++ {
		f, err := h.WrapKey(ref)
		if err != nil {
			t.Fatal(err)
		}
		content, err := f.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), string('a'+rune(ref))+".wrap")
		if err := safefile.Create(path, content); err != nil {
			t.Fatal(err)
		}
		r.Wraps = append(r.Wraps, path)
	}
	if err := r.Reserve(); err != nil {
		t.Fatal(err)
	}
	share, err := custody.DrawShare(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	to, err := dkek.New(share)
	if err != nil {
		t.Fatal(err)
	}
	old := vectorDKEK(t)
	keys, err := r.Run(rand.Reader, old, share)
	if err != nil || len(keys) != 3 {
		t.Fatal(len(keys), err)
	}
	for _, k := range keys {
		if err := k.Settle(); err != nil {
			t.Fatal(err)
		}
		checkRewrapped(t, k, old.DKEK, to)
	}
}

// TestMLDSARestoreOfABlobAlone: the description is made from what the blob says. The
// public half no device can tell; the certificate shows it, and the key proves it.
func TestMLDSARestoreOfABlobAlone(t *testing.T) {
	h := withMLDSA(t)
	f, err := h.WrapKey(2)
	if err != nil {
		t.Fatal(err)
	}
	other := withVectors(t)
	r, err := custody.Restore(other, wire.WrapFile{Blob: f.Blob}, custody.Restoring{})
	if err != nil || r.Size() != "ML-DSA-65" || r.NotTried == nil || len(r.Completed) != 1 || !strings.HasPrefix(r.Completed[0], "a description: ") {
		t.Fatalf("%s, %v, %q, %v", r.Size(), r.NotTried, r.Completed, err)
	}
	if _, err := custody.Complete(other, r.Key, nil); err == nil || !strings.HasSuffix(err.Error(), "give the certificate of that key") {
		t.Errorf("it tells its public half: %v", err)
	}
	if err := other.DeleteKey(r.Ref); err != nil {
		t.Fatal(err)
	}
	r, err = custody.Restore(other, wire.WrapFile{Blob: f.Blob, Certificate: f.Certificate}, custody.Restoring{Label: "root"})
	if err != nil || r.NotTried != nil || !bytes.Equal(certificateOf(t, other, r.Ref), f.Certificate) || r.Description.Bits != 65 {
		t.Errorf("with its public half: %v, %+v, %v", r.NotTried, r.Description, err)
	}
	if _, err := custody.Prove(other, r.Ref); err != nil {
		t.Error(err)
	}
}
