package main

import (
	"conclave/dkek"
	"conclave/hsm"
	"conclave/wire"
)

// showStatus shows what the device says about itself without a PIN.
func (t *tool) showStatus() error {
	status, err := t.hsm.Status()
	if err != nil {
		return err
	}
	t.Printf("Version              : %d.%d\n", status.Version.Major, status.Version.Minor)
	t.showConfiguration(status.Options)
	if !status.Initialised {
		t.Printf("SmartCard-HSM has never been initialized. Please use --initialize to set SO-PIN and user PIN.\n")
		return nil
	}
	t.showTries("SO-PIN", "SO-PIN tries left    : %d\n", status.SO)
	t.showUserPIN(status.User)
	if status.DKEK != nil {
		t.showDKEK(status.DKEK)
	}
	return nil
}

func (t *tool) showConfiguration(options wire.Options) {
	if options == 0 {
		return
	}
	t.Printf("Config options       :\n")
	if options&wire.OptionResetRetryCounter != 0 {
		t.Printf("  User PIN reset with SO-PIN enabled\n")
	}
	if options&wire.OptionTransportPIN != 0 {
		t.Printf("  Transport-PIN mode enabled\n")
	}
}

func (t *tool) showUserPIN(pin hsm.PINState) {
	switch {
	case pin.PublicKey:
		t.Printf("Public key authentication active.\n")
	case pin.Transport:
		t.Printf("Transport-PIN active. Please change to user selected PIN first.\n")
	default:
		t.showTries("User PIN", "User PIN tries left  : %d\n", pin)
	}
}

// showTries shows the state of a PIN. If another program has verified it in
// this reader's card, the state has no tries.
func (t *tool) showTries(name, format string, pin hsm.PINState) {
	switch {
	case pin.Verified:
		t.Printf("%s verified\n", name)
	case pin.Tries == 0:
		t.Printf("%s locked\n", name)
	default:
		t.Printf(format, pin.Tries)
	}
}

func (t *tool) showDKEK(status *wire.DKEKStatus) {
	t.Printf("DKEK shares          : %d\n", status.Shares)
	if status.Outstanding > 0 {
		t.Printf("DKEK import pending, %d share(s) still missing\n", status.Outstanding)
		return
	}
	t.Printf("DKEK key check value : %s\n", dkek.KCV(status.KCV))
}
