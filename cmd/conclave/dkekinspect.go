package main

import (
	"errors"
	"fmt"

	"conclave/custody"
	"conclave/internal/interrupt"
)

type dkekInspect struct {
	answering
	File       string         `arg:"" complete:"files:pbe" help:"Share file, or a base64 copy of it."`
	Password   secretArgument `placeholder:"SECRET" xor:"how" help:"Password of the file: env:NAME, file:PATH or the password itself."`
	SheetsFile string         `placeholder:"FILE" xor:"how" help:"File with the sheets, - for standard input: codes, or lines with prime and shares as printed; in any order, and more than the threshold are welcome."`
	NoRecord   bool           `name:"no-record" help:"Do without the set record beside the share file."`
}

// inspection is what inspect shows. What is not known is empty or nil.
type inspection struct {
	File      string           `json:"file"`
	Status    string           `json:"status"`
	Error     string           `json:"error"`
	KCV       string           `json:"kcv"` // of a DKEK that consists of this share alone
	Set       string           `json:"set"`
	Threshold *int             `json:"threshold"` // null for a file with a password
	Total     *int             `json:"total"`
	Strength  *int             `json:"strength"` // bits of a password that is shared out
	How       string           `json:"how"`      // the sheets were read
	Defects   []custody.Defect `json:"defects"`
}

// Run opens the file, and says how that ended in its exit status too.
func (cmd dkekInspect) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	o := opening{Password: cmd.Password, SheetsFile: cmd.SheetsFile, NoRecord: cmd.NoRecord}
	file, err := custody.ReadUnopened(cmd.File, !cmd.NoRecord)
	var opened *custody.Opened
	if err == nil {
		opened, err = o.open(ctx, c, file)
	}
	if err != nil {
		return errors.Join(c.answerf(newFailedInspection(cmd.File, err), ""), err)
	}
	defer opened.Wipe()
	c.exit = exitCodes()[opened.Status]
	i := newInspection(cmd.File, opened)
	return c.answerFacts(i, i.rows())
}

func newFailedInspection(file string, err error) inspection {
	i := inspection{File: file, Status: "failed", Error: err.Error(), Defects: []custody.Defect{}}
	if status := statusOf(err); status != "" {
		i.Status = string(status)
	}
	return i
}

func newInspection(file string, o *custody.Opened) inspection {
	i := inspection{
		File: file, Status: string(o.Status), KCV: o.KCV.String(), Set: o.Set, Threshold: some(o.Threshold), Total: some(o.Total()),
		How: o.How, Defects: append([]custody.Defect{}, o.Faults...),
	}
	if o.Threshold > 0 {
		i.Strength = some(8 * len(o.Password))
	}
	return i
}

func (i inspection) rows() [][]string {
	rows := [][]string{{"Share file", i.File}, {"Status", i.Status}, {"Key check value", i.KCV}}
	if i.Threshold != nil {
		scheme := fmt.Sprintf("%d sheets open it", *i.Threshold)
		if i.Total != nil {
			scheme += fmt.Sprintf(", of %d", *i.Total)
		}
		rows = append(rows, []string{"Threshold", scheme}, []string{"Read as", i.How})
	}
	if i.Set != "" {
		rows = append(rows, []string{"Set", i.Set})
	}
	for _, d := range i.Defects {
		rows = append(rows, []string{"Defect", d.Text})
	}
	return rows
}
