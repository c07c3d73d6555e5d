package token

import (
	"strings"
	"testing"

	"conclave/hsm"
	"conclave/token/cryptoki"
)

func TestTokenFlags(t *testing.T) {
	const always = cryptoki.TokenRNG | cryptoki.LoginRequired
	const initialised = always | cryptoki.TokenInitialized | cryptoki.UserPINInitialized
	user := func(n int) hsm.Status {
		return hsm.Status{Initialised: true, User: hsm.PINState{Tries: n}, SO: hsm.PINState{Tries: 15}}
	}
	so := func(n int) hsm.Status {
		return hsm.Status{Initialised: true, User: hsm.PINState{Tries: 3}, SO: hsm.PINState{Tries: n}}
	}
	state := func(p hsm.PINState) hsm.Status {
		return hsm.Status{Initialised: true, User: p, SO: hsm.PINState{Tries: 15}}
	}
	for name, test := range map[string]struct {
		status hsm.Status
		want   cryptoki.Flags
	}{
		"never initialised":    {hsm.Status{}, always},
		"all tries":            {user(3), initialised},
		"more tries":           {user(10), initialised},
		"two tries":            {user(2), initialised | cryptoki.UserPINCountLow},
		"one try":              {user(1), initialised | cryptoki.UserPINCountLow | cryptoki.UserPINFinalTry},
		"blocked":              {user(0), initialised | cryptoki.UserPINBlocked},
		"logged in":            {state(hsm.PINState{Verified: true}), initialised},
		"transport PIN":        {state(hsm.PINState{Transport: true}), initialised | cryptoki.UserPINToBeChanged},
		"keys log in":          {state(hsm.PINState{PublicKey: true}), initialised},
		"SO-PIN, 14 tries":     {so(14), initialised | cryptoki.SOPINCountLow},
		"SO-PIN, one try":      {so(1), initialised | cryptoki.SOPINCountLow | cryptoki.SOPINFinalTry},
		"SO-PIN, blocked":      {so(0), initialised | cryptoki.SOPINBlocked},
		"both of them blocked": {hsm.Status{Initialised: true}, initialised | cryptoki.UserPINBlocked | cryptoki.SOPINBlocked},
	} {
		if got := tokenFlags(test.status); got != test.want {
			t.Errorf("%s: flags %X; %X was expected", name, got, test.want)
		}
	}
}

func TestTokenLabels(t *testing.T) {
	for _, test := range []struct{ label, want string }{
		{"root", "root (UserPIN)"},
		{"a label of 22 letters.", "a label of 22 letters. (UserPIN)"},
		{"a label of 23 letters..", "a label of 23 lette... (UserPIN)"},
		{strings.Repeat("x", 32), strings.Repeat("x", 19) + "... (UserPIN)"},
		{"Müller: TLS", "Müller. TLS (UserPIN)"},
	} {
		if got := tokenLabel(test.label); got != test.want {
			t.Errorf("%q became %q; %q was expected", test.label, got, test.want)
		}
	}
}
