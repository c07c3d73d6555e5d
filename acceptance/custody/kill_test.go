//go:build linux

package custody

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"conclave/acceptance"
	"conclave/card"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/link"
	"conclave/wire"
)

// kills is how often each operation is cut off.
func kills() int { return testrun.Times(30, 50) }

func soPIN() secret.Bytes { return secret.Bytes("57621880") }

// victim is a device whose serving process is killed again and again.
type victim struct {
	t    *testing.T
	home device.Home
	data string // XDG_DATA_HOME
	pin  secret.Bytes
}

func newVictim(t *testing.T, data string) *victim {
	t.Helper()
	v := &victim{t: t, home: device.NewHome(filepath.Join(data, "conclave")), data: data, pin: secret.Bytes("64821900")}
	v.home.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	if _, err := v.home.Create("victim"); err != nil {
		t.Fatal(err)
	}
	v.local(func(h *hsm.HSM) { v.initialise(h, v.pin) })
	return v
}

func (v *victim) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// initialise sets a PIN of eight bytes, which may have ten tries, and a random DKEK.
func (v *victim) initialise(h *hsm.HSM, pin secret.Bytes) {
	v.t.Helper()
	v.must(h.Initialize(wire.Initialization{UserPIN: pin, SOPIN: soPIN(), Retries: 10, DKEKShares: 0}, ""))
}

// local opens the device in this process, as the next user after a crash does.
func (v *victim) local(fn func(*hsm.HSM)) {
	v.t.Helper()
	conn, err := v.home.Open("victim")
	v.must(err)
	h, err := hsm.Open(conn)
	v.must(err)
	fn(h)
	v.must(h.Close())
}

// serve starts `conclave hsm serve` with this test as its reader.
func (v *victim) serve() (h *hsm.HSM, kill func()) {
	v.t.Helper()
	reader, err := net.Listen("tcp", "127.0.0.1:0")
	v.must(err)
	defer reader.Close()
	cmd := exec.Command(acceptance.Bin("conclave"), "hsm", "serve", "--device", "victim", "--vpcd", reader.Addr().String())
	cmd.Env = append(cmd.Environ(), "XDG_DATA_HOME="+v.data)
	v.must(cmd.Start())
	conn, err := reader.Accept()
	v.must(err)
	client := link.NewClient(conn)
	v.must(client.PowerOn())
	h, err = hsm.Open(client)
	v.must(err)
	return h, func() {
		v.must(cmd.Process.Kill())
		cmd.Wait() // "signal: killed" is what was wanted
		client.Close()
	}
}

// cutOff runs op on a served device, once to its end to learn how long it
// takes, and then kills times with a kill -9 at a random moment. After each,
// check sees the device as it was left.
func (v *victim) cutOff(op func(*hsm.HSM) error, check func(*hsm.HSM)) {
	v.t.Helper()
	h, kill := v.serve()
	v.must(h.Login(wire.UserPIN, v.pin))
	start := time.Now()
	v.must(op(h))
	took := time.Since(start)
	kill()
	v.local(check)
	random := testrun.Random(v.t)
	finished := 0
	for range kills() {
		h, kill := v.serve()
		v.must(h.Login(wire.UserPIN, v.pin))
		var before int
		v.local(func(h *hsm.HSM) { before = v.spoilTry(h) })
		done := make(chan error, 1)
		go func() { done <- op(h) }()
		select {
		case err := <-done:
			v.must(err)
			finished++
		case <-time.After(time.Duration(random.Int64N(int64(took)))):
		}
		kill()
		v.local(func(h *hsm.HSM) {
			v.checkTries(h, before)
			check(h)
		})
	}
	v.t.Logf("%d of %d were through before they were killed; an operation takes %v", finished, kills(), took)
}

// spoilTry takes a try off the user PIN, and gives what is left.
func (v *victim) spoilTry(h *hsm.HSM) int {
	v.t.Helper()
	var refused *hsm.PINError
	if err := h.Login(wire.UserPIN, secret.Bytes("wrong000")); !errors.As(err, &refused) {
		v.t.Fatalf("a wrong PIN gave %v", err)
	}
	return refused.Tries
}

// checkTries allows the counter to be above what it was only after a new
// initialisation.
func (v *victim) checkTries(h *hsm.HSM, before int) {
	v.t.Helper()
	s, err := h.Status()
	v.must(err)
	if s.User.Tries > before && !v.isNew(h) {
		v.t.Fatalf("the PIN has %d tries; before the kill it had %d", s.User.Tries, before)
	}
}

// isNew says whether the device has been initialised anew: the label that the
// operation sets before it is gone.
func (v *victim) isNew(h *hsm.HSM) bool {
	keys, err := h.Keys()
	v.must(err)
	return len(keys) == 0
}

// checkKeys fails for a key that is not whole: each must have a description and a
// public key, and must sign.
func (v *victim) checkKeys(h *hsm.HSM) []hsm.Key {
	v.t.Helper()
	keys, err := h.Keys()
	v.must(err)
	v.must(h.Login(wire.UserPIN, v.pin))
	digest := sha256.Sum256([]byte("after the kill"))
	for _, k := range keys {
		if k.Description == nil || k.Public == nil {
			v.t.Fatalf("key %d is half written: %+v", k.Ref, k)
		}
		signer, err := h.Signer(k.Ref)
		v.must(err)
		signature, err := signer.Sign(nil, digest[:], crypto.SHA256)
		if err != nil || !k.Public.Curve.Verify(k.Public.Point, digest[:], signature) {
			v.t.Fatalf("key %d does not sign: %v", k.Ref, err)
		}
	}
	return keys
}

func p256(t *testing.T) wire.PublicKey {
	c, err := curve.ByName("secp256r1")
	if err != nil {
		t.Fatal(err)
	}
	return wire.ECTemplate(c)
}

// keep makes key 1, which no operation here may cost.
func (v *victim) keep() {
	v.local(func(h *hsm.HSM) {
		v.must(h.Login(wire.UserPIN, v.pin))
		_, _, err := h.GenerateKey(hsm.NewKey{Ref: 1, Key: p256(v.t), Label: "kept"})
		v.must(err)
	})
}

// dropSecond deletes what an operation added, for the next round.
func (v *victim) dropSecond(h *hsm.HSM) {
	v.t.Helper()
	keys := v.checkKeys(h)
	if len(keys) == 0 || keys[0].Ref != 1 || len(keys) > 2 {
		v.t.Fatalf("%d keys; key 1, and key 2 or not, were expected", len(keys))
	}
	if len(keys) == 2 {
		v.must(h.DeleteKey(2))
	}
}

func TestKillDuringKeyGeneration(t *testing.T) {
	v := newVictim(t, t.TempDir())
	v.keep()
	v.cutOff(func(h *hsm.HSM) error {
		_, _, err := h.GenerateKey(hsm.NewKey{Ref: 2, Key: p256(t), Label: "new"})
		return err
	}, v.dropSecond)
}

func TestKillDuringUnwrap(t *testing.T) {
	v := newVictim(t, t.TempDir())
	v.keep()
	var backup wire.WrapFile
	v.local(func(h *hsm.HSM) {
		v.must(h.Login(wire.UserPIN, v.pin))
		var err error
		backup, err = h.WrapKey(1)
		v.must(err)
	})
	v.cutOff(func(h *hsm.HSM) error { return h.UnwrapKey(2, backup, false) }, v.dropSecond)
}

func TestKillDuringInitialise(t *testing.T) {
	v := newVictim(t, t.TempDir())
	v.keep()
	next := secret.Bytes("12345678")
	v.cutOff(func(h *hsm.HSM) error {
		return h.Initialize(wire.Initialization{UserPIN: next, SOPIN: soPIN(), Retries: 10, DKEKShares: 0}, "")
	}, func(h *hsm.HSM) {
		if !v.isNew(h) {
			if keys := v.checkKeys(h); len(keys) != 1 { // the old state, and the old PIN
				t.Fatalf("%d keys; key 1 alone was expected", len(keys))
			}
			return
		}
		v.must(h.Login(wire.UserPIN, next)) // the new state, and the new PIN
		v.initialise(h, v.pin)              // cheap again, for the next round
		v.must(h.Login(wire.UserPIN, v.pin))
		_, _, err := h.GenerateKey(hsm.NewKey{Ref: 1, Key: p256(t), Label: "kept"})
		v.must(err)
	})
}

// TestKillDuringVerify: a guess whose comparison is cut off has cost its try.
func TestKillDuringVerify(t *testing.T) {
	v := newVictim(t, t.TempDir())
	random := testrun.Random(t)
	tries := 10
	for range kills() {
		if tries <= 2 {
			v.local(func(h *hsm.HSM) { v.must(h.Login(wire.UserPIN, v.pin)) })
			tries = 10
		}
		h, kill := v.serve()
		done := make(chan error, 1)
		go func() { done <- h.Login(wire.UserPIN, secret.Bytes("wrong000")) }()
		select {
		case <-done:
		case <-time.After(time.Duration(random.IntN(3_000_000))):
		}
		kill()
		v.local(func(h *hsm.HSM) {
			s, err := h.Status()
			v.must(err)
			if s.User.Tries > tries {
				t.Fatalf("the PIN has %d tries; before the kill it had %d", s.User.Tries, tries)
			}
			tries = s.User.Tries
		})
	}
}
