package ceremony_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/apdu"
	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/dkek"
	"conclave/dkek/dkektest"
	"conclave/internal/secret"
	"conclave/wire"
)

// cable is where devices are connected, and someone listens: the power fails at a command
// with this number, before the device gets it or after.
type cable struct {
	ceremony.Devices
	fails        byte // 0 for never
	after        bool
	share, given secret.Bytes // the DKEK share and the last SO-PIN that came along
	wrong        int          // SO-PINs
}

type tapped struct {
	apdu.Conn
	*cable
}

func (c *cable) Connect(d plan.Device) (apdu.Conn, error) {
	conn, err := c.Devices.Connect(d)
	return &tapped{conn, c}, err
}

func (c *tapped) Transmit(command []byte) ([]byte, error) {
	ins, so := command[1], len(command) > 5 && command[3] == byte(wire.SOPIN)
	switch {
	case ins == wire.InsManageDKEK && len(command) > 32:
		c.share = bytes.Clone(command[5:37])
	case ins == wire.InsChangeReferenceData && so:
		c.given = bytes.Clone(command[13:21])
	}
	fails := c.fails == ins && so
	if fails && !c.after {
		panic(errPower)
	}
	response, err := c.Conn.Transmit(command)
	if fails {
		panic(errPower)
	}
	if ins == wire.InsVerify && so && bytes.HasPrefix(response, []byte{0x63}) {
		c.wrong++
	}
	return response, err
}

// run holds the ceremony until the power fails.
func (c *cable) run(t *testing.T, a ceremony.Ceremony) error {
	a.Devices = c
	return untilPowerFails(t, a)
}

// TestSealedPINIsNeverLost cuts the power around each command that the device is given the
// SO-PIN with: the device has the one that is sealed in the backup, and few tries are lost.
func TestSealedPINIsNeverLost(t *testing.T) {
	for name, c := range map[string]*cable{
		"whole": {}, "before the present one": {fails: wire.InsVerify}, "after it": {fails: wire.InsVerify, after: true},
		"before the change": {fails: wire.InsChangeReferenceData}, "after the change": {fails: wire.InsChangeReferenceData, after: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, func(p *plan.Plan) { p.Devices[0].SOPIN = &plan.PIN{Kept: plan.ByQuorum} })
			c.Devices = s.Devices
			if err := c.run(t, s.Ceremony); c.fails != 0 && !errors.Is(err, errPower) || c.fails == 0 && err != nil {
				t.Fatal(err)
			}
			if c.fails != 0 {
				c.fails = 0
				if err := c.run(t, s.Ceremony); err != nil {
					t.Fatal(err)
				}
			}
			s.verified(t)
			if c.wrong > 1 {
				t.Errorf("%d wrong tries", c.wrong)
			}
			s.opensSealed(t, c)
		})
	}
}

// opensSealed opens what is sealed in the backup with what the share file gave, and logs in
// with it.
func (s *stage) opensSealed(t *testing.T, c *cable) {
	t.Helper()
	d, err := dkek.New(c.share)
	if err != nil {
		t.Fatal(err)
	}
	pin := soPIN(t, s.Dir.Backup(), "primary", d)
	if !bytes.Equal(pin, c.given) {
		t.Fatal("another SO-PIN is sealed than the device was given")
	}
	h := s.openDevice(t, "primary")
	defer h.Close()
	if err := h.Login(wire.SOPIN, pin); err != nil {
		t.Error(err)
	}
	err = filepath.WalkDir(s.Base, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, pin) || bytes.Contains(bytes.ToLower(content), []byte(hex.EncodeToString(pin))) {
			t.Errorf("the SO-PIN is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestSealedPINOfAnotherDevice is not set, though the custodians can open it.
func TestSealedPINOfAnotherDevice(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) {
		p.Devices[0].SOPIN, p.Devices[1].SOPIN = &plan.PIN{Kept: plan.ByQuorum}, &plan.PIN{Kept: plan.ByQuorum}
	})
	s.begin(t, "Wrapped key root")
	folder := filepath.Join(string(s.Dir), "backup")
	content, err := os.ReadFile(filepath.Join(folder, "so-pin-primary.sealed"))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "so-pin-standby.sealed"), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(dkektest.Practising(t.Context())); err == nil || !strings.Contains(err.Error(), "so-pin-standby.sealed is of the device ") {
		t.Errorf("%v", err)
	}
}
