package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/internal/transfer"
	"conclave/internal/typed"
	"conclave/quorum"
	"conclave/terminal"
)

// opening is how a share file is opened: the flags of the commands that do.
type opening struct {
	Password   secretArgument `placeholder:"SECRET" xor:"how" help:"Password of the file: env:NAME, file:PATH or the password itself."`
	SheetsFile string         `placeholder:"FILE" xor:"how" help:"File with the sheets, - for standard input: codes, or lines with prime and shares as printed."`
	Sheets     int            `placeholder:"M" xor:"how" help:"Let M custodians enter their sheets: as many as the threshold; more, where a wrong one has to be found. A record beside the file knows how many."`
	NoRecord   bool           `name:"no-record" help:"Do without the set record beside the share file."`
}

// Validate rejects contradictory options.
func (o opening) Validate() error {
	if o.Sheets != 0 && (o.Sheets < 2 || o.Sheets > 255) {
		return errors.New("--sheets: 2 to 255 was expected")
	}
	return nil
}

// open opens a share file: with sheets in a file, with its password, or with
// the custodians at the terminal. It returns dkek.ErrPassword or an
// *custody.OpenError if that does not open it.
func (o opening) open(ctx context.Context, c *console, file custody.Unopened) (opened *custody.Opened, err error) {
	c.noteChanged(file.Path, file.Changed)
	switch {
	case o.SheetsFile != "":
		opened, err = o.withSheetsFile(ctx, c, file)
	case o.Password == "" && (o.Sheets != 0 || len(file.Records) > 0):
		opened, err = o.withCustodians(ctx, c, file)
	default:
		opened, err = o.unrecorded(ctx, c, file)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.Path, err)
	}
	return opened, nil
}

// unrecorded opens a share file that nothing tells of whether custodians have its
// password. Where no one has given that, the person may say so, and is asked again for a
// password that does not open it.
func (o opening) unrecorded(ctx context.Context, c *console, file custody.Unopened) (*custody.Opened, error) {
	person := o.Password == "" && c.prompts.Interactive()
	for {
		opened, err := o.tryUnrecorded(ctx, c, file, person)
		if !person || !errors.Is(err, dkek.ErrPassword) || !c.prompts.TellMistake(err) {
			return opened, err
		}
	}
}

func (o opening) tryUnrecorded(ctx context.Context, c *console, file custody.Unopened, person bool) (*custody.Opened, error) {
	what := "password"
	if person {
		what = fmt.Sprintf("password of %s (or <enter>, if custodians' sheets open it)", file.Path)
	}
	password, err := c.ask(o.Password, what)
	if err != nil {
		return nil, err
	}
	if len(password) > 0 || !person {
		return o.withPassword(ctx, c, file, password)
	}
	c.note("conclave: no set record was found with %s, which would say how many sheets open it; --sheets M says it too", file.Path)
	if o.Sheets, err = c.askSheets(ctx); err != nil {
		return nil, err
	}
	return o.withCustodians(ctx, c, file)
}

// askSheets asks how many custodians are to come.
func (a asking) askSheets(ctx context.Context) (int, error) {
	for {
		text, err := a.prompts.Ask(ctx, "How many custodians will enter their sheets? M of an M-of-N set: ", "Type a number: that of the sheets that open the file, such as 2 of a 2-of-4 set")
		if err != nil {
			return 0, err
		}
		if m, err := strconv.Atoi(typed.Clean(text)); err == nil && m >= 2 && m <= 255 {
			return m, nil
		}
		a.beside.note("A number from 2 to 255 was expected.")
	}
}

// withPassword opens a share file, and wipes the password.
func (o opening) withPassword(ctx context.Context, c *console, file custody.Unopened, password secret.Bytes) (*custody.Opened, error) {
	defer password.Wipe()
	progress, end := c.percent("decrypting the DKEK share")
	defer end()
	opened, err := custody.OpenWithPassword(ctx, file.ShareFile, password, progress)
	if errors.Is(err, dkek.ErrPassword) && len(file.Records) == 0 {
		err = fmt.Errorf("%w; if custodians' sheets open it, say how many: --sheets M", err)
	}
	return opened, err
}

func (o opening) withSheetsFile(ctx context.Context, c *console, file custody.Unopened) (*custody.Opened, error) {
	sheets, err := readSheets(c, o.SheetsFile)
	if err != nil {
		return nil, err
	}
	progress, end := c.percent("decrypting the DKEK share")
	defer end()
	opened, err := custody.Inspection{
		File: file.ShareFile, Records: file.Records, Sheets: sheets, Progress: progress, Search: c.searchProgress(), Limit: likely,
	}.Run(ctx)
	if err != nil {
		return nil, err
	}
	end()
	for _, f := range opened.Faults { // no one was asked
		c.note("conclave: %s", f.Text)
	}
	return opened, nil
}

// likely is how many readings are tried where no one has asked for a long
// search: one mistake, and two minutes at 18 a second.
const likely = 2000

// readSheets reads a file of sheets, or standard input.
func readSheets(c *console, path string) ([]quorum.Typed, error) {
	var r io.Reader = c.in
	if path != "-" {
		content, err := safefile.Read(path, quorum.MaxSheets)
		if err != nil {
			return nil, err
		}
		defer clear(content)
		text, err := transfer.Text(content)
		if err != nil {
			return nil, fmt.Errorf("sheets in %s: %w", path, err)
		}
		defer clear(text)
		r = bytes.NewReader(text)
	}
	sheets, err := quorum.ReadSheets(r)
	if err != nil {
		return nil, fmt.Errorf("sheets in %s: %w", path, err)
	}
	return sheets, nil
}

func (o opening) withCustodians(ctx context.Context, c *console, file custody.Unopened) (*custody.Opened, error) {
	room, err := c.room()
	if err != nil {
		return nil, err
	}
	progress, end := c.percent("decrypting the DKEK share")
	defer end()
	collection := &custody.Collection{Entry: &quorum.Entry{Records: file.Records, Want: o.Sheets}, Custodians: room}
	room.Tell("At any question a custodian may answer: undo, to take back the last line or sheet; leave, to let another one come; help; quit.")
	return custody.Opening{File: file.ShareFile, Collection: collection, Progress: progress, Search: c.searchProgress(), Limit: likely}.Run(ctx)
}

// room is the terminal that custodians come to. What they type is cleared from
// the screen; a script may answer too.
func (c *console) room() (*terminal.Screen, error) {
	screen := terminal.NewScreen(c.in, c.out)
	if screen.Exposed() {
		return nil, errors.New("what custodians type must be cleared from the screen, and standard output is redirected, or a terminal that cannot be cleared (TERM is not set, or dumb); use another terminal")
	}
	return screen, nil
}
