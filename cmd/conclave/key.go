package main

import (
	"cmp"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/keycheck"
	"conclave/internal/tty"
	"conclave/wire"
)

type keyCommands struct {
	Generate    keyGenerate    `cmd:"" help:"Generate a key."`
	List        keyList        `cmd:"" help:"List the keys."`
	Wrap        keyWrap        `cmd:"" help:"Back up a key: wrap it to a file."`
	Unwrap      keyUnwrap      `cmd:"" help:"Restore a key from a file."`
	Import      keyImport      `cmd:"" help:"Bring a key that was made elsewhere to the device."`
	Certificate keyCertificate `cmd:"" help:"Give a key its certificate, or what shows its public half."`
	Delete      keyDelete      `cmd:"" help:"Delete a key."`
	Sign        keySign        `cmd:"" help:"Sign a file."`
	Public      keyPublic      `cmd:"" help:"Show the public half of a key."`
	Recover     keyRecover     `cmd:"" help:"Open wrapped keys without a device, when none is left."`
}

// userLogin are the options of the commands that use a key of the device.
type userLogin struct {
	onDevice
	PIN secretArgument `name:"pin" placeholder:"SECRET" help:"The user PIN: env:NAME, file:PATH or the PIN itself. Asked for if absent."`
}

// keyType is the kind of a new key on the command line: rsa:BITS, ec:CURVE or ml-dsa-N.
type keyType struct{ template wire.PublicKey }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *keyType) UnmarshalText(text []byte) (err error) {
	t.template, err = wire.ParseKeyType(string(text))
	return err
}

func (t keyType) strong() error { return keycheck.Strong(t.template.Bits, t.template.CurveBits()) }

// hexBytes are bytes as hex digits on the command line, with colons between them or not.
type hexBytes []byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	if *b, err = hex.DecodeString(strings.ReplaceAll(string(text), ":", "")); err != nil {
		return fmt.Errorf("%q is not hexadecimal", text)
	}
	return nil
}

type keyGenerate struct {
	answering
	userLogin
	Type       keyType  `required:"" placeholder:"TYPE" complete:"words:rsa:2048 rsa:3072 rsa:4096 ec:secp256r1 ec:secp384r1 ec:secp521r1 ec:brainpoolP256r1 ec:brainpoolP384r1 ec:brainpoolP512r1 ec:secp256k1 ml-dsa-44 ml-dsa-65 ml-dsa-87" help:"rsa:2048, rsa:3072, rsa:4096, or ec: and a curve, such as ec:secp256r1; on devices of Conclave's own ml-dsa-44, ml-dsa-65 or ml-dsa-87."`
	Label      string   `help:"Label of the key."`
	ID         hexBytes `name:"id" placeholder:"HEX" help:"Identifier of the key (CKA_ID). Absent: its reference."`
	Ref        uint8    `placeholder:"N" help:"Reference of the key. Absent: the lowest free one."`
	Uses       *uint32  `placeholder:"N" help:"How often the key can be used. Such a key cannot be wrapped."`
	Algorithms hexBytes `placeholder:"HEX" help:"The algorithm bytes that the key allows, such as 3392 for SHA-256 with PKCS#1 and for wrapping. Absent: all."`
	Weak       bool     `help:"Make a key of a type that is no longer safe: RSA with fewer than 2048 bits, or on a curve with fewer than 224."`
}

// Validate refuses a weak key that no one insists on, and one that allows nothing that its
// type can do.
func (cmd keyGenerate) Validate() error {
	if err := cmd.Type.strong(); err != nil && !cmd.Weak {
		return fmt.Errorf("--type: %w; if such a key is meant, for a test or for something old: --weak", err)
	}
	if cmd.Uses != nil && *cmd.Uses == 0 {
		return errors.New("--uses: a key that cannot be used once; a number from 1 on was expected")
	}
	usable := func(a byte) bool { return wire.Algorithm(a).IsOf(cmd.Type.template.Type) }
	if len(cmd.Algorithms) > 0 && !slices.ContainsFunc(cmd.Algorithms, usable) {
		return fmt.Errorf("--algorithms: none of %x is for a key of this type, and nothing could be done with it; 2x, 3x and 4x are for RSA, 7x (ECDSA) and 80 (ECDH) for elliptic curves, 60 for ML-DSA", []byte(cmd.Algorithms))
	}
	return nil
}

// Run generates the key.
func (cmd keyGenerate) Run(c *console) error {
	if err := cmd.Type.strong(); err != nil {
		c.warn("%v", err)
	}
	return c.withLogin(cmd.PIN, func(h *hsm.HSM) error {
		var key hsm.Key
		err := c.waiting("generating the key", func() error {
			ref, request, err := h.GenerateKey(hsm.NewKey{
				Ref: cmd.Ref, Key: cmd.Type.template, Label: cmd.Label, ID: cmd.ID, KeyLimits: wire.KeyLimits{UseCounter: cmd.Uses, Algorithms: cmd.Algorithms},
			})
			if err == nil {
				key = hsm.Key{Ref: ref, Public: &request.Request.Key}
			}
			return err
		})
		if err != nil {
			return err
		}
		if made, err := h.Key(key.Ref); err == nil { // with what it is called
			key.Description = made.Description
		}
		if err := c.answerf(newKeyEntry(key), "Key %d is generated: %s, public key %s\n", key.Ref, key.Size(), key.Public.Fingerprint()); err != nil {
			return err
		}
		if err := c.noteSameID(h, key.Ref); err != nil {
			return err
		}
		return cmd.nextBackup(c, h, key.Ref)
	})
}

// nextBackup says how a new key is backed up, or that it cannot be.
func (keyGenerate) nextBackup(c *console, h *hsm.HSM, ref byte) error {
	status, err := h.DKEK()
	device := deviceOption(c.device)
	switch {
	case err != nil:
		return err
	case status == nil:
		c.next("the key cannot be backed up, since the device was initialised without a DKEK; for one that can: conclave hsm init --dkek-shares 1%s, which erases it", device)
	case status.Outstanding > 0:
		c.next("before it can be backed up the device needs its DKEK: conclave dkek import FILE%s", device)
	default:
		c.next("back it up: conclave key wrap %d FILE%s; or all of the device: conclave backup DIR%s", ref, device, device)
	}
	return nil
}

type keyList struct {
	answering
	onDevice
}

type keyListing struct {
	Keys []keyEntry `json:"keys"`
}

// keyEntry is a key in a list, or one that something was done with. What the device
// does not tell is empty.
type keyEntry struct {
	Ref       byte   `json:"ref"`
	Type      string `json:"type"` // such as RSA-2048 or secp256r1
	Label     string `json:"label"`
	ID        string `json:"id"`         // hex
	PublicKey string `json:"public_key"` // SHA-256 of the SubjectPublicKeyInfo, hex
}

// Run lists the keys.
func (keyList) Run(c *console) error {
	return c.withHSM(func(h *hsm.HSM) error {
		keys, err := h.Keys()
		if err != nil {
			return err
		}
		for _, k := range keys {
			c.notePublic(k)
		}
		list := newKeyListing(keys)
		return c.answer(list, func() error { return c.showTable(list.rows()) })
	})
}

func newKeyListing(keys []hsm.Key) keyListing {
	list := keyListing{[]keyEntry{}}
	for _, k := range keys {
		list.Keys = append(list.Keys, newKeyEntry(k))
	}
	return list
}

func (l keyListing) rows() [][]string {
	rows := [][]string{{"REF", "TYPE", "LABEL", "ID", "PUBLIC KEY (SHA-256)"}}
	for _, e := range l.Keys {
		rows = append(rows, []string{strconv.Itoa(int(e.Ref)), e.Type, e.Label, e.ID, cmp.Or(e.PublicKey, "unknown")})
	}
	return rows
}

func newKeyEntry(k hsm.Key) keyEntry {
	entry := keyEntry{Ref: k.Ref, Type: k.Size(), PublicKey: k.Public.Fingerprint()}
	if d := k.Description; d != nil {
		entry.Label, entry.ID = d.Label, hex.EncodeToString(d.ID)
	}
	return entry
}

type keyDelete struct {
	answering
	userLogin
	Key keyName `arg:"" help:"The key: its reference, label:NAME or id:HEX."`
	Yes bool    `help:"Ask nothing."`
}

// Run deletes the key.
func (cmd keyDelete) Run(c *console) error {
	return c.withHSM(func(h *hsm.HSM) error {
		key, err := cmd.Key.find(h)
		if err != nil {
			return err
		}
		if err := confirmLoss(c, cmd.Yes, fmt.Sprintf("Deleting key %d (%s) destroys it", key.Ref, describe(key)), key); err != nil {
			return err
		}
		if err := c.login(h, cmd.PIN); err != nil {
			return err
		}
		if err := h.DeleteKey(key.Ref); err != nil {
			return err
		}
		return c.answerf(newKeyEntry(key), "Key %d is deleted.\n", key.Ref)
	})
}

// confirmLoss lets the user type what a key is called that is about to be destroyed, and
// its reference where a backup of it is known: who deletes the only copy shall know which
// key it is.
func confirmLoss(c *console, yes bool, loss string, key hsm.Key) error {
	records, err := custody.NotedBackups(c.home.Backups())
	if err != nil {
		c.warn("which keys are backed up is not known: %v", err)
	}
	reference := strconv.Itoa(int(key.Ref))
	if r, state := custody.LatestBackup(records, key.Public.Fingerprint()); state.Holds() {
		loss += fmt.Sprintf("; its backup of %s is %s", r.Time.Local().Format(time.DateOnly), r.Path)
		return c.confirm(yes, loss, "its reference", reference)
	}
	loss += ", and it is NOT BACKED UP, as far as this computer knows"
	if yes {
		c.warn("%s", loss)
	}
	if d := key.Description; d != nil && d.Label != "" && d.Label == strings.TrimSpace(tty.Printable(d.Label)) {
		return c.confirm(yes, loss, "its label", d.Label)
	}
	return c.confirm(yes, loss, "its reference", reference)
}

func describe(k hsm.Key) string {
	if k.Description == nil || k.Description.Label == "" {
		return k.Size()
	}
	return fmt.Sprintf("%s, %q", k.Size(), k.Description.Label)
}

type keyPublic struct {
	answering
	onDevice
	Key    keyName `arg:"" help:"The key: its reference, label:NAME or id:HEX."`
	Format string  `enum:"pem,der" default:"pem" placeholder:"FORMAT" help:"pem or der. Default: pem."`
	Out    string  `default:"-" placeholder:"FILE" help:"File to write, or - for standard output. Default: -."`
}

// Run writes a SubjectPublicKeyInfo.
func (cmd keyPublic) Run(c *console) error {
	out, err := c.reserveOutput(cmd.Out, keyRoom, cmd.Format == "der")
	if err != nil {
		return err
	}
	defer out.release()
	return c.withHSM(func(h *hsm.HSM) error {
		key, err := cmd.Key.find(h)
		if err != nil {
			return err
		}
		public, err := h.PublicKey(key.Ref)
		if err != nil {
			return err
		}
		content, err := public.SPKI()
		if err != nil {
			return err
		}
		if cmd.Format == "pem" {
			content = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: content})
		}
		if err := c.write(&out, content); err != nil {
			return err
		}
		return c.answerf(keyOutput{newKeyEntry(key), out}, "")
	})
}

// keyOutput is a file that was made with a key, or of it.
type keyOutput struct {
	keyEntry
	output
}
