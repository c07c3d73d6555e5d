package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"golang.org/x/term"

	"conclave/ceremony"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/wire"
)

type dkekCommands struct {
	Create dkekCreate    `cmd:"" help:"Make a DKEK share file, under a password or for custodians."`
	Import dkekImport    `cmd:"" help:"Import a DKEK share file into a device."`
	Status dkekShowState `cmd:"" name:"status" help:"Show how far the import of the DKEK is."`
}

type dkekCreate struct {
	File       string         `arg:"" help:"Share file to write."`
	Password   secretArgument `placeholder:"SECRET" xor:"how" help:"Password of the file, 6 characters at least: env:NAME, file:PATH or the password itself. Asked for where absent."`
	Threshold  int            `placeholder:"M" xor:"how" help:"Let any M custodians open the file, instead of a password."`
	Custodians int            `placeholder:"N" help:"Number of custodians, 3 to 255."`
	NoConfirm  bool           `name:"no-confirm" help:"Do not let custodians type back what they have written down."`
}

// Validate finds what makes no sense.
func (cmd dkekCreate) Validate() error {
	switch {
	case (cmd.Threshold != 0) != (cmd.Custodians != 0):
		return errors.New("--threshold and --custodians belong together")
	case cmd.Threshold == 0 && cmd.NoConfirm:
		return errors.New("--no-confirm is for custodians: it needs --threshold and --custodians")
	case cmd.Threshold != 0:
		return checkQuorum(cmd.Threshold, cmd.Custodians)
	}
	return nil
}

// checkQuorum names the bounds of package quorum as options.
func checkQuorum(threshold, custodians int) error {
	if custodians < 3 || custodians > 255 {
		return errors.New("--custodians: 3 to 255 was expected")
	}
	if threshold < 2 || threshold > custodians {
		return fmt.Errorf("--threshold: 2 to %d was expected", custodians)
	}
	return nil
}

// Run takes all random numbers from the device.
func (cmd dkekCreate) Run(c *console) error {
	if err := safefile.Check(cmd.File); err != nil {
		return err
	}
	return c.withHSM(func(h *hsm.HSM) error {
		if cmd.Threshold == 0 {
			password, err := c.askNewPassword(cmd.Password)
			if err != nil {
				return err
			}
			return c.writeShareFile(context.Background(), h, cmd.File, password)
		}
		return cmd.withCustodians(c, h)
	})
}

// withCustodians shows sheets to a person at a terminal, and to nothing else.
func (cmd dkekCreate) withCustodians(c *console, h *hsm.HSM) error {
	if !term.IsTerminal(int(c.out.Fd())) || !term.IsTerminal(int(c.in.Fd())) {
		return errors.New("sheets are shown on a terminal alone, and standard input or output is none; do not redirect them")
	}
	ctx, stop := interruptible()
	defer stop()
	room := newScreens(c, "Share file  : "+filepath.Base(cmd.File))
	room.welcome(cmd.Threshold, cmd.Custodians)
	drawn, err := ceremony.Draw(h)
	if err != nil {
		return err
	}
	password, _, err := ceremony.Distribute(ctx, h, cmd.Threshold, cmd.Custodians, room, !cmd.NoConfirm)
	if err != nil {
		return err
	}
	if err := c.writeShareFile(ctx, drawn, cmd.File, password); err != nil {
		return fmt.Errorf("%w; %w", err, ceremony.ErrVoid)
	}
	return nil
}

func (c *console) writeShareFile(ctx context.Context, rand io.Reader, path string, password secret.Bytes) error {
	defer password.Wipe()
	progress, end := c.percent("encrypting the DKEK share")
	kcv, err := ceremony.WriteShareFile(ctx, rand, path, password, progress)
	end()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "DKEK share written to %s; as the only share it makes a DKEK with key check value %s\n", path, kcv)
	return nil
}

// Lengths of a password, in characters.
const (
	minPassword     = 6 // as OpenSC
	advisedPassword = 12
)

func (c *console) askNewPassword(argument secretArgument) (secret.Bytes, error) {
	if argument == "" {
		c.note("The password has %d characters at least; %d or more are advised. Whoever has it and the file has the DKEK share.", minPassword, advisedPassword)
	}
	return c.askNew(argument, "password", func(password secret.Bytes) error {
		if len(password) < minPassword {
			return fmt.Errorf("the password has %d characters; %d or more were expected", len(password), minPassword)
		}
		return nil
	})
}

type dkekImport struct {
	File       string         `arg:"" help:"Share file, or a base64 copy of it."`
	Password   secretArgument `placeholder:"SECRET" xor:"how" help:"Password of the file: env:NAME, file:PATH or the password itself. Asked for where absent."`
	Custodians int            `placeholder:"M" xor:"how" help:"Open the file with the sheets of M custodians: as many as its threshold, not all."`
}

// Validate finds what makes no sense.
func (cmd dkekImport) Validate() error {
	if cmd.Custodians != 0 && (cmd.Custodians < 2 || cmd.Custodians > 255) {
		return errors.New("--custodians: 2 to 255 was expected")
	}
	return nil
}

// Run looks at file and device before it asks anyone.
func (cmd dkekImport) Run(c *console) error {
	file, err := ceremony.ReadShareFile(cmd.File)
	if err != nil {
		return err
	}
	return c.withHSM(func(h *hsm.HSM) error {
		if err := ceremony.CheckImport(h); err != nil {
			return err
		}
		var status *wire.DKEKStatus
		if cmd.Custodians == 0 {
			status, err = cmd.withPassword(c, h, file)
		} else {
			status, err = cmd.withCustodians(c, h, file)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", cmd.File, err)
		}
		fmt.Fprintf(c.out, "DKEK share imported; DKEK: %s\n", newDKEKStatus(status))
		return nil
	})
}

func (cmd dkekImport) withPassword(c *console, h *hsm.HSM, file dkek.ShareFile) (*wire.DKEKStatus, error) {
	password, err := c.ask(cmd.Password, "password")
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	progress, end := c.percent("decrypting the DKEK share")
	share, err := file.Decrypt(context.Background(), password, progress)
	end()
	if err != nil {
		return nil, err
	}
	defer share.Wipe()
	return h.ImportShare(share)
}

func (cmd dkekImport) withCustodians(c *console, h *hsm.HSM, file dkek.ShareFile) (*wire.DKEKStatus, error) {
	if term.IsTerminal(int(c.in.Fd())) && !term.IsTerminal(int(c.out.Fd())) {
		return nil, errors.New("what custodians type is cleared from the screen, which standard output is not; do not redirect it")
	}
	ctx, stop := interruptible()
	defer stop()
	progress, end := c.percent("decrypting the DKEK share")
	status, how, err := ceremony.Import(ctx, h, file, ceremony.Turns(cmd.Custodians), newScreens(c, ""), progress)
	end()
	if err == nil {
		c.note("The sheets were read as: %s.", how)
	}
	return status, err
}

type dkekShowState struct{ listing }

// Run shows the DKEK's status as hsm status does.
func (cmd dkekShowState) Run(c *console) error {
	return c.withHSM(func(h *hsm.HSM) error {
		told, err := h.DKEK()
		if err != nil {
			return err
		}
		status := newDKEKStatus(told)
		if cmd.JSON {
			return c.showJSON(map[string]*dkekStatus{"dkek": status})
		}
		fmt.Fprintln(c.out, "DKEK:", status)
		return nil
	})
}
