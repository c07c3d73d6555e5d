package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/pgpwords"
	"conclave/ceremony/rfc3161"
	"conclave/internal/safefile"
	"conclave/terminal"
)

type ceremonyVerify struct {
	answering
	Bundle string `arg:"" help:"Folder of the evidence."`
	fromElsewhere
}

// fromElsewhere is what a verifier knows from elsewhere: from the paper, of witnesses,
// of authorities.
type fromElsewhere struct {
	Key     *string `placeholder:"FINGERPRINT" help:"Fingerprint of the ceremony key from the paper: 32 words, or 64 hex digits."`
	Closing *string `placeholder:"SHA256" help:"The closing from the paper, in the same form."`
	Signers string  `placeholder:"FILE" type:"input" help:"Keys of the witnesses, as ssh-keygen -Y verify takes them, in place of those in the bundle."`
	Roots   string  `placeholder:"FILE" type:"input" help:"Roots of time-stamping authorities, PEM, in place of those in the bundle."`
}

// Run verifies the evidence, with nothing but the folder.
func (cmd ceremonyVerify) Run(c *console) error {
	report, _, err := cmd.verify(cmd.Bundle)
	if err != nil {
		return err
	}
	err = c.answer(newEvidenceReport(report), func() error {
		cmd.show(c, report)
		return nil
	})
	if err != nil {
		return err
	}
	if n := len(report.Problems); n > 0 {
		return fmt.Errorf("%s: the evidence is not to be trusted; problems: %d", cmd.Bundle, n)
	}
	if report.Level() != evidence.Proved {
		c.exit = exitUnproved
	}
	return nil
}

// verify verifies a folder of evidence. What is wrong with the evidence is in the report,
// and no error.
func (cmd fromElsewhere) verify(bundle string) (*evidence.Report, evidence.Options, error) {
	options, err := cmd.options()
	if err != nil {
		return nil, options, err
	}
	if err := ceremony.CheckEvidence(bundle); err != nil {
		return nil, options, err
	}
	report, err := evidence.VerifyFolder(bundle, options)
	if len(report.Problems) > 0 {
		err = nil
	}
	return report, options, err
}

// options are what the verifier knows from elsewhere.
func (cmd fromElsewhere) options() (o evidence.Options, err error) {
	if o.Key, err = parseFingerprint("--key", cmd.Key); err != nil {
		return o, err
	}
	if o.Closing, err = parseFingerprint("--closing", cmd.Closing); err != nil {
		return o, err
	}
	if cmd.Signers != "" {
		if o.Signers, err = safefile.Read(cmd.Signers, evidence.MaxAttachment); err != nil {
			return o, err
		}
	}
	if cmd.Roots == "" {
		return o, nil
	}
	roots, err := safefile.Read(cmd.Roots, evidence.MaxAttachment)
	if err != nil {
		return o, err
	}
	if o.StampRoots, err = rfc3161.Roots(roots); err != nil {
		err = fmt.Errorf("%s: %w", cmd.Roots, err)
	}
	return o, err
}

// parseFingerprint reads a SHA-256 as words or hexadecimal; nil for none.
func parseFingerprint(option string, given *string) ([]byte, error) {
	if given == nil {
		return nil, nil
	}
	text := *given
	fields := strings.Fields(text)
	if sum, err := hex.DecodeString(strings.Join(fields, "")); err == nil && len(sum) == 32 {
		return sum, nil
	}
	sum, err := pgpwords.Parse(fields)
	if err == nil && len(sum) != 32 {
		err = fmt.Errorf("%d words; 32 were expected", len(sum))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", option, err)
	}
	return sum, nil
}

// show shows what a bundle says. It may have been made to deceive, so nothing
// of it reaches the terminal that a terminal would obey.
func (cmd ceremonyVerify) show(c *console, r *evidence.Report) {
	c.out.Printf("%s\n", r.Ceremony)
	if r.Practice {
		c.out.Printf("THIS IS A REHEARSAL: nothing in it is for use.\n")
	}
	for _, line := range r.Shown {
		c.out.Printf("  %s\n", line)
	}
	for _, line := range r.Unproved {
		c.out.Printf("  NOT PROVED: %s\n", line)
	}
	for i, e := range r.Exceptions {
		c.out.Printf("  exception %d, %s, step %s: %s\n", i+1, e.Time.Format(time.RFC3339), e.Step, e.Text)
	}
	c.out.Printf("Ceremony key %x\n", r.Key)
	terminal.ShowWords(c.out, r.Key[:])
	c.out.Printf("Closing      %x\n", r.Closing)
	terminal.ShowWords(c.out, r.Closing[:])
	for _, p := range r.Problems {
		c.out.Printf("PROBLEM %v\n", p)
	}
	switch r.Level() {
	case evidence.Proved:
		c.out.Printf("All of it is as it was made, going by what is on the paper.\n")
	case evidence.Unproved:
		c.out.Printf("All of it is as it was made, going by what is on the paper; what is not proved is listed above: %d\n", len(r.Unproved))
	case evidence.Unanchored:
		c.out.Printf("All of it fits together, but anyone may have made it. Compare the words of the ceremony key and of the closing with the paper, or add --key and --closing.\n")
	}
}

// evidenceReport is the report as JSON.
type evidenceReport struct {
	OK         bool        `json:"ok"` // the level is proved
	Level      string      `json:"level"`
	Ceremony   string      `json:"ceremony"`
	Practice   bool        `json:"practice"`
	Key        string      `json:"ceremony_key"`
	KeyChecked bool        `json:"ceremony_key_checked"`
	Closing    string      `json:"closing"`
	Begin      time.Time   `json:"begin"`
	End        time.Time   `json:"end"`
	Shown      []string    `json:"shown"`
	Unproved   []string    `json:"unproved"`
	Exceptions []string    `json:"exceptions"`
	Problems   []string    `json:"problems"`
	Chain      []chainLink `json:"chain"`
	Custody    *custodyNow `json:"custody"` // null where there is none
}

// chainLink is evidence that a bundle goes on from.
type chainLink struct {
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	Closed  time.Time `json:"closed"`
	Closing string    `json:"closing"`
}

// custodyNow is who holds what, in the bags with these numbers.
type custodyNow struct {
	Set        string   `json:"set"`
	KCV        string   `json:"kcv"`
	Threshold  int      `json:"threshold"`
	Custodians []holder `json:"custodians"`
	Devices    []holder `json:"devices"`
	Media      []holder `json:"media"`
}

type holder struct {
	Name string `json:"name"`
	Is   string `json:"is"` // serial number of a device, identity of a medium
	Bag  string `json:"bag"`
}

func newCustody(s *evidence.State) *custodyNow {
	if s == nil {
		return nil
	}
	holders := func(all []evidence.Holder) []holder {
		list := []holder{}
		for _, h := range all {
			list = append(list, holder(h))
		}
		return list
	}
	return &custodyNow{s.Set(), s.KCV(), s.Plan.Custody.Threshold, holders(s.Custodians()), holders(s.Devices()), holders(s.Media())}
}

func newEvidenceReport(r *evidence.Report) evidenceReport {
	report := evidenceReport{
		OK: r.Level() == evidence.Proved, Level: string(r.Level()), Ceremony: r.Ceremony, Practice: r.Practice, Key: hex.EncodeToString(r.Key[:]), KeyChecked: r.Anchored,
		Closing: hex.EncodeToString(r.Closing[:]), Begin: r.Begin.UTC(), End: r.End.UTC(), Shown: append([]string{}, r.Shown...), Unproved: append([]string{}, r.Unproved...), Exceptions: []string{}, Problems: []string{},
		Chain: []chainLink{}, Custody: newCustody(r.State),
	}
	for _, l := range r.Chain {
		report.Chain = append(report.Chain, chainLink{string(l.Kind()), l.Name(), l.Time().UTC(), l.Closing})
	}
	for _, e := range r.Exceptions {
		report.Exceptions = append(report.Exceptions, e.Text)
	}
	for _, p := range r.Problems {
		report.Problems = append(report.Problems, p.Error())
	}
	return report
}
