package custody

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"conclave/apdu"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/quorum"
	"conclave/wire"
)

// Devices makes, opens and destroys the devices of a rehearsal, which nothing
// else may use.
type Devices interface {
	Create(name string) (serial string, err error)
	Open(name string) (apdu.Conn, error)
	Delete(name string) error
}

// Rehearsal is the whole life of a backed-up key, played on two throw-away
// devices: ceremony, key, backup, loss of the device, recovery by the other
// custodians. Whatever is not as it must be is an error.
type Rehearsal struct {
	Devices          Devices
	Dir              string // an empty directory, for share file and wrapped key
	Custodians       Custodians
	Threshold, Total int
	Key              wire.PublicKey // template of the key to generate
	// Announce is told of each step before it begins.
	Announce func(step string)
	// Progress is told of the work on the share file's password; nil for no one.
	Progress dkek.Progress
}

// Step is a step of a rehearsal that has been taken.
type Step struct {
	What   string
	Result string
	Took   time.Duration
}

// Report is what a rehearsal has shown. PublicKey is of the key that was lost
// and recovered.
type Report struct {
	Steps     []Step
	KCV       dkek.KCV
	PublicKey *wire.PublicKey
}

// Run plays the rehearsal. On an error the report holds the steps before it.
func (r Rehearsal) Run(ctx context.Context) (Report, error) {
	play := &play{Rehearsal: r}
	defer play.close()
	var report Report
	for _, s := range play.script() {
		if err := ctx.Err(); err != nil {
			return report, err
		}
		r.Announce(s.what)
		begin := time.Now()
		result, err := s.do(ctx)
		if err != nil {
			return report, fmt.Errorf("%s: %w", s.what, err)
		}
		report.Steps = append(report.Steps, Step{s.what, result, time.Since(begin)})
	}
	report.KCV, report.PublicKey = play.kcv, play.public
	return report, nil
}

// Names of the devices, and the reference to which the key is restored: another
// one than it had, so that finding it there means something.
const (
	firstDevice  = "rehearsal-1"
	secondDevice = "rehearsal-2"
	restoredRef  = 10
)

// The PINs of the throw-away devices.
const (
	rehearsalPIN   = "648219"
	rehearsalSOPIN = "\x35\x37\x36\x32\x31\x38\x38\x30"
)

// play is a rehearsal under way, and what it must remember.
type play struct {
	Rehearsal
	hsm       *hsm.HSM // the device at hand
	kcv       dkek.KCV
	record    *quorum.Record
	few       []quorum.CustodianShare // sheets that are not enough
	ref       byte
	public    *wire.PublicKey
	signature []byte
}

type scene struct {
	what string
	do   func(context.Context) (string, error)
}

func (p *play) script() []scene {
	return []scene{
		{"make device 1", func(context.Context) (string, error) { return p.makeDevice(firstDevice) }},
		{fmt.Sprintf("make a share file, and sheets for %d custodians, any %d of whom open it", p.Total, p.Threshold), p.create},
		{fmt.Sprintf("try to open it with %d sheets", p.Threshold-1), p.tooFew},
		{"initialise device 1", p.initialize},
		{fmt.Sprintf("import the share file with custodians 1 to %d", p.Threshold), p.importFirst},
		{"generate a key on device 1", p.generate},
		{"sign a message with it", p.signFirst},
		{"wrap the key to a file", p.wrap},
		{"destroy device 1", p.destroy},
		{"make device 2 in its place", func(context.Context) (string, error) { return p.makeDevice(secondDevice) }},
		{"initialise device 2", p.initialize},
		{fmt.Sprintf("import the share file with custodians %d to %d", p.Total-p.Threshold+1, p.Total), p.importLast},
		{"unwrap the key", p.unwrap},
		{"check the signature that device 1 made", p.checkFirst},
		{"sign with the restored key", p.signAgain},
	}
}

func (p *play) close() {
	if p.hsm != nil {
		p.hsm.Close()
	}
}

func (p *play) makeDevice(name string) (string, error) {
	serial, err := p.Devices.Create(name)
	if err != nil {
		return "", err
	}
	conn, err := p.Devices.Open(name)
	if err != nil {
		return "", err
	}
	if p.hsm, err = hsm.Open(conn); err != nil {
		return "", errors.Join(err, conn.Close())
	}
	return "serial number " + serial, nil
}

func (p *play) create(ctx context.Context) (string, error) {
	created, err := Creation{
		Rand: p.hsm, ShareFile: p.shareFile(), Scheme: quorum.Scheme{Threshold: p.Threshold, Total: p.Total, Strength: quorum.Strength128},
		Ceremony: "Rehearsal", ReadBack: true, Now: time.Now(), Tool: "conclave",
		Custodians: &witness{p.Custodians, p}, Progress: p.Progress,
	}.Run(ctx)
	if err != nil {
		return "", err
	}
	p.kcv, p.record = created.KCV, created.Record
	return fmt.Sprintf("%v; key check value %s", created.Proof, created.KCV), nil
}

// witness looks at the first sheets as they are handed out, one less than the
// threshold.
type witness struct {
	Custodians
	play *play
}

// Show implements Custodians.
func (w *witness) Show(ctx context.Context, handout Handout) error {
	if handout.Number < handout.Scheme.Threshold {
		share, err := quorum.ParseCode(handout.Sheet.Code)
		if err != nil {
			return err
		}
		w.play.few = append(w.play.few, share)
	}
	return w.Custodians.Show(ctx, handout)
}

// tooFew fails if sheets that are one less than the threshold open the file.
func (p *play) tooFew(ctx context.Context) (string, error) {
	file, err := ReadShareFile(p.shareFile())
	if err != nil {
		return "", err
	}
	opened, err := quorum.Open(ctx, file, p.few, p.Progress)
	switch {
	case err == nil:
		opened.Wipe()
		return "", fmt.Errorf("%d sheets are enough to open the share file", len(p.few))
	case errors.Is(err, dkek.ErrPassword), errors.Is(err, quorum.ErrTooFew):
		return "they do not open it", nil
	}
	return "", err
}

func (p *play) shareFile() string { return filepath.Join(p.Dir, "dkek.pbe") }
func (p *play) wrapFile() string  { return filepath.Join(p.Dir, "key.wrap") }

// initialize also looks that the device holds no key.
func (p *play) initialize(context.Context) (string, error) {
	err := p.hsm.Initialize(wire.Initialization{
		Options: wire.OptionResetRetryCounter, UserPIN: secret.Bytes(rehearsalPIN), SOPIN: secret.Bytes(rehearsalSOPIN),
		Retries: 3, DKEKShares: 1,
	}, "Rehearsal")
	if err != nil {
		return "", err
	}
	keys, err := p.hsm.Keys()
	if err != nil {
		return "", err
	}
	if len(keys) > 0 {
		return "", fmt.Errorf("the new device holds %d keys", len(keys))
	}
	return "it holds no key", nil
}

func (p *play) importFirst(ctx context.Context) (string, error) { return p.importShare(ctx, 1) }

func (p *play) importLast(ctx context.Context) (string, error) {
	return p.importShare(ctx, p.Total-p.Threshold+1)
}

// importShare lets custodians come to the device, from the given one on.
func (p *play) importShare(ctx context.Context, first int) (string, error) {
	file, err := ReadUnopened(p.shareFile(), false)
	if err != nil {
		return "", err
	}
	turns := Turns(p.Threshold)
	for i := range turns {
		turns[i].Custodian = first + i
	}
	whole, err := OpenDKEK([]Unopened{file}, func(int, Unopened) (*Opened, error) {
		return Opening{
			File:     file.ShareFile,
			Progress: p.Progress,
			Collection: &Collection{
				Entry: &quorum.Entry{Records: []*quorum.Record{p.record}}, Custodians: p.Custodians, Expected: turns,
			},
		}.Run(ctx)
	})
	if err != nil {
		return "", err
	}
	defer whole.Wipe()
	if kcv := whole.KCV(); kcv != p.kcv {
		return "", fmt.Errorf("key check value %s, that of the share file is %s", kcv, p.kcv)
	}
	journal := &Journal{path: filepath.Join(p.Dir, fmt.Sprintf("imported-%d", first))} // of this device
	if err := whole.Give(p.hsm, func() (*Journal, error) { return journal, nil }); err != nil {
		return "", err
	}
	return "key check value " + p.kcv.String(), p.hsm.Login(wire.UserPIN, secret.Bytes(rehearsalPIN))
}
