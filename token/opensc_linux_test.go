package token

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/foreign"
	"conclave/internal/pcscdtest"
	"conclave/internal/testrun"
	"conclave/link"
	"conclave/link/pcsc"
	"conclave/token/cryptoki"
	"conclave/wire"
)

func TestMain(m *testing.M) { os.Exit(pcscdtest.Wrap(m).Run()) }

// readerSlot is the slot of pcscd's first virtual reader.
var readerSlot = slotID("pcsc:" + pcscdtest.Reader)

// insert puts an embedded device into the virtual reader, until remove is called. Both
// return when the reader shows it.
func (d *desk) insert(name string) (remove func()) {
	d.Helper()
	card, err := d.home.OpenCard(name, "a test", nil)
	if err != nil {
		d.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		link.Keep(ctx, link.TCP(pcscdtest.VPCD), card, wire.ATR(), func(link.State, error) {})
	}()
	d.awaitCard(true)
	removed := false
	remove = func() {
		if !removed {
			removed = true
			cancel()
			<-done
			card.Close()
			d.awaitCard(false)
		}
	}
	d.Cleanup(remove)
	return remove
}

// awaitCard waits until the reader has a card, or has none.
func (d *desk) awaitCard(there bool) {
	d.Helper()
	for patience := testrun.Patience(d); ; {
		var l pcsc.Lookout
		states, err := l.Look()
		l.Close()
		for _, s := range states {
			if err == nil && s.Name == pcscdtest.Reader && s.Card == there {
				return
			}
		}
		if patience.Err() != nil {
			d.Fatalf("the reader does not change: %v, %v", states, err)
		}
	}
}

// openSC is the path of OpenSC's module.
func openSC(t *testing.T) string {
	t.Helper()
	foreign.Need(t, "pkcs11-tool", "p11tool")
	found, err := filepath.Glob("/usr/lib/*/opensc-pkcs11.so")
	if err != nil || len(found) == 0 {
		foreign.Need(t, "opensc-pkcs11.so")
	}
	return found[0]
}

// tokenURI is the PKCS#11 URI of a token (RFC 7512), as p11tool prints it.
func tokenURI(i *TokenInfo) string {
	escape := func(s string) string { return strings.ReplaceAll(url.PathEscape(s), "+", "%2B") }
	return fmt.Sprintf("pkcs11:model=%s;manufacturer=%s;serial=%s;token=%s",
		escape(i.Model), escape(i.Manufacturer), escape(i.Serial), escape(i.Label))
}

// TestTokensAreNamedAsOpenSCNamesThem, embedded or in a reader, so that URIs go on
// working when OpenSC's module is exchanged for ours.
func TestTokensAreNamedAsOpenSCNamesThem(t *testing.T) {
	module := openSC(t)
	pcscdtest.Start(t)
	const none = "never initialised"
	for i, label := range []string{none, "", "root", "a label of 22 letters.", "a label of thirty-two letters .."} {
		d := newDesk(t)
		name := fmt.Sprint("device-", i)
		if label != none {
			d.make(name, label, 0)
		} else if _, err := d.home.Create(name); err != nil {
			t.Fatal(err)
		}
		remove := d.insert(name)
		out, err := exec.Command("p11tool", "--provider", module, "--list-token-urls").Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []SlotID{slotID(name), readerSlot} {
			token := d.info(id).Token
			if token == nil {
				t.Fatalf("slot %d shows no token", id)
			}
			if want := tokenURI(token); !strings.Contains(string(out), want+"\n") {
				t.Errorf("ours is %s; OpenSC's module has\n%s", want, out)
			}
		}
		d.library.Close()
		remove()
	}
}

// TestTokensTellWhatOpenSCTells of tries and versions.
func TestTokensTellWhatOpenSCTells(t *testing.T) {
	module := openSC(t)
	pcscdtest.Start(t)
	d := newDesk(t)
	d.make("default", "root", 0)
	defer d.insert("default")()
	session := d.session(readerSlot)
	const always = "login required, rng, token initialized, "
	for _, test := range []struct{ wrong, flags string }{
		{"", always + "PIN initialized"},
		{"000000", always + "user PIN count low, PIN initialized"},
		{"000001", always + "final user PIN try, PIN initialized"},
		{"000002", always + "PIN initialized, user PIN locked"},
	} {
		if test.wrong != "" {
			session.logIn(test.wrong)
		}
		out, err := exec.Command("pkcs11-tool", "--module", module, "-L").Output()
		if err != nil {
			t.Fatal(err)
		}
		i := d.info(readerSlot).Token
		for _, want := range []string{
			"flags        : " + test.flags,
			fmt.Sprintf("hardware version   : %d.%d", i.Hardware[0], i.Hardware[1]),
			fmt.Sprintf("firmware version   : %d.%d", i.Firmware[0], i.Firmware[1]),
		} {
			if !strings.Contains(string(out), want+"\n") {
				t.Errorf("%q was expected in\n%s", want, out)
			}
		}
		if embedded := d.info(slotID("default")).Token; embedded == nil || *embedded != *i {
			t.Errorf("embedded it tells %+v, in a reader %+v", embedded, i)
		}
		low := test.wrong != ""
		final, blocked := test.wrong == "000001", test.wrong == "000002"
		for flag, want := range map[cryptoki.Flags]bool{
			cryptoki.UserPINCountLow: low && !blocked, cryptoki.UserPINFinalTry: final, cryptoki.UserPINBlocked: blocked,
		} {
			if (i.Flags&flag != 0) != want {
				t.Errorf("after %q the flags are %X", test.wrong, i.Flags)
			}
		}
	}
}
