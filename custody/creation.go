package custody

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"conclave/dkek"
	"conclave/internal/secret"
	"conclave/quorum"
)

// Creation makes a set of sheets, and the share file that they open unless
// there is one already. It says that they are made once it has proved it.
type Creation struct {
	Rand io.Reader
	// ShareFile is the file to write; or, if Password is set, one that exists.
	ShareFile string
	// Place is that of all files, if it was reserved before; Run gives up what it does
	// not settle.
	Place    *Place
	Scheme   quorum.Scheme
	Ceremony string
	// Restores and Contact are for the sheets, as About has them.
	Restores, Contact string
	Names             []string
	// Encrypt makes the sheets of custodians who are not in the room, by number, so
	// that only they can read them.
	Encrypt    map[int]func(Handout) ([]byte, error)
	recipients map[string]int // whose key it is, by key
	ReadBack   bool
	Tool       string // for the record
	Now        time.Time
	// Share is the DKEK share for a new share file; nil to draw one.
	Share secret.Bytes
	// Password opens the share file that exists, and Share is in it.
	Password secret.Bytes
	// Replaces are sets that open a share file with the same share that is to be
	// destroyed.
	Replaces   []string
	Custodians Custodians
	Progress   dkek.Progress
	// Announce is told what begins; nil for no one.
	Announce func(Phase)
}

// Phase is a part of a creation.
type Phase string

// The phases after the sheets are handed out.
const (
	Combining      Phase = "combining every subset of the custodians that is large enough"
	Encrypting     Phase = "encrypting the DKEK share"
	OpeningAgain   Phase = "opening the share file with the sheets"
	Fingerprinting Phase = "taking the fingerprints of the shares"
)

// Created is what a creation has made and shown.
type Created struct {
	Record     *quorum.Record
	RecordPath string
	KCV        dkek.KCV // of a DKEK that consists of this share alone
	Proof      quorum.Proof
}

// Run holds the ceremony. All that is wanted from Rand is drawn, and the place of all
// files reserved, before custodians copy their sheets. After an error the sheets are void, unless the
// error says otherwise.
func (c Creation) Run(ctx context.Context) (*Created, error) {
	defer func() { c.Place.Release() }()
	if err := quorum.CheckDistinct(c.Names); err != nil {
		return nil, err
	}
	drawn, err := c.draw()
	if err != nil {
		return nil, err
	}
	defer drawn.wipe()
	if err := c.reserve(); err != nil {
		return nil, err
	}
	if c.Place.found != "" {
		c.Custodians.Tell(c.Place.found)
	}
	about := About{
		Ceremony: c.Ceremony, Restores: c.Restores, Contact: c.Contact, Date: c.Now, ShareFile: filepath.Base(c.ShareFile),
		KCV: drawn.kcv, Set: drawn.set.ID, Scheme: c.Scheme,
	}
	handed, err := Distribution{
		Set: drawn.set, About: about, Names: c.Names, Encrypt: c.encrypted(), ReadBack: c.ReadBack, Custodians: c.Custodians,
	}.Run(ctx)
	if err != nil && !handed.Shown {
		return nil, fmt.Errorf("%w; no sheet was shown yet, and nothing was made", err)
	} else if err != nil {
		return nil, c.void(err)
	}
	c.announce(Combining)
	proof, err := drawn.set.Prove(drawn.rand, handed.Shares)
	if err != nil {
		return nil, c.void(err)
	}
	file, err := c.proveFile(ctx, drawn, handed)
	if err != nil {
		return nil, c.void(err)
	}
	return c.record(drawn, handed, file, Created{KCV: drawn.kcv, Proof: proof})
}

// reserve takes the place of all files, as far as it is not taken.
func (c *Creation) reserve() (err error) {
	take := Reserve
	if c.Password != nil {
		take = ReserveSheets
	}
	if c.Place == nil {
		if c.Place, err = take(c.ShareFile, c.Scheme.Total); err != nil {
			return err
		}
	}
	for number := range c.Encrypt {
		if err := c.Place.reserveSheet(number); err != nil {
			return errors.Join(err, c.Place.Release())
		}
	}
	return nil
}

// encrypted puts the sheets of those who are not in the room to their place.
func (c Creation) encrypted() map[int]func(Handout) error {
	all := map[int]func(Handout) error{}
	for number, encrypt := range c.Encrypt {
		all[number] = func(h Handout) error {
			content, err := encrypt(h)
			if err != nil {
				return err
			}
			return c.Place.sheets[number].Write(content)
		}
	}
	return all
}

// void says what an error leaves behind.
func (c Creation) void(err error) error {
	if c.Password != nil {
		return fmt.Errorf("%w; the sheets copied so far are void, destroy them; the ones before them are as good as ever", err)
	}
	return fmt.Errorf("%w; %w", err, ErrVoid)
}

// drawn is everything random about a creation.
type drawn struct {
	share secret.Bytes
	kcv   dkek.KCV
	set   *quorum.Set
	rand  io.Reader // holds what is needed after the sheets are copied
}

func (d drawn) wipe() {
	d.share.Wipe()
	d.set.Wipe()
}

func (c Creation) draw() (d drawn, err error) {
	if d.share = c.Share.Clone(); c.Share == nil {
		if d.share, err = DrawShare(c.Rand); err != nil {
			return d, err
		}
	}
	if d.kcv, err = kcvOf(d.share); err != nil {
		return d, err
	}
	if c.Password != nil {
		d.set, err = quorum.ShareOut(c.Rand, c.Password, c.Scheme)
	} else {
		d.set, err = quorum.Draw(c.Rand, c.Scheme)
	}
	if err != nil {
		return d, err
	}
	d.rand, err = readAhead(c.Rand, laterNeeds(c.Scheme))
	return d, err
}

// laterNeeds is how many random bytes are wanted after the sheets are copied: a
// salt for the share file and each fingerprint, and a seed for the choice of
// subsets.
func laterNeeds(scheme quorum.Scheme) int {
	const shareFileSalt, fingerprintSalt, seed = 8, 16, 32
	return shareFileSalt + fingerprintSalt*scheme.Total + seed
}

// readAhead reads n bytes now, for later.
func readAhead(rand io.Reader, n int) (io.Reader, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(rand, b); err != nil {
		return nil, fmt.Errorf("drawing random bytes: %w", err)
	}
	return bytes.NewReader(b), nil
}

// ErrVoid is the error for a share file that was not made after its sheets were
// copied.
var ErrVoid = errors.New("no share file was made, and the sheets copied for it are void; destroy them")

// proveFile writes the share file to its place if there is none, and opens it with what
// custodians have read back.
func (c Creation) proveFile(ctx context.Context, d drawn, handed HandedOut) (file dkek.ShareFile, err error) {
	if c.Password == nil {
		c.announce(Encrypting)
		if file, err = writeShareFile(ctx, d.rand, c.Place.file, d.share, d.set.Password, c.Progress); err != nil {
			return file, err
		}
	}
	if c.Password != nil {
		if file, err = ReadShareFile(c.ShareFile); err != nil {
			return file, err
		}
	}
	c.announce(OpeningAgain)
	last := handed.Shares[len(handed.Shares)-c.Scheme.Threshold:]
	opened, err := quorum.Open(ctx, file, last, c.Progress)
	if err != nil {
		return file, fmt.Errorf("opening %s with the sheets: %w", c.ShareFile, err)
	}
	defer opened.Wipe()
	if opened.Damage != nil || !opened.Share.Equal(d.share) {
		return file, fmt.Errorf("%s holds a different share than was put in; is the medium faulty?", c.ShareFile)
	}
	return file, nil
}

// record writes the record, and gives all files their names.
func (c Creation) record(d drawn, handed HandedOut, file dkek.ShareFile, created Created) (*Created, error) {
	c.announce(Fingerprinting)
	r, err := quorum.NewRecord(d.rand, d.set, quorum.Issuance{
		Ceremony: c.Ceremony, Names: c.Names, ReadBack: handed.ReadBack, KCV: d.kcv, Created: c.Now, Tool: c.Tool,
		FileName: filepath.Base(c.ShareFile), ShareFile: file, Replaces: c.Replaces,
	})
	var content []byte
	if err == nil {
		content, err = r.Bytes()
	}
	if err == nil {
		err = c.Place.record.Write(content)
	}
	if err != nil { // the sheets are good without it
		err = fmt.Errorf("%w; the sheets are good and open %s, but its set record was not written, and sheets cannot be checked alone", err, c.ShareFile)
		return nil, errors.Join(err, c.Place.settleFiles(d.set.ID))
	}
	if err := c.Place.settle(r.Set); err != nil {
		c.Place.leave() // all is proved
		return nil, fmt.Errorf("%w; all is proved and the sheets are good, but not all files have their names; give the same command once more to finish it", err)
	}
	created.Record, created.RecordPath = r, RecordPath(c.ShareFile, r.Set)
	return &created, nil
}

func (c Creation) announce(phase Phase) {
	if c.Announce != nil {
		c.Announce(phase)
	}
}
