package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"filippo.io/mldsa"

	"conclave/custody"
	"conclave/custody/keyfile"
	"conclave/hsm"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/internal/tty"
	"conclave/wire"
)

type keyRecover struct {
	answering
	tracing
	Wraps []string `arg:"" complete:"files:wrap" type:"input" help:"Files of wrapped keys."`
	dkekSource
	Out         string         `placeholder:"FILE" xor:"target" help:"File to write the private keys to; this or --into is required."`
	Into        string         `placeholder:"DEVICE" xor:"target" complete:"device" help:"Restore the keys to this device instead: one that waits for the DKEK, or has it."`
	Format      string         `default:"pkcs8" enum:"pkcs8,pkcs12" placeholder:"FORMAT" help:"pkcs8: PEM, one key after the other; pkcs12: one key with its certificate. Default: pkcs8."`
	Expanded    bool           `help:"Write the expanded key of ML-DSA keys too, beside the seed, for software that does not compute it."`
	OutPassword secretArgument `name:"out-password" placeholder:"SECRET" help:"Password that the private keys are encrypted under in the file: env:NAME, file:PATH or the password itself. Asked for if absent."`
	Plain       int            `type:"counter" help:"Write the private keys without encryption. Say it twice: --plain --plain."`
	PIN         secretArgument `name:"pin" placeholder:"SECRET" help:"User PIN of the device."`
}

// Validate rejects contradictory options.
func (cmd keyRecover) Validate() error {
	switch {
	case cmd.Out == "" && cmd.Into == "":
		return errors.New("--out FILE or --into DEVICE was expected: where the keys go")
	case cmd.Out == standardOutput:
		return errors.New("--out -: private keys are not written to standard output, which shows their public halves; name a file")
	case cmd.Plain == 1:
		return errors.New("--plain writes private keys that whoever sees the file can use; if that is meant, say it twice: --plain --plain")
	case cmd.Plain > 0 && (cmd.OutPassword != "" || cmd.Format != "pkcs8" || cmd.Into != ""):
		return errors.New("--plain goes only with --out and the format pkcs8, and without a password")
	case cmd.Into != "" && (cmd.OutPassword != "" || cmd.Format != "pkcs8" || cmd.Expanded):
		return errors.New("--format, --expanded and --out-password: they are for --out alone; leave them out")
	case cmd.Into == "" && cmd.PIN != "":
		return errors.New("--pin: it is for --into alone; leave it out")
	case cmd.Format == "pkcs12" && len(cmd.Wraps) != 1:
		return errors.New("--format pkcs12: the file holds one key; call it once for each")
	}
	return cmd.dkekSource.Validate()
}

// recovered is a key that came out of its file.
type recovered struct {
	path   string
	file   wire.WrapFile
	key    any
	public string // its fingerprint; empty where the key does not tell
}

// recoverAnswer is what became of the keys.
type recoverAnswer struct {
	File      string           `json:"file"` // that has all private keys; null where a device has them
	Encrypted bool             `json:"encrypted"`
	Device    string           `json:"device"`
	Keys      []recoveredEntry `json:"keys"`
}

// recoveredEntry is a key that was opened.
type recoveredEntry struct {
	File      string `json:"file"`       // of the wrapped key
	PublicKey string `json:"public_key"` // null where the key does not tell
	Ref       *byte  `json:"ref"`        // in the device
	Present   bool   `json:"present"`    // the device had it
}

// Run opens the keys without a device, and shows their public halves before
// anything is written. Place, password, device and PIN are seen to be right first.
func (cmd keyRecover) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	if cmd.Into != "" {
		into, err := c.home.Find(cmd.Into)
		if err != nil {
			return err
		}
		return c.withDevice(into, func(h *hsm.HSM) error { return cmd.intoDevice(ctx, c, h) })
	}
	return cmd.intoFile(ctx, c)
}

func (cmd keyRecover) intoFile(ctx context.Context, c *console) error {
	place, err := c.reserve(cmd.Out, int64(len(cmd.Wraps))*keyRoom)
	if err != nil {
		return err
	}
	defer place.Release()
	keys, files, err := cmd.read(c)
	if err != nil {
		return err
	}
	var password secret.Bytes
	if cmd.Plain == 0 {
		if password, err = c.askNewPassword(cmd.OutPassword, "the private keys"); err != nil {
			return err
		}
		defer password.Wipe()
	}
	all, err := cmd.open(ctx, c, keys, files)
	if err != nil {
		return err
	}
	defer all.Wipe()
	return cmd.write(c, keys, password, place)
}

func (cmd keyRecover) intoDevice(ctx context.Context, c *console, h *hsm.HSM) error {
	keys, files, err := cmd.read(c)
	if err == nil {
		err = custody.CheckReceiver(h, files)
	}
	if err != nil {
		return err
	}
	pin, err := c.verifiedBeforehand(h, cmd.PIN)
	if err != nil {
		return err
	}
	defer pin.Wipe()
	all, err := cmd.open(ctx, c, keys, files)
	if err != nil {
		return err
	}
	defer all.Wipe()
	return cmd.restore(c, h, pin, all, keys)
}

// read reads all files, and refuses keys that the DKEK can be seen not to open.
func (cmd keyRecover) read(c *console) (keys []recovered, files []custody.Unopened, err error) {
	if files, err = cmd.dkekSource.read(c); err != nil {
		return nil, nil, err
	}
	for _, path := range cmd.Wraps {
		f, err := c.readWrapFile(path)
		if err != nil {
			return nil, nil, err
		}
		if err := custody.CheckWrapped(files, path, f.Blob); err != nil {
			return nil, nil, err
		}
		keys = append(keys, recovered{path: inputName(path), file: f.WrapFile})
	}
	return keys, files, nil
}

// open opens the DKEK, and all keys.
func (cmd keyRecover) open(ctx context.Context, c *console, keys []recovered, files []custody.Unopened) (custody.DKEK, error) {
	all, err := cmd.dkekSource.open(ctx, c, files)
	if err != nil {
		return all, err
	}
	for i := range keys {
		if err := keys[i].open(c, all); err != nil {
			all.Wipe()
			return all, err
		}
	}
	for _, opened := range all.Files {
		c.exit = max(c.exit, exitCodes()[opened.Status])
	}
	return all, nil
}

// open unwraps a key, and shows its public half.
func (k *recovered) open(c *console, all custody.DKEK) (err error) {
	if k.key, _, err = all.Unwrap(k.file.Blob); err != nil {
		return all.Explain(k.path, err)
	}
	text, err := keyfile.PublicPEM(k.key)
	if err != nil {
		c.say("%s: %v\n", filepath.Base(k.path), err)
		return nil
	}
	public, err := keyfile.Public(k.key)
	if err != nil {
		return err
	}
	k.public = public.Fingerprint()
	c.say("%s: public key %s\n%s", filepath.Base(k.path), k.public, tty.Lines(text))
	return k.compare(public)
}

// compare checks that the certificate or request in the file is of this key.
func (k *recovered) compare(own wire.PublicKey) error {
	if k.file.Certificate == nil {
		return nil
	}
	public, err := hsm.ParsePublic(k.file.Certificate)
	if err != nil {
		return nil // there is nothing to compare it with
	}
	if public.Fingerprint() != own.Fingerprint() {
		return &custody.OpenError{Status: custody.Damaged, Err: fmt.Errorf("%s: the certificate in the file is of another key than the one that is wrapped in it; was it put together from two backups?", k.path)}
	}
	return nil
}

// write makes the file, whose place is taken.
func (cmd keyRecover) write(c *console, keys []recovered, password secret.Bytes, place *safefile.Place) error {
	var content []byte
	defer func() { clear(content) }()
	for _, k := range keys {
		encoded, err := cmd.encode(k, password)
		if err != nil {
			return fmt.Errorf("%s: %w", k.path, err)
		}
		content = append(content, encoded...)
		clear(encoded)
	}
	if err := place.Finish(content); err != nil {
		return err
	}
	how := "encrypted under the password"
	if cmd.Plain > 0 {
		how = "WITHOUT ENCRYPTION: whoever sees the file has the keys"
	}
	answer := recoverAnswer{File: cmd.Out, Encrypted: cmd.Plain == 0}
	for _, k := range keys {
		answer.Keys = append(answer.Keys, recoveredEntry{File: k.path, PublicKey: k.public})
	}
	return c.answerf(answer, "Private keys (%d) written to %s, %s\n", len(keys), cmd.Out, how)
}

func (cmd keyRecover) encode(k recovered, password secret.Bytes) ([]byte, error) {
	key := k.key
	if private, is := key.(*mldsa.PrivateKey); is && cmd.Expanded {
		key = keyfile.Expanded{PrivateKey: private}
	}
	switch {
	case cmd.Plain > 0:
		return keyfile.PlainPEM(key)
	case cmd.Format == "pkcs12":
		return keyfile.PKCS12(key, k.x509(), password)
	}
	return keyfile.EncryptedPEM(key, password)
}

// x509 is the certificate in the file; nil if there is a card's request, or
// nothing.
func (k recovered) x509() []byte {
	if c := k.file.Certificate; len(c) > 0 && c[0] == 0x30 {
		return c
	}
	return nil
}

// restore gives the DKEK to a device that waits for it, and the keys. One that the
// device cannot use does not keep the others out.
func (cmd keyRecover) restore(c *console, h *hsm.HSM, pin secret.Bytes, all custody.DKEK, keys []recovered) error {
	if err := all.Give(h, func() (*custody.Journal, error) { return c.journal(h, 0) }); err != nil {
		return fmt.Errorf("%s: %w", cmd.Into, err)
	}
	if err := h.Login(wire.UserPIN, pin); err != nil {
		return err
	}
	answer := &recoverAnswer{Device: cmd.Into, Keys: []recoveredEntry{}}
	failed := c.answerf(answer, "")
	for _, k := range keys {
		restored, err := custody.Restore(h, k.file, custody.Restoring{})
		var present *custody.PresentError
		if errors.As(err, &present) { // an earlier run that was cut off has restored it
			c.say("%s is in %s already, as key %d\n", k.path, cmd.Into, present.Ref)
			answer.Keys = append(answer.Keys, recoveredEntry{k.path, k.public, &present.Ref, true})
			continue
		}
		if err == nil {
			err = c.tellRestored(h, k.path, cmd.Into, restored)
		}
		if err == nil {
			answer.Keys = append(answer.Keys, recoveredEntry{k.path, k.public, &restored.Ref, false})
			continue
		}
		failed = errors.Join(failed, fmt.Errorf("%s: %w", k.path, err))
		var unusable *custody.UnusableError
		if !errors.As(err, &unusable) {
			return failed
		}
	}
	return failed
}

func (c *console) tellRestored(h *hsm.HSM, path, device string, key custody.Restored) error {
	c.noteCompleted(key)
	c.noteUntried(key)
	c.say("%s is restored to %s as key %d\n", path, device, key.Ref)
	return c.noteSameID(h, key.Ref)
}
