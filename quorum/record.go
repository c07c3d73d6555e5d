package quorum

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"conclave/dkek"
	"conclave/internal/strictjson"
)

// Record is what is kept beside a share file about the set of sheets that open
// it. Nothing in it is secret. Losing it costs checks, never the key.
type Record struct {
	Format     string            `json:"format"`
	Ceremony   string            `json:"ceremony,omitempty"`
	Set        string            `json:"set"`
	Threshold  int               `json:"threshold"`
	Total      int               `json:"total"`
	Strength   Strength          `json:"strength"`
	Prime      string            `json:"prime"` // as on the sheets
	KCV        string            `json:"kcv"`   // of a DKEK that consists of this share alone
	Created    time.Time         `json:"created"`
	Tool       string            `json:"tool"`
	ShareFile  RecordedFile      `json:"share_file"`
	Cost       FingerprintCost   `json:"fingerprint_cost"`
	Custodians []CustodianRecord `json:"custodians"`
	// Replaces are the sets whose sheets do not open this share file any more.
	Replaces []string `json:"replaces,omitempty"`
}

// RecordedFile names a share file by its content.
type RecordedFile struct {
	Name   string `json:"name"` // without directory
	SHA256 string `json:"sha256"`
}

// CustodianRecord is what is kept about one custodian's sheet. The fingerprint
// is Argon2id (RFC 9106) of the share value with a salt of its own: whoever has
// the record must spend an Argon2id for each guess at 64 or 128 random bits.
type CustodianRecord struct {
	Number      int    `json:"number"`
	Name        string `json:"name,omitempty"`
	ReadBack    bool   `json:"read_back"` // from the sheet, when it was made
	Salt        []byte `json:"salt"`      // base64
	Fingerprint string `json:"fingerprint"`
}

// FingerprintCost are the parameters of Argon2id.
type FingerprintCost struct {
	Passes  uint32 `json:"passes"`
	Memory  uint32 `json:"memory_kib"`
	Threads uint8  `json:"threads"`
}

// recordFormat names the format, and its version.
const recordFormat = "conclave share set 1"

// MaxRecord is how many bytes are read of a record: one of 255 custodians with long
// names has a tenth of that.
const MaxRecord = 1 << 20

const (
	fingerprintSize = 32
	saltSize        = 16
)

// defaultCost is one pass over 4 MiB: 3 ms. Times 2^63 that is out of reach for
// everybody, while all misreadings of a value are tried in a second or two.
func defaultCost() FingerprintCost { return FingerprintCost{Passes: 1, Memory: 4 << 10, Threads: 1} }

// Bounds of what a record may cost. One sheet can take 1200 fingerprints: its own, 255 of
// others, and those of a value's misreadings, which are 610 or so. So all passes together may go over no more
// memory than those of records that are made here, and lanes, which wait for each other
// four times in each pass, are few.
const (
	maxMisreadings = 1200 - 1 - maxShares
	maxPassed      = 4 << 10 // KiB
	maxThreads     = 4
	minLane        = 8 // KiB (RFC 9106 section 3.1)
)

// check bounds what a record can make this machine do.
func (c FingerprintCost) check() error {
	if c.Passes < 1 || c.Threads < 1 || c.Threads > maxThreads || c.Memory < minLane*uint32(c.Threads) || uint64(c.Passes)*uint64(c.Memory) > maxPassed {
		return fmt.Errorf("set record: fingerprint_cost is out of bounds: passes times memory_kib is %d at most, threads %d, and memory_kib %d at least for each",
			maxPassed, maxThreads, minLane)
	}
	return nil
}

// fingerprint of a share value, which is taken at the width of the prime.
func (c FingerprintCost) fingerprint(share CustodianShare, salt []byte) []byte {
	value := new(big.Int).SetBytes(share.Value).FillBytes(make([]byte, (share.Prime.BitLen()+7)/8))
	defer clear(value)
	return argon2.IDKey(value, salt, c.Passes, c.Memory, c.Threads, fingerprintSize)
}

// Issuance is what a record says beside the set itself.
type Issuance struct {
	Ceremony  string
	Names     []string // of custodians 1 to Total; empty if they have none
	ReadBack  []bool   // whose sheets were read back
	KCV       dkek.KCV
	Created   time.Time
	Tool      string
	FileName  string
	ShareFile dkek.ShareFile
	Replaces  []string
}

// NewRecord makes the record of a set, with salts from rand. It takes some
// hundredths of a second for each custodian.
func NewRecord(rand io.Reader, set *Set, issued Issuance) (*Record, error) {
	r := &Record{
		Format: recordFormat, Ceremony: issued.Ceremony, Set: set.ID, Threshold: set.Threshold, Total: set.Total, Strength: set.Strength,
		Prime: colons(set.Shares[0].Prime), KCV: issued.KCV.String(), Created: issued.Created.UTC().Truncate(time.Second), Tool: issued.Tool,
		ShareFile: RecordedFile{issued.FileName, issued.ShareFile.SHA256()}, Cost: defaultCost(), Replaces: issued.Replaces,
	}
	for i, share := range set.Shares {
		salt := make([]byte, saltSize)
		if _, err := io.ReadFull(rand, salt); err != nil {
			return nil, fmt.Errorf("drawing a salt: %w", err)
		}
		c := CustodianRecord{Number: i + 1, ReadBack: issued.ReadBack[i], Salt: salt}
		c.Fingerprint = hex.EncodeToString(r.Cost.fingerprint(share, salt))
		if len(issued.Names) > 0 {
			c.Name = issued.Names[i]
		}
		r.Custodians = append(r.Custodians, c)
	}
	return r, nil
}

// Bytes writes the record as indented JSON.
func (r *Record) Bytes() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	return append(b, '\n'), err
}

// ParseRecord reads a record and checks that it is complete.
func ParseRecord(b []byte) (*Record, error) {
	var r Record
	if err := strictjson.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("not a set record: %w", err)
	}
	if r.Format != recordFormat {
		return nil, fmt.Errorf("set record of format %q, %q expected; was it made by a later version?", r.Format, recordFormat)
	}
	return &r, r.check()
}

func (r *Record) check() error {
	scheme := Scheme{Threshold: r.Threshold, Total: r.Total, Strength: r.Strength}
	if err := scheme.Check(); err != nil {
		return fmt.Errorf("set record: %w", err)
	}
	prime, err := parsePrime(r.Prime)
	if err != nil {
		return fmt.Errorf("set record: prime: %w", err)
	}
	for _, id := range append([]string{r.Set}, r.Replaces...) {
		if len(id) != setIDSymbols || strings.ContainsFunc(id, func(c rune) bool { return symbolOf(c) < 0 }) {
			return fmt.Errorf("set record: %.20q is not the name of a set; %d characters such as Q7ZX were expected", id, setIDSymbols)
		}
	}
	if r.Strength == Strength128 && prime.Cmp(Prime128()) != 0 || r.Strength == Strength64 && prime.BitLen() != int(Strength64) {
		return fmt.Errorf("set record: the prime is not one for a strength of %d bits", r.Strength)
	}
	if len(r.Custodians) != r.Total {
		return fmt.Errorf("set record: %d custodians, %d expected", len(r.Custodians), r.Total)
	}
	for i, c := range r.Custodians {
		if b, err := hex.DecodeString(c.Fingerprint); c.Number != i+1 || err != nil || len(b) != fingerprintSize || len(c.Salt) != saltSize {
			return fmt.Errorf("set record: custodian %d: number, salt or fingerprint is damaged", i+1)
		}
		for j, other := range r.Custodians[:i] {
			if other.Fingerprint == c.Fingerprint {
				return fmt.Errorf("set record: custodians %d and %d have the same fingerprint", j+1, i+1)
			}
		}
	}
	return r.Cost.check()
}

// Of says whether the record is of this share file.
func (r *Record) Of(file dkek.ShareFile) bool { return r.ShareFile.SHA256 == file.SHA256() }

// Name is what people call a custodian.
func (r *Record) Name(number int) string {
	if r != nil && number >= 1 && number <= len(r.Custodians) && r.Custodians[number-1].Name != "" {
		return fmt.Sprintf("%s (custodian %d)", r.Custodians[number-1].Name, number)
	}
	return fmt.Sprintf("custodian %d", number)
}

// Judge compares a share with the record. The error says what does not fit,
// and what to do; it is a *Doubt if one misread digit explains it. To look for one
// takes a second or two; ctx ends that at once.
func (r *Record) Judge(ctx context.Context, share CustodianShare) error {
	number, err := r.number(share)
	if err != nil {
		return err
	}
	if r.fits(number, share) {
		return nil
	}
	var others []guess
	for other := range r.Custodians {
		others = append(others, guess{number: other + 1, share: share})
	}
	g, found, err := r.firstFit(ctx, others)
	switch {
	case err != nil:
		return err
	case found:
		return fmt.Errorf("share value: it is that of %s, not of %s; check share ID and value: both are on one sheet", r.Name(g.number), r.Name(number))
	}
	return r.misread(ctx, number, share)
}

// number is the custodian whose share this must be, by all that it says of itself but
// its value.
func (r *Record) number(share CustodianShare) (int, error) {
	if share.Set != "" && share.Set != r.Set {
		return 0, r.otherSet(share.Set)
	}
	if err := r.contradiction(share); err != nil {
		return 0, err
	}
	if prime, _ := parsePrime(r.Prime); prime.Cmp(share.Prime) != 0 {
		return 0, otherSet(share.Set, "prime: it is not that of set %s; is the sheet of another set?", r.Set)
	}
	return r.numbered(share.ID)
}

// contradiction is about a code of this very set, with its checksum, that says something
// else about the set than the record, which has none and can be written by anyone: it
// must not make fewer sheets be enough, say.
func (r *Record) contradiction(share CustodianShare) error {
	prime, _ := parsePrime(r.Prime)
	if share.Set == "" || share.Threshold == r.Threshold && share.Total == r.Total && prime.Cmp(share.Prime) == 0 {
		return nil
	}
	const anew = "the code has a checksum, so the record was changed, or is damaged: do without it (--no-record, or move it away)"
	if share.Threshold == r.Threshold && share.Total == r.Total {
		return fmt.Errorf("sheet code: its prime is not the one that the record of set %s has; %s", r.Set, anew)
	}
	return fmt.Errorf("sheet code: it says that set %s is %d-of-%d, and the set record that it is %d-of-%d; %s",
		r.Set, share.Threshold, share.Total, r.Threshold, r.Total, anew)
}

// guess is a share that a custodian's may be, and the question that tells how
// it differs from what was typed.
type guess struct {
	number   int
	share    CustodianShare
	question string
}

// firstFit gives one of the guesses whose fingerprint is right; there is hardly
// ever a second. The error is that of ctx: no fingerprint can be broken off, but each
// takes some thousandths of a second.
func (r *Record) firstFit(ctx context.Context, guesses []guess) (fit guess, found bool, err error) {
	var workers sync.WaitGroup
	var next atomic.Int64
	var once sync.Once
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(guesses)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if r.fits(guesses[i].number, guesses[i].share) {
					once.Do(func() { fit, found = guesses[i], true })
					next.Store(int64(len(guesses)))
				}
			}
		})
	}
	workers.Wait()
	return fit, found, ctx.Err()
}

// numbered is the custodian that an ID means: a decimal, or the hexadecimal that
// sc-hsm-tool wants, if it has a letter.
func (r *Record) numbered(id string) (int, error) {
	number := int(CustodianShare{ID: id}.point(10).X.Int64())
	if number > r.Total {
		return 0, fmt.Errorf("share ID: %s; set %s has %d custodians", id, r.Set, r.Total)
	}
	return number, nil
}

func (r *Record) otherSet(id string) error {
	if slices.Contains(r.Replaces, id) {
		return otherSet(id, "this sheet is of set %s, which set %s has replaced; it opens only old copies of the share file: destroy it, and bring the sheet of set %s", id, r.Set, r.Set)
	}
	return otherSet(id, "this sheet is of set %s, another ceremony's; bring the sheet of set %s", id, r.Set)
}

// fits compares a fingerprint in constant time.
func (r *Record) fits(number int, share CustodianShare) bool {
	c := r.Custodians[number-1]
	want, _ := hex.DecodeString(c.Fingerprint)
	return subtle.ConstantTimeCompare(r.Cost.fingerprint(share, c.Salt), want) == 1
}

// misread looks for the one digit, or two exchanged ones, that make the share
// what it was.
func (r *Record) misread(ctx context.Context, number int, share CustodianShare) error {
	g, found, err := r.firstFit(ctx, misreadings(number, share))
	switch {
	case err != nil:
		return err
	case found:
		return &Doubt{Where: "share value", Why: "it is not the one in the set record; a digit was misread", Question: g.question, Share: g.share}
	}
	return fmt.Errorf("share value: it is not that of %s in set %s; compare every digit with the sheet, and check that the sheet says set %s",
		r.Name(number), r.Set, r.Set)
}

// NumberOf is the custodian whose share this is, 0 if it is nobody's.
func (r *Record) NumberOf(share CustodianShare) int {
	number, err := r.numbered(share.ID)
	if err != nil {
		return 0
	}
	return number
}
