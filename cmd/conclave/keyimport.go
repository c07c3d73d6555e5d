package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"conclave/custody"
	"conclave/custody/keyfile"
	"conclave/hsm"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/internal/tty"
	"conclave/wire"
)

type keyImport struct {
	answering
	userLogin
	File string `arg:"" complete:"files" type:"input" help:"Key file: PKCS#8, PKCS#1, SEC 1, PKCS#12 or JWK; with --from-dkek a wrapped key."`
	dkekSource
	fromDKEK
	Password    secretArgument `placeholder:"SECRET" help:"Password of the key file: env:NAME, file:PATH or the password itself. Asked for if absent."`
	Certificate string         `placeholder:"FILE" type:"input" help:"Certificate of the key, in place of that in the key file."`
	Label       string         `help:"Label of the key. Absent: the name that the key file gives it, or the file's own."`
	ID          hexBytes       `name:"id" placeholder:"HEX" help:"Identifier of the key (CKA_ID). Absent: its reference."`
	Ref         uint8          `placeholder:"N" help:"Reference of the key. Absent: the lowest free one."`
}

// fromDKEK is the DKEK that a wrapped key is under, if it is another than the
// device's.
type fromDKEK struct {
	FromDKEK         []string       `name:"from-dkek" sep:"none" placeholder:"FILE" complete:"files:pbe" help:"Share file of the DKEK that the wrapped key is under; once for each of its shares."`
	FromSheetsFile   []string       `sep:"none" placeholder:"FILE" help:"File with the sheets that open that share file, - for standard input; once for each, in the same order."`
	FromDKEKPassword secretArgument `name:"from-dkek-password" placeholder:"SECRET" help:"Password of those share files."`
}

func (f fromDKEK) source() optionalDKEK {
	return optionalDKEK{DKEK: f.FromDKEK, SheetsFile: f.FromSheetsFile, DKEKPassword: f.FromDKEKPassword}
}

// Validate rejects contradictory options.
func (cmd keyImport) Validate() error {
	if len(cmd.FromDKEK) == 0 && (len(cmd.FromSheetsFile) > 0 || cmd.FromDKEKPassword != "") {
		return errors.New("--from-dkek FILE was expected: the share file that they open")
	}
	return errors.Join(cmd.dkekSource.Validate(), cmd.fromDKEK.source().Validate())
}

// Run judges the key and looks at the device before the custodians are asked.
func (cmd keyImport) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	if len(cmd.FromDKEK) > 0 { // custodians come for the key itself, before the device is looked at
		if err := c.withHSM(func(h *hsm.HSM) error { _, err := cmd.ready(c, h); return err }); err != nil {
			return err
		}
	}
	key, source, err := cmd.read(ctx, c)
	if err != nil {
		return err
	}
	defer source.Wipe()
	return c.withHSM(func(h *hsm.HSM) error { return cmd.into(ctx, c, h, key, source) })
}

// into brings the key to the device, once the custodians have come.
func (cmd keyImport) into(ctx context.Context, c *console, h *hsm.HSM, key custody.Incoming, source *keyfile.Source) error {
	if err := key.Check(h, cmd.Ref); err != nil {
		return fmt.Errorf("%s: %w", cmd.File, err)
	}
	files, err := cmd.ready(c, h)
	if err != nil {
		return err
	}
	pin, err := c.verifiedBeforehand(h, cmd.PIN)
	if err != nil {
		return err
	}
	defer pin.Wipe()
	all, err := cmd.dkekSource.open(ctx, c, files)
	if err != nil {
		return err
	}
	defer all.Wipe()
	imported, err := cmd.give(c, h, pin, key, all)
	if err != nil {
		return err
	}
	err = c.answer(newRestoredEntry(imported), func() error {
		cmd.report(c, imported, source)
		return nil
	})
	c.noteUntried(imported)
	err = errors.Join(err, c.noteSameID(h, imported.Ref))
	c.leavesChain("this key", importByCeremony, files...)
	return err
}

// ready reads the share files, and refuses a device that can be seen not to take their DKEK.
func (cmd keyImport) ready(c *console, h *hsm.HSM) ([]custody.Unopened, error) {
	files, err := cmd.dkekSource.read(c)
	if err == nil {
		err = custody.CheckReceiver(h, files)
	}
	return files, err
}

// maxLabel is how many bytes of a name that a file gives its key are taken.
const maxLabel = 100

// read reads the file, and tells what is to be said of the key.
func (cmd keyImport) read(ctx context.Context, c *console) (k custody.Incoming, source *keyfile.Source, err error) {
	if len(cmd.FromDKEK) > 0 {
		k, source, err = cmd.readWrapped(ctx, c)
	} else {
		k, source, err = cmd.readFile(c)
	}
	if err != nil {
		return k, nil, err
	}
	if cmd.Certificate != "" {
		if k.Certificate, err = cmd.certificate(k); err != nil {
			source.Wipe()
			return k, nil, err
		}
	}
	if k.Label == "" || len(k.Label) > maxLabel {
		name := filepath.Base(cmd.File)
		k.Label = strings.TrimSuffix(name, filepath.Ext(name))
	}
	k.Label = tty.Printable(k.Label) // other programs show it as it is
	if cmd.Label != "" {
		k.Label = cmd.Label
	}
	if len(cmd.ID) > 0 {
		k.ID = cmd.ID
	}
	if len(source.Chain) > 0 {
		c.note("conclave: other certificates in the file: %d; they do not go to the device: keep them where the chain is served from", len(source.Chain))
	}
	return k, source, nil
}

// certificate reads the certificate of the key.
func (cmd keyImport) certificate(k custody.Incoming) ([]byte, error) {
	certificate, err := readKeyCertificate(cmd.Certificate, &k.Public)
	if err != nil {
		return nil, err
	}
	public, err := hsm.ParsePublic(certificate)
	if err == nil && !public.Equal(k.Public) {
		err = fmt.Errorf("%s: the certificate is another key's; give the one that belongs to this key", cmd.Certificate)
	}
	return certificate, err
}

// readFile reads a key file.
func (cmd keyImport) readFile(c *console) (k custody.Incoming, source *keyfile.Source, err error) {
	content, err := safefile.Read(cmd.File, keyfile.MaxFile)
	if err != nil {
		return k, nil, err
	}
	defer clear(content)
	for {
		source, err = keyfile.Read(content, func() (secret.Bytes, error) { return c.ask(cmd.Password, "password of "+cmd.File) })
		if cmd.Password != "" || !errors.Is(err, keyfile.ErrPassword) || !c.prompts.TellMistake(err) {
			break
		}
	}
	if err != nil {
		return k, nil, fmt.Errorf("%s: %w", cmd.File, err)
	}
	if k, err = cmd.judge(c, source); err != nil {
		return k, nil, err
	}
	if safefile.Exposed(cmd.File) {
		c.warn("others on this machine can read %s, and may have copied it; type: chmod 600 %s", cmd.File, safefile.Quoted(cmd.File))
	}
	k.Certificate, k.Label = source.Certificate, source.Label
	return k, source, nil
}

// readWrapped opens a wrapped key, whose description goes with it.
func (cmd keyImport) readWrapped(ctx context.Context, c *console) (k custody.Incoming, source *keyfile.Source, err error) {
	file, err := c.readWrapFile(cmd.File)
	if err != nil {
		return k, nil, err
	}
	wrapped := recovered{path: cmd.File, file: file.WrapFile}
	from := cmd.fromDKEK.source()
	files, err := from.read(c)
	if err == nil {
		err = custody.CheckWrapped(files, cmd.File, file.Blob)
	}
	if err != nil {
		return k, nil, err
	}
	all, err := from.open(ctx, c, files)
	if err != nil {
		return k, nil, err
	}
	defer all.Wipe()
	key, metadata, err := all.Unwrap(wrapped.file.Blob)
	if err != nil {
		return k, nil, all.Explain(cmd.File, err)
	}
	source = &keyfile.Source{Key: key, Form: "a wrapped key", Encrypted: true}
	if k, err = cmd.judge(c, source); err != nil {
		return k, nil, err
	}
	if err := wrapped.compare(k.Public); err != nil {
		source.Wipe()
		return k, nil, err
	}
	k.Metadata = metadata
	if _, err := hsm.ParsePublic(wrapped.file.Certificate); err == nil { // no program finds the key by another one
		k.Certificate = wrapped.file.Certificate
	}
	if d, err := wire.ParsePrKD(wrapped.file.Description); err == nil {
		k.Label, k.ID = d.Label, d.ID
	}
	return k, source, nil
}

// judge tells of a weak key; one that is refused is wiped.
func (cmd keyImport) judge(c *console, source *keyfile.Source) (custody.Incoming, error) {
	k, finding, err := custody.NewIncoming(source.Key)
	if err != nil {
		source.Wipe()
		return k, fmt.Errorf("%s: %w", cmd.File, err)
	}
	if finding != nil {
		c.warn("the key is carried on as it is, but no new certificate would be made for it: %v", finding)
	}
	return k, nil
}

// give gives the key to the device, after its DKEK if it waits for that.
func (cmd keyImport) give(c *console, h *hsm.HSM, pin secret.Bytes, key custody.Incoming, all custody.DKEK) (r custody.Restored, err error) {
	if err := custody.CheckDKEK(h, all); err != nil {
		return r, err
	}
	if err := all.Give(h, func() (*custody.Journal, error) { return c.journal(h, 0) }); err != nil {
		return r, err
	}
	if err := h.Login(wire.UserPIN, pin); err != nil {
		return r, err
	}
	err = c.waiting("importing the key", func() error {
		r, err = cmd.alone(c, h, key, all)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("%s: %w", cmd.File, err)
	}
	for _, opened := range all.Files {
		c.exit = max(c.exit, exitCodes()[opened.Status])
	}
	return r, nil
}

// alone imports the key while no other process imports one: a device has one place
// for what it unwraps.
func (cmd keyImport) alone(c *console, h *hsm.HSM, key custody.Incoming, all custody.DKEK) (r custody.Restored, err error) {
	if err := safefile.MkdirAll(c.home.Imports()); err != nil {
		return r, err
	}
	unlock, err := safefile.WaitLock(filepath.Join(c.home.Imports(), c.serialOf(h)+".lock"))
	if err != nil {
		return r, err
	}
	defer unlock()
	return key.Import(h, all.DKEK, cmd.Ref)
}

// report says what is on the device now, and what is left to do.
func (cmd keyImport) report(c *console, key custody.Restored, source *keyfile.Source) {
	c.out.Printf("Key %d is imported: %s, public key SHA-256 %s", key.Ref, describe(key.Key), key.Public.Fingerprint())
	if key.NotTried == nil {
		c.out.Printf("; it signed, and the signature verifies against %s\n", cmd.File)
	} else {
		c.out.Printf("\n")
	}
	if len(cmd.FromDKEK) > 0 {
		return
	}
	how := "without any protection"
	if source.Encrypted {
		how = "under its password"
	}
	c.out.Printf(`
%s still holds the key, %s: whoever has it needs no device.
1. Back the key up: conclave key wrap %d FILE
2. Restore it, as a trial, to a second device, and let that sign: conclave key unwrap FILE --device OTHER
3. Only then destroy %s and all its copies: on sticks, in mailboxes, on backup tapes. Overwriting does not help on flash memory: destroy the medium. Or seal it up, offline, until the next drill has shown that the backup is enough.
`, cmd.File, how, key.Ref, cmd.File)
}
