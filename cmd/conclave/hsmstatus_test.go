package main

import (
	"slices"
	"testing"

	"conclave/wire"
)

// TestStatusOfOtherDevices: what a device has is shown, and what it needs others for.
func TestStatusOfOtherDevices(t *testing.T) {
	s := deviceStatus{
		Initialised: true, UserPIN: &pinStatus{Tries: 3}, SOPIN: &pinStatus{Tries: 15},
		KeyDomains: newKeyDomains([]*wire.DKEKStatus{nil, {Shares: 2, Outstanding: 1}, nil}),
		PublicKeys: newPublicKeys(&wire.PublicKeyStatus{Total: 3, Missing: 1, Required: 2}),
	}
	rows := s.rows()
	for _, want := range [][]string{
		{"Public keys", "2 of 3 are registered, and 2 must log in, which is not possible here: it takes the tools of the device's maker"},
		{"DKEK", "none in key domain 0, where new keys go; they cannot be wrapped"},
		{"Key domain 1", "DKEK 1 of 2 shares still to be imported; its keys can be used, wrapped and restored, and the rest takes the tools of the device's maker"},
		{"Key domain 2", "not set up, and not used here"},
	} {
		if !slices.ContainsFunc(rows, func(row []string) bool { return slices.Equal(row, want) }) {
			t.Errorf("no row %q in %q", want, rows)
		}
	}
}
