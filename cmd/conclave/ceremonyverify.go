package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"conclave/ceremony/evidence"
	"conclave/internal/pgpwords"
)

type ceremonyVerify struct {
	listing
	Bundle string `arg:"" type:"existingdir" help:"Folder of the evidence."`
	Key    string `placeholder:"FINGERPRINT" help:"Fingerprint of the ceremony key from the paper: 32 words, or 64 hex digits."`
}

// Run verifies the evidence, with nothing but the folder.
func (cmd ceremonyVerify) Run(c *console) error {
	var options evidence.Options
	if cmd.Key != "" {
		key, err := parseFingerprint(cmd.Key)
		if err != nil {
			return err
		}
		options.Key = key
	}
	report, failure := evidence.Verify(os.DirFS(cmd.Bundle), options)
	if cmd.JSON {
		if err := c.showJSON(newEvidenceReport(report)); err != nil {
			return err
		}
	} else {
		cmd.show(c, report)
	}
	if failure != nil {
		return fmt.Errorf("%s: the evidence is not to be trusted; problems: %d", cmd.Bundle, len(report.Problems))
	}
	return nil
}

// parseFingerprint reads a SHA-256 as words or hexadecimal.
func parseFingerprint(text string) ([]byte, error) {
	fields := strings.Fields(text)
	if sum, err := hex.DecodeString(strings.Join(fields, "")); err == nil && len(sum) == 32 {
		return sum, nil
	}
	sum, err := pgpwords.Parse(fields)
	if err == nil && len(sum) != 32 {
		err = fmt.Errorf("%d words; 32 were expected", len(sum))
	}
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	return sum, nil
}

func (cmd ceremonyVerify) show(c *console, r *evidence.Report) {
	fmt.Fprintf(c.out, "%s\n", r.Ceremony)
	if r.Practice {
		fmt.Fprintln(c.out, "THIS IS A REHEARSAL: nothing in it is for use.")
	}
	for _, line := range r.Shown {
		fmt.Fprintf(c.out, "  %s\n", line)
	}
	for i, e := range r.Exceptions {
		fmt.Fprintf(c.out, "  exception %d, %s, step %s: %s\n", i+1, e.Time.Format(time.RFC3339), e.Step, e.Text)
	}
	fmt.Fprintf(c.out, "Ceremony key %x\n%s", r.Key, wordLines(r.Key[:]))
	fmt.Fprintf(c.out, "Closing      %x\n%s", r.Closing, wordLines(r.Closing[:]))
	for _, p := range r.Problems {
		fmt.Fprintf(c.out, "PROBLEM %v\n", p)
	}
	switch {
	case len(r.Problems) > 0:
	case r.KeyChecked:
		fmt.Fprintln(c.out, "All of it is as it was made, under the ceremony key on the paper.")
	default:
		fmt.Fprintln(c.out, "All of it fits together. Compare the words of the ceremony key and of the closing with the paper, or add --key.")
	}
}

// evidenceReport is the report as JSON.
type evidenceReport struct {
	OK         bool      `json:"ok"`
	Ceremony   string    `json:"ceremony"`
	Practice   bool      `json:"practice"`
	Key        string    `json:"ceremony_key"`
	KeyChecked bool      `json:"ceremony_key_checked"`
	Closing    string    `json:"closing"`
	Begin      time.Time `json:"begin"`
	End        time.Time `json:"end"`
	Shown      []string  `json:"shown"`
	Exceptions []string  `json:"exceptions"`
	Problems   []string  `json:"problems"`
}

func newEvidenceReport(r *evidence.Report) evidenceReport {
	report := evidenceReport{
		OK: len(r.Problems) == 0, Ceremony: r.Ceremony, Practice: r.Practice, Key: hex.EncodeToString(r.Key[:]), KeyChecked: r.KeyChecked,
		Closing: hex.EncodeToString(r.Closing[:]), Begin: r.Begin, End: r.End, Shown: r.Shown, Exceptions: []string{}, Problems: []string{},
	}
	for _, e := range r.Exceptions {
		report.Exceptions = append(report.Exceptions, e.Text)
	}
	for _, p := range r.Problems {
		report.Problems = append(report.Problems, p.Error())
	}
	return report
}
