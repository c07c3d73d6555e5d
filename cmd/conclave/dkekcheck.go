package main

import (
	"context"
	"errors"

	"conclave/custody"
	"conclave/internal/interrupt"
	"conclave/quorum"
)

type dkekCheck struct {
	answering
	File       string `arg:"" optional:"" complete:"files:pbe" help:"Share file that the set record is beside. The file itself is not opened."`
	Record     string `placeholder:"FILE" type:"input" help:"The set record, where it is elsewhere."`
	SheetsFile string `placeholder:"FILE" help:"File with the sheet, - for standard input. Absent: it is typed, or scanned."`
}

// Run judges one sheet: it needs no other custodian, no device, and no key.
func (cmd dkekCheck) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	records, err := cmd.records(c)
	if err != nil {
		return err
	}
	entry := &quorum.Entry{Records: records, Want: 1}
	defer entry.Wipe()
	if cmd.SheetsFile == "" {
		err = c.checkEntered(ctx, entry)
	} else if err = checkTyped(ctx, c, cmd.SheetsFile, entry); err != nil && ctx.Err() == nil {
		err = &custody.OpenError{Status: custody.WrongSheet, Err: err}
	}
	if err != nil {
		return err
	}
	return c.showCheck(entry)
}

func (cmd dkekCheck) records(c *console) ([]*quorum.Record, error) {
	switch {
	case cmd.Record != "":
		r, err := custody.ReadRecord(cmd.Record)
		return []*quorum.Record{r}, err
	case cmd.File == "":
		return nil, nil
	}
	file, err := custody.ReadUnopened(cmd.File, true)
	c.noteChanged(cmd.File, file.Changed)
	return file.Records, err
}

// checkTyped judges a sheet in a file.
func checkTyped(ctx context.Context, c *console, path string, entry *quorum.Entry) error {
	sheets, err := readSheets(c, path)
	if err != nil {
		return err
	}
	for _, typed := range sheets {
		share, err := entry.Read(ctx, typed)
		if err == nil && !entry.Has(share) {
			err = entry.Add(ctx, share)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkEntered lets the custodian type the sheet, or scan its code.
func (c *console) checkEntered(ctx context.Context, entry *quorum.Entry) error {
	room, err := c.room()
	if err != nil {
		return err
	}
	collection := &custody.Collection{Entry: entry, Custodians: room, Expected: []custody.Turn{{Number: 1, Of: 1}}}
	for len(entry.Shares()) == 0 {
		if err := collection.One(ctx); err != nil {
			return err
		}
	}
	return nil
}

// checkAnswer is a good sheet.
type checkAnswer struct {
	Set       string `json:"set"`
	Threshold int    `json:"threshold"`
	Total     int    `json:"total"`
	Share     string `json:"share"`     // its ID
	Custodian string `json:"custodian"` // as the record has the name
	KCV       string `json:"kcv"`       // of the record
	Proof     string `json:"proof"`     // record or checksum: what confirms it
}

// showCheck says what is known to be right about the sheet.
func (c *console) showCheck(entry *quorum.Entry) error {
	share := entry.Shares()[0]
	record := entry.Record()
	switch {
	case record != nil:
		answer := checkAnswer{record.Set, record.Threshold, record.Total, share.ID, record.Name(record.NumberOf(share)), record.KCV, "record"}
		return c.answerf(answer, "The sheet of %s is good: it agrees with the record of set %s (%d-of-%d, key check value %s).\n",
			record.Name(record.NumberOf(share)), record.Set, record.Threshold, record.Total, record.KCV)
	case share.Set != "":
		answer := checkAnswer{Set: share.Set, Threshold: share.Threshold, Total: share.Total, Share: share.ID, Proof: "checksum"}
		return c.answerf(answer, "The code is good: its checksum is right. It is of custodian %s in set %s (%d-of-%d). Whether the share file needs it, only its set record can say.\n",
			share.ID, share.Set, share.Threshold, share.Total)
	}
	return errors.New("nothing contradicts these lines, but nothing confirms them either: they have no checksum, and there is no set record; name the share file that it is beside, or --record")
}
