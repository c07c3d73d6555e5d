package preflight

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"conclave/ceremony/plan"
	"conclave/wire"
)

// TestCardHasTypes: that a real card has no post-quantum keys is told before anyone comes.
func TestCardHasTypes(t *testing.T) {
	content, err := os.ReadFile("../../wire/testdata/nitrokey-device-certificates.hex")
	if err == nil {
		content, err = hex.DecodeString(strings.Join(strings.Fields(string(content)), ""))
	}
	if err != nil {
		t.Fatal(err)
	}
	card, err := wire.ParseDeviceChain(content)
	if err == nil {
		err = card.Verify()
	}
	if err != nil {
		t.Fatal(err)
	}
	file, err := plan.ReadFile("../../examples/two-roots/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	c := Check{Plan: file.Plan}
	want := "it is by CardContact, and no such card has keys of the type ml-dsa-87"
	for _, d := range file.Plan.Devices {
		if err := c.hasTypes(d, card); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v; %q was expected", d.Name, err, want)
		}
		if err := c.hasTypes(d, &wire.DeviceChain{}); err != nil {
			t.Errorf("%s, of no known maker: %v", d.Name, err)
		}
	}
	file.Plan.Keys = file.Plan.Keys[:1]
	if err := c.hasTypes(file.Plan.Devices[0], card); err != nil {
		t.Errorf("with a classical key alone: %v", err)
	}
}
