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

// ThrowawayDevices makes, opens and destroys devices that nothing else may use.
type ThrowawayDevices interface {
	Create(name string) (serial string, err error)
	Open(name string) (apdu.Conn, error)
	Delete(name string) error
}

// RoundTrip is the whole life of a backed-up key, on two throw-away devices: sheets, key, backup, loss of the device, recovery by the other
// custodians. Whatever is not as it must be is an error.
type RoundTrip struct {
	Devices          ThrowawayDevices
	Dir              string // an empty directory, for share file and wrapped key
	Custodians       Custodians
	Threshold, Total int
	Key              wire.PublicKey // template of the key to generate
	// Announce is told of each step before it begins.
	Announce func(step string)
	// Progress is told of the work on the share file's password; nil for no one.
	Progress dkek.Progress
}

// Stage is one of a round trip that is behind it.
type Stage struct {
	What   string
	Result string
	Took   time.Duration
}

// RoundTripReport is what a round trip has shown. PublicKey is of the key that was lost
// and recovered.
type RoundTripReport struct {
	Stages    []Stage
	KCV       dkek.KCV
	PublicKey *wire.PublicKey
}

// Run makes the round trip. On an error the report holds the stages before it.
func (r RoundTrip) Run(ctx context.Context) (RoundTripReport, error) {
	u := &underWay{RoundTrip: r}
	defer u.close()
	var report RoundTripReport
	for _, s := range u.stages() {
		if err := ctx.Err(); err != nil {
			return report, err
		}
		r.Announce(s.what)
		begin := time.Now()
		result, err := s.do(ctx)
		if err != nil {
			return report, fmt.Errorf("%s: %w", s.what, err)
		}
		report.Stages = append(report.Stages, Stage{s.what, result, time.Since(begin)})
	}
	report.KCV, report.PublicKey = u.kcv, u.public
	return report, nil
}

// Names of the devices, and the reference to which the key is restored: not the
// one that it had, so that finding it there means something.
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

// underWay is a round trip under way, and what it must remember.
type underWay struct {
	RoundTrip
	hsm       *hsm.HSM // the device at hand
	kcv       dkek.KCV
	record    *quorum.Record
	few       []quorum.CustodianShare // sheets that are not enough
	ref       byte
	public    *wire.PublicKey
	signature []byte
}

type stage struct {
	what string
	do   func(context.Context) (string, error)
}

func (p *underWay) stages() []stage {
	return []stage{
		{"make device 1", func(context.Context) (string, error) { return p.makeDevice(firstDevice) }},
		{fmt.Sprintf("make a share file, and sheets for %d custodians, any %d of whom open it", p.Total, p.Threshold), p.create},
		{"try to open it with one sheet too few", p.tooFew},
		{"initialise device 1", p.initialize},
		{fmt.Sprintf("import the share file with the first %d custodians", p.Threshold), p.importFirst},
		{"generate a key on device 1", p.generate},
		{"sign a message with it", p.signFirst},
		{"wrap the key to a file", p.wrap},
		{"destroy device 1", p.destroy},
		{"make device 2 in its place", func(context.Context) (string, error) { return p.makeDevice(secondDevice) }},
		{"initialise device 2", p.initialize},
		{fmt.Sprintf("import the share file with the last %d custodians", p.Threshold), p.importLast},
		{"unwrap the key", p.unwrap},
		{"check the signature that device 1 made", p.checkFirst},
		{"sign with the restored key", p.signAgain},
	}
}

func (p *underWay) close() {
	if p.hsm != nil {
		p.hsm.Close()
	}
}

func (p *underWay) makeDevice(name string) (string, error) {
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

func (p *underWay) create(ctx context.Context) (string, error) {
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
	round *underWay
}

// Show implements Custodians.
func (w *witness) Show(ctx context.Context, handout Handout) error {
	if handout.Number < handout.Scheme.Threshold {
		share, err := quorum.ParseCode(handout.Sheet.Code)
		if err != nil {
			return err
		}
		w.round.few = append(w.round.few, share)
	}
	return w.Custodians.Show(ctx, handout)
}

// tooFew fails if sheets that are one less than the threshold open the file.
func (p *underWay) tooFew(ctx context.Context) (string, error) {
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

func (p *underWay) shareFile() string { return filepath.Join(p.Dir, "dkek.pbe") }
func (p *underWay) wrapFile() string  { return filepath.Join(p.Dir, "key.wrap") }

// initialize also looks that the device holds no key.
func (p *underWay) initialize(context.Context) (string, error) {
	err := p.hsm.Initialize(wire.UsualInitialization(secret.Bytes(rehearsalPIN), secret.Bytes(rehearsalSOPIN), 1), "Rehearsal")
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

func (p *underWay) importFirst(ctx context.Context) (string, error) { return p.importShare(ctx, 1) }

func (p *underWay) importLast(ctx context.Context) (string, error) {
	return p.importShare(ctx, p.Total-p.Threshold+1)
}

// importShare lets custodians come to the device, from the given one on.
func (p *underWay) importShare(ctx context.Context, first int) (string, error) {
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
