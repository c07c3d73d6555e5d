package custody

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"conclave/device"
	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/wire"
)

// The rehearsal as a whole, which takes seconds, is a script of cmd/conclave.

func TestRoundTripReportsTheStagesBeforeAFailure(t *testing.T) {
	r := roundTrip(t)
	r.Custodians = &gone{}
	var announced []string
	r.Announce = func(step string) { announced = append(announced, step) }
	report, err := r.Run(t.Context())
	if !errors.Is(err, errGone) || !strings.HasPrefix(err.Error(), "make a share file, and sheets for 4 custodians") {
		t.Errorf("error %v", err)
	}
	if len(report.Stages) != 1 || len(announced) != 2 || report.PublicKey != nil {
		t.Errorf("%d steps announced, report %+v", len(announced), report)
	}
}

func TestRoundTripStopsWhenToldTo(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if report, err := roundTrip(t).Run(ctx); !errors.Is(err, context.Canceled) || len(report.Stages) != 0 {
		t.Errorf("error %v, report %+v", err, report)
	}
}

// gone are custodians none of whom comes.
type gone struct{ Simulated }

var errGone = errors.New("gone home")

func (*gone) Come(context.Context, Turn) error { return errGone }

// roundTrip is one with cheap PINs.
func roundTrip(t *testing.T) RoundTrip {
	c, err := curve.ByName("secp256r1")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	home := device.NewHome(filepath.Join(dir, "home"))
	home.PINCost.Memory = 64
	return RoundTrip{
		Devices: home, Dir: dir, Custodians: &Simulated{}, Threshold: 2, Total: 4,
		Key: wire.ECTemplate(c), Announce: func(string) {},
	}
}

// TestRecoveryNoticesDifferences makes the end of a round trip on one device,
// which wraps under a DKEK of its own, and changes what was remembered.
func TestRecoveryNoticesDifferences(t *testing.T) {
	p := &underWay{RoundTrip: roundTrip(t)}
	defer p.close()
	if _, err := p.makeDevice(firstDevice); err != nil {
		t.Fatal(err)
	}
	init := wire.Initialization{UserPIN: secret.Bytes(rehearsalPIN), SOPIN: secret.Bytes(rehearsalSOPIN), Retries: 3}
	if err := p.hsm.Initialize(init, "Rehearsal"); err != nil {
		t.Fatal(err)
	}
	if err := p.hsm.Login(wire.UserPIN, init.UserPIN); err != nil {
		t.Fatal(err)
	}
	for _, do := range []func(context.Context) (string, error){p.generate, p.signFirst, p.wrap} {
		if _, err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var present *PresentError
	if _, err := p.unwrap(t.Context()); !errors.As(err, &present) {
		t.Errorf("the key was restored beside itself: %v", err)
	}
	if err := p.hsm.DeleteKey(p.ref); err != nil {
		t.Fatal(err)
	}
	another, _, err := p.hsm.GenerateKey(hsm.NewKey{Key: p.Key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.unwrap(t.Context()); err == nil || !strings.Contains(err.Error(), "the device lists 2 keys") {
		t.Errorf("a device with two keys passes for one with the restored key alone: %v", err)
	}
	if err := errors.Join(p.hsm.DeleteKey(another), p.hsm.DeleteKey(restoredRef)); err != nil {
		t.Fatal(err)
	}
	for _, do := range []func(context.Context) (string, error){p.unwrap, p.checkFirst, p.signAgain} {
		if result, err := do(t.Context()); err != nil {
			t.Errorf("%q, %v", result, err)
		}
	}
	p.signature[len(p.signature)-1] ^= 1
	if _, err := p.checkFirst(t.Context()); err == nil {
		t.Error("another signature passes for that of device 1")
	}
	other := wire.ECPublicKey(p.public.Curve, p.public.Curve.G)
	p.public = &other
	if _, err := p.signAgain(t.Context()); err == nil {
		t.Error("a signature by another key than that of device 1 passes")
	}
	if err := p.hsm.DeleteKey(restoredRef); err != nil {
		t.Fatal(err)
	}
	if _, err := p.unwrap(t.Context()); err == nil || !strings.Contains(err.Error(), "a different public key") {
		t.Errorf("another key passes for the restored one (%v)", err)
	}
}
