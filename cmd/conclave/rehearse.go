package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"conclave/apdu"
	"conclave/custody"
	"conclave/device"
	"conclave/internal/interrupt"
	"conclave/terminal"
)

type rehearse struct {
	answering
	tracing
	Threshold  int     `default:"2" placeholder:"M" help:"Custodians who open the share file. Default: 2."`
	Custodians int     `default:"4" placeholder:"N" help:"Custodians in all. Default: 4."`
	Type       keyType `default:"rsa:2048" placeholder:"TYPE" complete:"words:rsa:2048 rsa:3072 rsa:4096 ec:secp256r1 ec:secp384r1 ec:secp521r1 ec:brainpoolP256r1 ec:brainpoolP384r1 ec:brainpoolP512r1 ec:secp256k1 ml-dsa-44 ml-dsa-65 ml-dsa-87" help:"Type of the key, as for key generate. Default: rsa:2048."`
	Auto       bool    `help:"Let the program answer for the custodians; without it they come to this terminal."`
}

// Validate rejects contradictory options.
func (cmd rehearse) Validate() error {
	return checkQuorum(cmd.Threshold, cmd.Custodians)
}

// Run rehearses in a temporary directory, which is gone afterwards.
func (cmd rehearse) Run(c *console) (err error) {
	var custodians custody.Custodians = &custody.Simulated{}
	if !cmd.Auto {
		room := terminal.NewScreen(c.in, c.out)
		if !room.Attended() {
			return errors.New("custodians need a terminal, and standard input or output is not one; add --auto to let the program answer for them")
		}
		c.note("You are all %d custodians, one after the other; have a pencil and paper. Each copies a code and types it back, and later types it once more. It takes about ten minutes, and nothing is left of it but your sheets.", cmd.Custodians)
		room.Heading = "REHEARSAL   : destroy this sheet afterwards\n"
		custodians = room
	}
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	dir, err := os.MkdirTemp("", "conclave-rehearsal-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	progress, end := c.percent("deriving the key from the password")
	begin := time.Now()
	report, failure := custody.RoundTrip{
		Devices: tracedHome{c.home.In(dir), c}, Dir: dir, Custodians: custodians,
		Threshold: cmd.Threshold, Total: cmd.Custodians, Key: cmd.Type.template,
		Announce: func(step string) { end(); c.note("* %s", step) }, Progress: progress,
	}.Run(ctx)
	end()
	shown := newRehearsalReport(report, time.Since(begin), failure)
	err = errors.Join(failure, c.answer(shown, func() error { return shown.show(c) }))
	switch {
	case err != nil:
	case cmd.Auto:
		c.next("the same with your own hands: conclave rehearse")
	default:
		c.next("destroy the sheets; what to do for a key that stays: conclave help first-try")
	}
	return err
}

// tracedHome is a home whose connections are traced, as --trace asks for.
type tracedHome struct {
	device.Home
	console *console
}

// Open implements custody.ThrowawayDevices.
func (h tracedHome) Open(name string) (apdu.Conn, error) {
	conn, err := h.Home.Open(name)
	if err != nil {
		return nil, err
	}
	return h.console.withTrace(conn), nil
}

// rehearsalReport is what rehearse shows. After a failure KCV and
// public key are empty, and the steps are those before it.
type rehearsalReport struct {
	OK        bool            `json:"ok"`
	Error     string          `json:"error"`
	Steps     []rehearsalStep `json:"steps"`
	Seconds   float64         `json:"seconds"`
	KCV       string          `json:"kcv"`
	PublicKey string          `json:"public_key"` // as in key list
}

type rehearsalStep struct {
	Step    string  `json:"step"`
	Result  string  `json:"result"`
	Seconds float64 `json:"seconds"`
}

func newRehearsalReport(r custody.RoundTripReport, took time.Duration, failure error) rehearsalReport {
	report := rehearsalReport{OK: failure == nil, Seconds: took.Seconds(), Steps: []rehearsalStep{}}
	if failure != nil {
		report.Error = failure.Error()
	} else {
		report.KCV, report.PublicKey = r.KCV.String(), r.PublicKey.Fingerprint()
	}
	for _, s := range r.Stages {
		report.Steps = append(report.Steps, rehearsalStep{s.What, s.Result, s.Took.Seconds()})
	}
	return report
}

func (report rehearsalReport) show(c *console) error {
	rows := [][]string{{"NO", "STEP", "RESULT", "SECONDS"}}
	for i, s := range report.Steps {
		rows = append(rows, []string{fmt.Sprint(i + 1), s.Step, s.Result, fmt.Sprintf("%.1f", s.Seconds)})
	}
	if err := c.showTable(rows); err != nil {
		return err
	}
	if !report.OK {
		return nil
	}
	c.out.Printf("\nKey check value  %s\nPublic key       %s\nAll is as it must be, in %.1f s.\n", report.KCV, report.PublicKey, report.Seconds)
	return c.out.Err()
}
