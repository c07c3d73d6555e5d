package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"conclave/custody"
)

// dkekSource is the DKEK that wrapped keys are under: its share files, and how
// each of them is opened.
type dkekSource struct{ optionalDKEK }

func (dkekSource) required() []string { return []string{"dkek"} }

// optionalDKEK is a dkekSource for what can do without, where no share file is named.
type optionalDKEK struct {
	DKEK         []string       `name:"dkek" sep:"none" placeholder:"FILE" complete:"files:pbe" help:"Share file of the DKEK; once for each of its shares."`
	SheetsFile   []string       `sep:"none" placeholder:"FILE" help:"File with the sheets that open the share file, - for standard input; once for each share file, in the same order."`
	DKEKPassword secretArgument `name:"dkek-password" placeholder:"SECRET" help:"Password of the share files: env:NAME, file:PATH or the password itself."`
	Sheets       int            `placeholder:"M" help:"Let M custodians enter their sheets. A record beside the share file knows how many."`
	NoRecord     bool           `name:"no-record" help:"Do without the set record beside the share file."`
}

// Validate rejects contradictory options.
func (d optionalDKEK) Validate() error {
	password, sheets := d.DKEKPassword != "", d.Sheets > 0
	file := len(d.SheetsFile) > 0 && !slices.Contains(d.SheetsFile, "") // for all; an empty name leaves its file to the others
	switch {
	case len(d.DKEK) == 0 && (len(d.SheetsFile) > 0 || password || sheets || d.NoRecord):
		return errors.New("--dkek FILE was expected: the share file that is to be opened")
	case password && sheets, file && (password || sheets):
		return errors.New("--sheets-file, --dkek-password, --sheets: each opens the share file, and one of them was expected")
	case len(d.SheetsFile) > 0 && len(d.SheetsFile) != len(d.DKEK):
		return fmt.Errorf("--sheets-file: %d were expected, one for each share file", len(d.DKEK))
	}
	return nil
}

// read reads all share files, and looks at the files with sheets, before anyone comes.
func (d optionalDKEK) read(c *console) ([]custody.Unopened, error) {
	for _, path := range d.SheetsFile {
		if path == "" || path == "-" {
			continue
		}
		if _, err := readSheets(c, path); err != nil {
			return nil, err
		}
	}
	return custody.ReadShareFiles(d.DKEK, !d.NoRecord)
}

// open opens the share files.
func (d optionalDKEK) open(ctx context.Context, c *console, files []custody.Unopened) (custody.DKEK, error) {
	return custody.OpenDKEK(files, func(i int, file custody.Unopened) (*custody.Opened, error) {
		return d.how(i).open(ctx, c, file)
	})
}

// how is the way in which share file i is opened.
func (d optionalDKEK) how(i int) opening {
	o := opening{Password: d.DKEKPassword, Sheets: d.Sheets, NoRecord: d.NoRecord}
	if i < len(d.SheetsFile) {
		o.SheetsFile = d.SheetsFile[i]
	}
	return o
}
