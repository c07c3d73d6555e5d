package main

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"conclave/card/devicelog"
	"conclave/internal/safefile"
)

type logCommands struct {
	Show   logShow   `cmd:"" help:"Show the entries."`
	Verify logVerify `cmd:"" help:"Look for entries that were edited, taken out, exchanged or cut off."`
	Export logExport `cmd:"" help:"Write the entries, or a checkpoint of them, to a file."`
}

// readLog reads the log of the chosen device. One that never had a log is an error.
func (c *console) readLog() (*devicelog.Log, error) {
	log, err := c.home.Log(c.device)
	if err == nil && !log.On && log.Head.Size == 0 && len(log.Lines) == 0 {
		err = fmt.Errorf("device %q keeps no log; only conclave hsm init --log, which erases it, lets it keep one", c.device)
	}
	return log, err
}

type logShow struct {
	answering
	chosenDevice
	Last int `placeholder:"N" help:"The last N entries alone."`
}

// Validate rejects what cannot be meant.
func (cmd logShow) Validate() error {
	if cmd.Last < 0 {
		return errors.New("--last: 1 or more was expected")
	}
	return nil
}

// Run shows the entries, and verifies nothing.
func (cmd logShow) Run(c *console) error {
	log, err := c.readLog()
	if err != nil {
		return err
	}
	lines := log.Entries()
	if cmd.Last > 0 {
		lines = lines[max(0, len(lines)-cmd.Last):]
	}
	answer := logAnswer{c.device, make([]logEntry, len(lines))}
	for i, line := range lines {
		e, err := devicelog.ParseEntry(line)
		if err != nil {
			return fmt.Errorf("%w; see: conclave log verify", err)
		}
		answer.Entries[i] = logEntry{e.Number, e.Time.UTC(), e.Command, some(e.Key), e.Object, e.Result, e.Client}
	}
	return c.answer(answer, func() error {
		rows := [][]string{{"ENTRY", "TIME (UTC)", "COMMAND", "OF", "RESULT", "CLIENT"}}
		for _, e := range answer.Entries {
			rows = append(rows, e.row())
		}
		return c.showTable(rows)
	})
}

// logAnswer is a log, or the end of it.
type logAnswer struct {
	Device  string     `json:"device"`
	Entries []logEntry `json:"entries"`
}

// logEntry is an entry, without what proves its place in the log.
type logEntry struct {
	Number  int64     `json:"number"`
	Time    time.Time `json:"time"`
	Command string    `json:"command"`
	Key     *int      `json:"key"`
	Object  string    `json:"object"`
	Result  string    `json:"result"`
	Client  string    `json:"client"`
}

// row is an entry in columns.
func (e logEntry) row() []string {
	of := e.Object
	if e.Key != nil {
		of = fmt.Sprint("key ", *e.Key)
	}
	row := []string{fmt.Sprint(e.Number), e.Time.Format(time.DateTime), e.Command, of, e.Result, e.Client}
	return row
}

type logVerify struct {
	answering
	chosenDevice
	Checkpoint []string `type:"input" placeholder:"FILE" help:"What conclave log export wrote earlier, and someone kept elsewhere. Without it an older copy of the whole device does not show."`
}

// logReport is what verify shows.
type logReport struct {
	Device     string       `json:"device"`
	Serial     string       `json:"serial"`
	First      int64        `json:"first"` // entry that is kept
	Last       int64        `json:"last"`
	Signed     int64        `json:"signed"` // entries, by the last checkpoint
	Compared   int          `json:"compared"`
	Findings   []logFinding `json:"findings"`
	Checkpoint string       `json:"checkpoint"`
}

type logFinding struct {
	Entry *int64 `json:"entry"` // null if it is not of one
	What  string `json:"what"`
}

// Run verifies the log without a PIN.
func (cmd logVerify) Run(c *console) error {
	var kept []string
	for _, path := range cmd.Checkpoint {
		checkpoint, err := readCheckpoint(path)
		if err != nil {
			return err
		}
		kept = append(kept, checkpoint)
	}
	log, err := c.readLog()
	if err != nil && (log == nil || len(kept) == 0) {
		return err // with a checkpoint, a log that is gone is a finding
	}
	found := log.Verify(kept...)
	report := logReport{c.device, log.Key.Serial, found.First, found.Last, found.Signed.Size, len(kept), []logFinding{}, found.Checkpoint}
	for _, f := range found.Findings {
		report.Findings = append(report.Findings, logFinding{some(f.Entry), f.What})
	}
	err = c.answer(report, func() error {
		report.show(c, found.Findings)
		return nil
	})
	if err == nil && len(report.Findings) > 0 {
		err = fmt.Errorf("the log of device %q is not what the device has written; findings: %d", c.device, len(report.Findings))
	}
	return err
}

func (r logReport) show(c *console, findings []devicelog.Finding) {
	c.out.Printf("Device %s, serial number %s: entries %d to %d, signed up to entry %d.\n", c.device, r.Serial, r.First, r.Last, r.Signed)
	for _, f := range findings {
		c.out.Printf("%v\n", f.String())
	}
	switch {
	case len(findings) > 0:
	case r.Compared > 0:
		c.out.Printf("All of it is as the device has written it, and agrees with the checkpoint that was kept.\n")
	default:
		c.out.Printf("It fits together. That it is not an older copy, or another log, only a checkpoint shows that was kept elsewhere: --checkpoint\n")
	}
}

// maxLog is how many bytes an exported log may have.
const maxLog = 64 << 20

// readCheckpoint reads a checkpoint, or the last one in a whole log.
func readCheckpoint(path string) (string, error) {
	content, err := safefile.Read(path, maxLog)
	if err != nil {
		return "", err
	}
	if !bytes.HasPrefix(content, []byte("{")) {
		return string(content), nil
	}
	checkpoint := devicelog.LastCheckpoint(bytes.Split(content, []byte("\n")))
	if checkpoint == "" {
		return "", fmt.Errorf("%s: there is no checkpoint in it; what conclave log export wrote was expected", path)
	}
	return checkpoint, nil
}

type logExport struct {
	answering
	chosenDevice
	File       string `arg:"" complete:"files" output:"" help:"File to make: the entries as the device has them, a line of JSON each."`
	Checkpoint bool   `help:"The last signed checkpoint alone: a few lines to keep elsewhere."`
}

// Run writes a new file. Nothing is verified: that can be done again at any time.
func (cmd logExport) Run(c *console) error {
	log, err := c.readLog()
	if err != nil {
		return err
	}
	lines := log.Entries()
	content := append(bytes.Join(lines, []byte("\n")), '\n')
	if cmd.Checkpoint {
		if content = []byte(log.Verify().Checkpoint); len(content) == 0 {
			return errors.New("the log is not signed yet; that is done at the end of a session with the user PIN")
		}
	}
	out, err := c.reserveOutput(cmd.File, int64(len(content)), false)
	if err != nil {
		return err
	}
	defer out.release()
	if err := c.write(&out, content); err != nil {
		return err
	}
	return c.answerWritten(out, logExported{out, c.device, len(lines), log.Head.Size}, "%s: entries up to %d.\n", cmd.File, log.Head.Size)
}

// logExported is a log, or its checkpoint, in a file.
type logExported struct {
	output
	Device  string `json:"device"`
	Entries int    `json:"entries"` // that the log has
	Last    int64  `json:"last"`
}
