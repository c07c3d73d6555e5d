package main

import (
	"context"
	"errors"
	"fmt"

	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/interrupt"
	"conclave/quorum"
	"conclave/quorum/repair"
)

type dkekRecover struct {
	answering
	File       string         `arg:"" complete:"files:pbe" help:"Share file, or a base64 copy of it."`
	SheetsFile string         `placeholder:"FILE" xor:"how" help:"File with the sheets, - for standard input. A ? stands for a digit that cannot be read."`
	Password   secretArgument `placeholder:"SECRET" xor:"how" help:"The password, as nearly as it is remembered: env:NAME, file:PATH or the password itself."`
	Nearly     bool           `xor:"how" help:"Ask for the password as it is remembered."`
	Sheets     int            `placeholder:"M" xor:"how" help:"Let M custodians enter their sheets."`
	NoRecord   bool           `name:"no-record" help:"Do without the set record beside the share file."`
}

// Run searches as long as there is anything left to try. Without --sheets-file and
// password custodians enter their sheets.
func (cmd dkekRecover) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	file, err := custody.ReadUnopened(cmd.File, !cmd.NoRecord)
	if err != nil {
		return err
	}
	var opened *custody.Opened
	if cmd.Password != "" || cmd.Nearly {
		opened, err = cmd.password(ctx, c, file)
	} else {
		opened, err = cmd.sheets(ctx, c, file)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.File, err)
	}
	defer opened.Wipe()
	c.exit = exitCodes()[opened.Status]
	i := newInspection(cmd.File, opened)
	return c.answerFacts(i, i.rows())
}

func (cmd dkekRecover) password(ctx context.Context, c *console, file custody.Unopened) (*custody.Opened, error) {
	remembered, err := c.ask(cmd.Password, "password, as you remember it")
	if err != nil {
		return nil, err
	}
	defer remembered.Wipe()
	plan := repair.Password(remembered)
	share, reading, err := plan.Run(ctx, file.ShareFile.Search, c.searchProgress())
	c.endSearch()
	if errors.Is(err, repair.ErrNotFound) {
		return nil, &custody.OpenError{Status: custody.WrongSheet, Err: errors.New("no password near this one opens the file; is it the password of this file?")}
	}
	var damage *dkek.DamagedError
	if errors.As(err, &damage) {
		err = &custody.OpenError{Status: custody.Damaged, Err: err}
	}
	if err != nil {
		return nil, err
	}
	return custody.OpenedByPassword(share, reading)
}

// sheets takes the sheets as they are, readable or not.
func (cmd dkekRecover) sheets(ctx context.Context, c *console, file custody.Unopened) (*custody.Opened, error) {
	var sheets []quorum.Typed
	var err error
	if cmd.SheetsFile != "" {
		sheets, err = readSheets(c, cmd.SheetsFile)
	} else {
		sheets, err = cmd.collect(ctx, c, file)
	}
	if err != nil {
		return nil, err
	}
	defer c.endSearch()
	return custody.Inspection{File: file.ShareFile, Records: file.Records, Sheets: sheets, Search: c.searchProgress()}.Run(ctx)
}

// collect lets custodians type their sheets, whatever is on them.
func (cmd dkekRecover) collect(ctx context.Context, c *console, file custody.Unopened) ([]quorum.Typed, error) {
	n := cmd.Sheets
	if len(file.Records) > 0 {
		n = max(n, file.Records[0].Threshold)
	}
	if n == 0 {
		return nil, errors.New("--sheets: say how many will enter their sheets, at least the threshold; with more, the wrong one can be found")
	}
	room, err := c.room()
	if err != nil {
		return nil, err
	}
	room.Tell("Type what is on the sheets, with a ? for each character that cannot be read.")
	return custody.CollectTyped(ctx, room, n)
}
