//go:build !windows

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"conclave/agent"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/internal/tty"
	"conclave/token/cryptoki"
	"conclave/token/module"
	"conclave/wire"
)

// moduleTest is a test of a module while it goes on.
type moduleTest struct {
	report  pkcs11Report
	module  *module.Module
	token   module.Token
	session module.Session
}

// Run uses a module as a program does, and changes nothing.
func (cmd pkcs11Test) Run(c *console) error {
	path, err := cmd.module()
	if err != nil {
		return err
	}
	t := &moduleTest{report: pkcs11Report{Module: path, Device: c.device, Steps: []pkcs11Step{}}}
	var pin secret.Bytes
	if cmd.PIN != "" {
		if pin, err = c.fromArgument(cmd.PIN, "user PIN"); err != nil {
			return err
		}
		defer pin.Wipe()
	}
	err = t.run(pin)
	t.report.OK = err == nil
	shown := c.answer(t.report, func() error { return t.show(c, pin) })
	return errors.Join(t.explained(c, err), shown)
}

// module is the file of the module, by a path: of a name alone the system looks for a
// library, elsewhere.
func (cmd pkcs11Test) module() (string, error) {
	if cmd.Module == "" {
		return installedModule()
	}
	path, err := filepath.Abs(cmd.Module)
	if err == nil {
		_, err = os.Stat(path)
	}
	return path, err
}

// explained says more of a return value of PKCS#11 than its name, and why a device is no
// token.
func (t *moduleTest) explained(c *console, err error) error {
	var rv cryptoki.RV
	switch {
	case errors.Is(err, errNoToken):
		told := c.withHSM(func(*hsm.HSM) error { return nil })
		if told != nil && failureOf(told).exit != exitNotFound {
			return told
		}
		return err
	case !errors.As(err, &rv):
		return err
	case failureOf(rv).exit == exitPIN:
		// The device says how many tries are left, unless another user's agent has it.
		if told := c.withHSM(t.whyNoLogin); failureOf(told).exit == exitPIN {
			return told
		}
		return err
	}
	return fmt.Errorf("%w; an agent says why in its log, %s, or at a terminal: conclave agent", err, agent.LogOf(c.home))
}

// whyNoLogin is why the token has just refused a login, if it is that of the device.
func (t *moduleTest) whyNoLogin(h *hsm.HSM) error {
	serial, err := h.Serial()
	if err != nil || serial != t.token.Serial {
		return err
	}
	status, err := h.Status()
	switch {
	case err != nil:
		return err
	case status.User.Transport:
		return hsm.ErrTransportPIN
	}
	return &hsm.PINError{Ref: wire.UserPIN, Tries: status.User.Tries}
}

func (t *moduleTest) show(c *console, pin secret.Bytes) error {
	rows := [][]string{{"STEP", "RESULT", "TOOK"}}
	for _, s := range t.report.Steps {
		rows = append(rows, s.row())
	}
	if err := c.showTable(rows); err != nil || !t.report.OK {
		return err
	}
	if pin == nil {
		c.next("with the user PIN each key signs, too: conclave pkcs11 test --pin env:PIN%s", deviceOption(c.device))
	}
	return nil
}

// step does one thing and notes how it went. The error says what was done.
func (t *moduleTest) step(what string, do func() (result string, err error)) error {
	start := time.Now()
	result, err := do()
	s := pkcs11Step{What: what, Result: tty.Printable(result), Seconds: time.Since(start).Seconds()}
	if err != nil {
		s.Error = err.Error()
		err = fmt.Errorf("%s: %w", what, err)
	}
	t.report.Steps = append(t.report.Steps, s)
	return err
}

// run takes all steps, and the module's end last.
func (t *moduleTest) run(pin secret.Bytes) (err error) {
	if err := t.step("load and initialise", func() (string, error) {
		t.module, err = module.Open(t.report.Module)
		return "", err
	}); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, t.step("finalise and unload", func() (string, error) { return "", t.module.Close() }))
	}()
	if err := errors.Join(t.describe(), t.findToken()); err != nil {
		return err
	}
	if err := t.useSession(); err != nil || pin == nil {
		return err
	}
	return t.useKeys(pin)
}

// describe asks the module what it is.
func (t *moduleTest) describe() error {
	return t.step("what the module is", func() (string, error) {
		major, minor, err := t.module.Interface()
		if err != nil {
			return "", err
		}
		t.report.Interface = fmt.Sprintf("%d.%d", major, minor)
		t.report.Description, err = t.module.Describe()
		return fmt.Sprintf("%s, PKCS#11 %s", t.report.Description, t.report.Interface), err
	})
}

// findToken finds the token that the device is, which must have a user PIN.
func (t *moduleTest) findToken() error {
	return t.step("find the token", func() (string, error) {
		tokens, err := t.module.Tokens()
		if err != nil {
			return "", err
		}
		device := t.report.Device
		i := slices.IndexFunc(tokens, func(one module.Token) bool {
			return isSlotOf(device, one.SlotDescription, one.Removable, one.Serial)
		})
		if i < 0 {
			return "", noToken(device, tokens)
		}
		t.token, t.report.Token = tokens[i], tokens[i].Label
		if t.token.Flags&cryptoki.UserPINInitialized == 0 {
			return "", advised(hsm.ErrUninitialised, device, nil)
		}
		return fmt.Sprintf("%s, serial number %s, slot %d; tokens: %d", t.token.Label, t.token.Serial, t.token.Slot, len(tokens)), nil
	})
}

var errNoToken error = missing{errors.New("the module has no token")}

// noToken names the tokens that there are.
func noToken(device string, tokens []module.Token) error {
	if len(tokens) == 0 {
		return fmt.Errorf("%w; conclave hsm list shows the devices, and conclave hsm create makes one", errNoToken)
	}
	var names []string
	for _, one := range tokens {
		names = append(names, fmt.Sprintf("%s (%s)", one.SlotDescription, one.Serial))
	}
	return fmt.Errorf("%w of device %q; it has: %s", errNoToken, device, strings.Join(names, ", "))
}

// useSession does what needs no login.
func (t *moduleTest) useSession() error {
	if err := t.step("open a session", func() (_ string, err error) {
		t.session, err = t.module.Session(t.token.Slot)
		return "", err
	}); err != nil {
		return err
	}
	return errors.Join(t.step("32 random bytes, twice", t.random), t.step("digest, SHA-256", func() (string, error) {
		want := sha256.Sum256([]byte(t.token.Label))
		got, err := t.session.Digest(cryptoki.SHA256, []byte(t.token.Label))
		if err == nil && !bytes.Equal(got, want[:]) {
			err = fmt.Errorf("it is %x; %x was expected", got, want)
		}
		return "", err
	}))
}

func (t *moduleTest) random() (string, error) {
	one, err := t.session.Random(32)
	if err != nil {
		return "", err
	}
	other, err := t.session.Random(32)
	if err == nil && bytes.Equal(one, other) {
		err = errors.New("they are the same")
	}
	return "", err
}

// useKeys logs in, lets each private key sign, and logs out.
func (t *moduleTest) useKeys(pin secret.Bytes) error {
	if err := t.step("log in", func() (string, error) { return "", t.session.Login(pin) }); err != nil {
		return err
	}
	var keys []cryptoki.Handle
	err := t.step("find the private keys", func() (_ string, err error) {
		keys, err = t.session.Find(cryptoki.Template{{Type: cryptoki.AttrClass, Value: cryptoki.Number(cryptoki.ClassPrivateKey)}})
		return count(len(keys), "key"), err
	})
	for _, key := range keys {
		err = errors.Join(err, t.useKey(key))
	}
	return errors.Join(err, t.step("log out", func() (string, error) { return "", t.session.Logout() }))
}

// useKey lets a key sign, finds its public half by its ID, and verifies with that.
func (t *moduleTest) useKey(key cryptoki.Handle) error {
	label, err := t.session.Attribute(key, cryptoki.AttrLabel)
	if err != nil {
		return err
	}
	return t.step(fmt.Sprintf("key %q: sign, and verify", label), func() (string, error) {
		if may, err := t.session.Attribute(key, cryptoki.AttrSign); err != nil || bytes.Equal(may, cryptoki.Bool(false)) {
			return "not tried: it may not sign", err
		}
		how, kind, err := t.signing(key)
		if err != nil || kind == 0 {
			return how, err
		}
		public, err := t.publicHalf(key)
		if err != nil {
			return "", err
		}
		digest := sha256.Sum256(label)
		signature, err := t.session.Sign(kind, key, digest[:])
		if err != nil {
			return "", err
		}
		return how, t.session.Verify(kind, public, digest[:], signature)
	})
}

// signing is how a key signs: with a mechanism that every module has, 0 for none.
func (t *moduleTest) signing(key cryptoki.Handle) (how string, kind cryptoki.MechanismType, err error) {
	value, err := t.session.Attribute(key, cryptoki.AttrKeyType)
	if err != nil {
		return "", 0, err
	}
	switch keyType, err := cryptoki.ParseNumber[cryptoki.KeyType](value); keyType {
	case cryptoki.KeyRSA:
		return "RSA, SHA-256", cryptoki.SHA256RSAPKCS, err
	case cryptoki.KeyEC:
		return "ECDSA", cryptoki.ECDSA, err
	default:
		return "not tried: neither RSA nor EC", 0, err
	}
}

// publicHalf finds the public key that has the ID of a private one.
func (t *moduleTest) publicHalf(key cryptoki.Handle) (cryptoki.Handle, error) {
	id, err := t.session.Attribute(key, cryptoki.AttrID)
	if err != nil {
		return 0, err
	}
	found, err := t.session.Find(cryptoki.Template{
		{Type: cryptoki.AttrClass, Value: cryptoki.Number(cryptoki.ClassPublicKey)}, {Type: cryptoki.AttrID, Value: id},
	})
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("public keys with the ID %x: %d; 1 was expected", id, len(found))
	}
	if err != nil {
		return 0, err
	}
	return found[0], nil
}
