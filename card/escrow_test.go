package card

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"conclave/apdu"
	"conclave/card/store"
	"conclave/card/store/memory"
	"conclave/internal/keyop"
	"conclave/internal/secret"
	"conclave/wire"
)

// TestWhatTheSOPINOpens: who has the file and the SO-PIN, and needs no command of
// the card, gets what the options let the SO-PIN do, and no more. Beside a new
// device this is one whose PINs were changed.
func TestWhatTheSOPINOpens(t *testing.T) {
	const all = wire.OptionResetRetryCounter
	for _, change := range []wire.PINReference{0, wire.UserPIN, wire.SOPIN} {
		for options, escrow := range map[wire.Options]bool{all: true, 0: false, all | wire.OptionUnblockOnly: false} {
			s, so := deviceOf(t, options, change)
			err := s.View(func(r store.Reader) error {
				var now state
				if err := now.read(r); err != nil {
					return err
				}
				opened := opens(t, r, so)
				if key, err := so.storageKey(r, &now); err == nil {
					opened = append(opened, opens(t, r, key)...)
				} else if !errors.Is(err, apdu.CommandNotAllowed) {
					return err
				}
				want := []string{"7"} // the device key
				if escrow {
					want = []string{"5", "7", "8", "key 0", "key 1"}
				}
				if slices.Sort(opened); !slices.Equal(opened, want) {
					t.Errorf("options %02X, PIN %02X changed: %q are open to the SO-PIN; %q were expected", options, change, opened, want)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// deviceOf makes a device with a DKEK and a key, changes a PIN to itself, and gives
// the vault that the SO-PIN opens.
func deviceOf(t *testing.T, options wire.Options, change wire.PINReference) (store.Store, *vault) {
	t.Helper()
	s := memory.New()
	issuer, err := NewDeviceIssuer(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Manufacture(s, issuer, time.Now()); err != nil {
		t.Fatal(err)
	}
	c, err := New(s, Config{Keys: keyop.Go(), PINCost: PINCost{Time: 1, Memory: 8, Threads: 1}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	pins := map[wire.PINReference]secret.Bytes{wire.UserPIN: secret.Bytes("648219"), wire.SOPIN: secret.Bytes("57621880")}
	init, err := wire.Initialization{Options: options, UserPIN: pins[wire.UserPIN], SOPIN: pins[wire.SOPIN], Retries: 3}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	request, err := wire.KeyRequest{CAR: "UTCA00001", CHR: "ZZCL000000100001", Key: wire.RSATemplate(1024)}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	commands := []apdu.Command{{CLA: 0x80, INS: wire.InsInitializeDevice, Data: init}, {INS: wire.InsGenerateKeyPair, P1: 1, Data: request, Ne: apdu.MaxExtendedNe}}
	if pin := pins[change]; pin != nil {
		commands = append(commands, apdu.Command{INS: wire.InsChangeReferenceData, P2: byte(change), Data: append(pin.Clone(), pin...)})
	}
	for _, cmd := range commands {
		if r, err := apdu.Exchange(c, cmd); err != nil || r.SW != apdu.OK {
			t.Fatalf("%02X: %v, %v", cmd.INS, r.SW, err)
		}
	}
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	g, err := c.checkPIN(wire.SOPIN, pins[wire.SOPIN])
	if err != nil {
		t.Fatal(err)
	}
	return s, g.vault
}

// opens names the records that a vault opens.
func opens(t *testing.T, r store.Reader, v *vault) (names []string) {
	t.Helper()
	for kind, prefix := range map[store.Kind]string{kindDevice: "", kindKey: "key ", kindProtected: "file "} {
		ids, err := r.List(kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if _, err := v.get(r, kind, id); err == nil {
				names = append(names, prefix+string(rune('0'+id)))
			}
		}
	}
	return names
}

// TestSealedRecordTakesNoOthersPlace: a record opens as itself, under the storage key
// that it was sealed under.
func TestSealedRecordTakesNoOthersPlace(t *testing.T) {
	var vaults [2]*vault
	for i := range vaults {
		var err error
		if vaults[i], err = newVault(); err != nil {
			t.Fatal(err)
		}
	}
	v := vaults[0]
	sealed := v.seal(kindKey, 1, []byte("a key"))
	for _, c := range []struct {
		v     *vault
		kind  store.Kind
		id    uint16
		opens bool
	}{{v, kindKey, 1, true}, {v, kindKey, 2, false}, {v, kindProtected, 1, false}, {v, kindDevice, 1, false}, {vaults[1], kindKey, 1, false}} {
		if _, err := c.v.open(c.kind, c.id, sealed); (err == nil) != c.opens {
			t.Errorf("record %d of kind %d: %v", c.id, c.kind, err)
		}
	}
}
