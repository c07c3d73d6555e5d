package main

import (
	"errors"
	"fmt"
	"time"

	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/quorum"
	"conclave/terminal"
)

type dkekCreate struct {
	answering
	onDevice
	File     string         `arg:"" complete:"files:pbe" help:"Share file to write."`
	Password secretArgument `placeholder:"SECRET" help:"Password of the file, at least 6 characters: env:NAME, file:PATH or the password itself. Asked for if absent."`
	newSet
}

// Validate rejects contradictory options.
func (cmd dkekCreate) Validate() error {
	if err := checkOnDisk(cmd.File); err != nil {
		return err
	}
	if cmd.Threshold == 0 {
		return cmd.checkNone()
	}
	if cmd.Password != "" {
		return errors.New("--password: with --threshold no one knows the password")
	}
	return cmd.newSet.check()
}

// checkOnDisk refuses to write a share file where nothing can be read again.
func checkOnDisk(path string) error {
	if path == standardOutput {
		return errors.New("-: a share file is not written to standard output, since it is proved from the disk, with its record beside it; name a file")
	}
	return nil
}

// Run takes all random numbers from the device.
func (cmd dkekCreate) Run(c *console) error {
	if cmd.Threshold == 0 {
		return cmd.withPassword(c)
	}
	m, err := cmd.prepare(c, cmd.File, custody.Reserve)
	if err != nil {
		return err
	}
	defer m.Place.Release()
	return c.withHSM(func(h *hsm.HSM) error {
		m.Rand = h
		err := m.hold()
		if err == nil {
			cmd.afterwards(c)
		}
		return err
	})
}

func (cmd dkekCreate) afterwards(c *console) {
	c.next("give it to each device that is to have the DKEK: conclave dkek import %s%s", safefile.Quoted(cmd.File), deviceOption(c.device))
}

func (cmd dkekCreate) withPassword(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	place, err := c.reserve(cmd.File, keyRoom)
	if err != nil {
		return err
	}
	defer place.Release()
	return c.withHSM(func(h *hsm.HSM) error {
		password, err := c.askNewPassword(cmd.Password, "the DKEK share")
		if err != nil {
			return err
		}
		defer password.Wipe()
		progress, end := c.percent("encrypting the DKEK share")
		kcv, err := custody.WriteShareFile(ctx, h, place, password, progress)
		end()
		if err != nil {
			return err
		}
		err = c.answerf(shareFileAnswer{File: cmd.File, KCV: kcv.String(), Keys: []rewrapped{}}, "DKEK share written to %s; as the only share it makes a DKEK with key check value %s\n", cmd.File, kcv)
		cmd.afterwards(c)
		return err
	})
}

// Lengths of a password, in characters.
const (
	minPassword     = 6 // as OpenSC
	advisedPassword = 12
)

// askNewPassword asks for the password of a file that is about to be made, and says what
// is in it.
func (a asking) askNewPassword(argument secretArgument, content string) (secret.Bytes, error) {
	if argument == "" {
		a.beside.note("The password needs at least %d characters; %d or more are advised. Whoever has it and the file has %s.", minPassword, advisedPassword, content)
	}
	return a.askNew(argument, "password", func(password secret.Bytes) error {
		if len(password) < minPassword {
			return fmt.Errorf("the password has %d characters; %d or more were expected", len(password), minPassword)
		}
		return nil
	})
}

// newSet is what the commands that hand out sheets are told about a new set.
type newSet struct {
	Threshold  int      `placeholder:"M" help:"Let any M custodians open the file, instead of a password."`
	Custodians int      `placeholder:"N" help:"Number of custodians, 3 to 255, if they are not named."`
	Custodian  []string `sep:"none" placeholder:"NAME" help:"Name of a custodian; once for each, in order."`
	Names      string   `placeholder:"FILE" help:"File with the names of the custodians, one on each line."`
	Ceremony   string   `placeholder:"NAME" help:"Name of the ceremony, for sheets and record."`
	Strength   int      `default:"128" placeholder:"BITS" complete:"words:128 64" help:"128 random bits, or 64: exactly as sc-hsm-tool makes them. Both work with it. Default: 128."`
	PDF        string   `name:"pdf" placeholder:"DIR" xor:"paper" help:"Write each sheet as a PDF to this folder instead of showing it."`
	Print      string   `placeholder:"COMMAND" xor:"paper" help:"Give each sheet as a PDF to this shell command instead of showing it, such as: lp -d PRINTER."`
	QR         bool     `name:"qr" help:"Show the code as a QR code too."`
	To         []string `sep:"none" placeholder:"N=KEY" help:"Encrypt the sheet of custodian N (number or name), who is not here, to an age1… or ssh-ed25519 key. It is written beside the share file."`
	NoReadback bool     `name:"no-readback" help:"Do not let custodians type back what is on their sheets."`
}

// checkNone refuses options that are for custodians.
func (s newSet) checkNone() error {
	if s.Custodians != 0 || len(s.Custodian) > 0 || s.Names != "" || s.PDF != "" || s.Print != "" || len(s.To) > 0 || s.NoReadback || s.Ceremony != "" || s.QR || s.Strength != int(quorum.Strength128) {
		return errors.New("these options are for custodians, and --threshold is missing; say how many of them open the file")
	}
	return nil
}

// check finds mistakes that show before the file with the names is read, in options
// that are there.
func (s newSet) check() error {
	if s.Names != "" || s.Threshold == 0 {
		return nil
	}
	_, _, err := s.people()
	return err
}

// people gives the number and the names of the custodians.
func (s newSet) people() (total int, names []string, err error) {
	names = s.Custodian
	if s.Names != "" {
		if len(names) > 0 {
			return 0, nil, errors.New("--names and --custodian: one of them was expected")
		}
		if names, err = custody.ReadNames(s.Names); err != nil {
			return 0, nil, err
		}
	}
	if err := quorum.CheckNames(names); err != nil {
		return 0, nil, err
	}
	total = s.Custodians
	if total == 0 {
		total = len(names)
	}
	if len(names) > 0 && len(names) != total {
		return 0, nil, fmt.Errorf("--custodians %d: %d names were given", total, len(names))
	}
	return total, names, checkQuorum(s.Threshold, total)
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

// meeting is a creation for which the custodians can come. Sheets go to a terminal or
// on paper, and nowhere else.
type meeting struct {
	custody.Creation
	console  *console
	room     *terminal.Screen
	attended bool // someone comes to the terminal
	answer   shareFileAnswer
}

// prepare finds what is in the way of a meeting before anyone comes, to open another
// share file either, and takes the place of what it will make.
func (s newSet) prepare(c *console, shareFile string, reserve func(string, int) (*custody.Place, error)) (*meeting, error) {
	total, names, err := s.people()
	if err != nil {
		return nil, err
	}
	if err := custody.CheckCeremonyName(s.Ceremony); err != nil {
		return nil, fmt.Errorf("--ceremony: %w", err)
	}
	m := &meeting{console: c, room: terminal.NewScreen(c.in, c.out), Creation: custody.Creation{
		ShareFile: shareFile, Scheme: quorum.Scheme{Threshold: s.Threshold, Total: total, Strength: quorum.Strength(s.Strength)},
		Names: names, Ceremony: s.Ceremony, ReadBack: !s.NoReadback, Now: time.Now(), Tool: "conclave " + shortVersion(),
	}}
	m.room.QR = s.QR
	if err = m.Scheme.Check(); err == nil {
		err = s.invite(m)
	}
	if err != nil {
		return nil, err
	}
	if m.Place, err = reserve(shareFile, total); err != nil {
		return nil, err
	}
	if err := s.choosePaper(m); err != nil { // on the same disk, it may be
		return nil, errors.Join(err, m.Place.Release())
	}
	return m, nil
}

// invite finds out who comes to the terminal: no one for whom the sheet is encrypted,
// and where there is no terminal, no one for whom it is written to a folder.
func (s newSet) invite(m *meeting) error {
	for _, to := range s.To {
		if err := m.EncryptTo(to); err != nil {
			return fmt.Errorf("--to %w", err)
		}
	}
	awaited := len(m.Encrypt) < m.Scheme.Total
	m.attended = awaited && m.room.Attended()
	if awaited && !m.attended && s.PDF == "" {
		return errors.New("custodians come to a terminal, and standard input or output is not one; do not redirect them, or let no one come: --to for each of them, or --pdf")
	}
	m.ReadBack = m.ReadBack && m.attended
	return nil
}

// choosePaper lets the custodians have their sheets on paper, if that is wanted.
func (s newSet) choosePaper(m *meeting) error {
	m.Custodians = m.room
	if s.PDF == "" && s.Print == "" {
		return nil
	}
	paper := &terminal.Paper{Screen: m.room, Dir: s.PDF, Unattended: !m.attended}
	if s.Print != "" {
		paper.Command = []string{"sh", "-c", s.Print}
	}
	m.Custodians = paper
	return paper.Check(m.Creation)
}

// checkOld refuses to wait for the old custodians where there is no terminal for them.
func (m *meeting) checkOld(file string, how opening) error {
	if how.Password != "" || how.SheetsFile != "" || m.room.Attended() {
		return nil
	}
	return fmt.Errorf("%s: its custodians come to a terminal, and standard input or output is not one; do not redirect them, or name a file with their sheets: --sheets-file", file)
}

// hold lets the custodians come.
func (m *meeting) hold() error {
	c := m.console
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	if m.attended {
		m.room.Welcome(m.Scheme.Threshold, m.Scheme.Total)
	}
	progress, end := c.percent("deriving the key from the password")
	m.Progress = progress
	m.Announce = func(phase custody.Phase) { end(); c.note("* %s", phase) }
	created, err := m.Run(ctx)
	end()
	if err != nil {
		return err
	}
	return m.show(created)
}

// shareFileAnswer is a share file that was made, or has new sheets.
type shareFileAnswer struct {
	File      string      `json:"file"`
	KCV       string      `json:"kcv"`    // of a DKEK that consists of this share alone
	Record    string      `json:"record"` // its file; this and what follows is null for a file with a password
	Set       string      `json:"set"`
	Threshold *int        `json:"threshold"`
	Total     *int        `json:"total"`
	Keys      []rewrapped `json:"keys"` // that were wrapped anew under the DKEK
}

type rewrapped struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// show says what was made, now that it is proved.
func (m *meeting) show(created *custody.Created) error {
	c := m.console
	c.note("%s, and the share file opens with what the sheets say.", terminal.Sentence(created.Proof.String()))
	for _, custodian := range created.Record.Custodians {
		if !custodian.ReadBack {
			c.note("The sheet of %s was not typed back; let them check it: conclave dkek check %s", created.Record.Name(custodian.Number), m.ShareFile)
		}
	}
	done := "DKEK share written to"
	if m.Password != nil {
		done = "New sheets made for"
	}
	m.answer = shareFileAnswer{
		File: m.ShareFile, KCV: created.KCV.String(), Record: created.RecordPath, Set: created.Record.Set,
		Threshold: some(created.Record.Threshold), Total: some(created.Record.Total), Keys: []rewrapped{},
	}
	return c.answerf(&m.answer, "%s %s, set %s; as the only share it makes a DKEK with key check value %s\nSet record written to %s; keep it with the share file. There is no secret in it.\n",
		done, m.ShareFile, created.Record.Set, created.KCV, created.RecordPath)
}
