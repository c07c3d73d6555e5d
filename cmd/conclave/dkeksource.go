package main

import (
	"context"
	"errors"
	"fmt"

	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/secret"
)

// dkekSource is the DKEK that wrapped keys are under: its share files, and how
// each of them is opened.
type dkekSource struct {
	DKEK         []string       `name:"dkek" required:"" sep:"none" placeholder:"FILE" help:"Share file of the DKEK; once for each of its shares."`
	Shares       []string       `sep:"none" placeholder:"FILE" help:"File with the sheets that open the share file, - for standard input; once for each share file, in the same order."`
	DKEKPassword secretArgument `name:"dkek-password" placeholder:"SECRET" help:"Password of the share files: env:NAME, file:PATH or the password itself."`
	Sheets       int            `placeholder:"M" help:"Let M custodians enter their sheets. A record beside the share file knows it."`
	NoRecord     bool           `name:"no-record" help:"Do without the set record beside the share file."`
}

// Validate finds what makes no sense.
func (d dkekSource) Validate() error {
	if len(d.Shares) > 0 && len(d.Shares) != len(d.DKEK) {
		return fmt.Errorf("--shares: %d were expected, one for each share file", len(d.DKEK))
	}
	return nil
}

// openedDKEK is a DKEK, and how its share files opened.
type openedDKEK struct {
	*dkek.DKEK
	files  []*custody.Opened
	sealed []sealed
}

// Wipe overwrites what is secret, best effort.
func (d openedDKEK) Wipe() {
	for _, f := range d.files {
		f.Wipe()
	}
	if d.DKEK != nil {
		d.DKEK.Wipe()
	}
}

// open opens all share files, having read all of them first.
func (d dkekSource) open(ctx context.Context, c *console) (all openedDKEK, err error) {
	for i, path := range d.DKEK {
		s, err := d.how(i).read(path)
		if err != nil {
			return all, err
		}
		all.sealed = append(all.sealed, s)
	}
	if err := checkDifferent(all.sealed); err != nil {
		return all, err
	}
	var shares []secret.Bytes
	for i, s := range all.sealed {
		opened, err := d.how(i).open(ctx, c, s)
		if err != nil {
			return all, err
		}
		all.files, shares = append(all.files, opened), append(shares, opened.Share)
	}
	all.DKEK, err = dkek.Combine(shares...)
	return all, err
}

// how is the way in which share file i is opened.
func (d dkekSource) how(i int) opening {
	o := opening{Password: d.DKEKPassword, Custodians: d.Sheets, NoRecord: d.NoRecord}
	if i < len(d.Shares) {
		o.Shares = d.Shares[i]
	}
	return o
}

// explain adds what to do when a wrapped key does not open.
func (all openedDKEK) explain(path string, err error) error {
	if errors.Is(err, dkek.ErrForeign) && len(all.files) == 1 {
		return &custody.OpenError{Status: custody.WrongSheet, Err: fmt.Errorf("%s: %w; if the DKEK has several shares, name the file of each: --dkek", path, err)}
	}
	if errors.Is(err, dkek.ErrDamaged) {
		return &custody.OpenError{Status: custody.Damaged, Err: fmt.Errorf("%s: %w", path, err)}
	}
	if errors.Is(err, dkek.ErrUnsupported) {
		return fmt.Errorf("%s: %w; docs/recovery.md opens it with OpenSSL and Python", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}
