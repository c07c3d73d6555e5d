package custody

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/quorum"
)

// Place is where a creation puts what it makes, reserved before anyone comes. No file
// has its name before all of them are proved; then the share file has it first, and
// the record last: it says that nothing is missing.
type Place struct {
	shareFile string
	file      *safefile.Place // nil for new sheets of a share file that exists
	record    *safefile.Place
	sheets    map[int]*safefile.Place // that are encrypted, by custodian
	found     string                  // left by a creation that was cut off, for people
}

// Reserve takes the place of a new share file, for custodians of that number. If
// there is one the error wraps fs.ErrExist; if another process is making it, it says
// which.
func Reserve(shareFile string, custodians int) (*Place, error) {
	p := &Place{shareFile: shareFile}
	found, err := FinishProved(shareFile)
	if err != nil {
		return nil, err
	}
	const room = 4 << 10
	p.file, err = safefile.Reserve(shareFile, room)
	if err != nil && found != "" {
		err = fmt.Errorf("%w. %s", err, found)
	}
	if err != nil {
		return nil, err
	}
	if p.file.Left != nil {
		p.found = voidText(shareFile, *p.file.Left)
	}
	return p, p.reserveRecord(custodians)
}

// ReserveSheets takes the place of new sheets for a share file that exists.
func ReserveSheets(shareFile string, custodians int) (*Place, error) {
	found, err := FinishProved(shareFile)
	if err != nil {
		return nil, err
	}
	p := &Place{shareFile: shareFile, found: found}
	return p, p.reserveRecord(custodians)
}

// recordRoom is how many bytes of a record there are for each custodian.
const recordRoom = 1 << 10

func (p *Place) reserveRecord(custodians int) (err error) {
	if p.record, err = safefile.Reserve(recordPlace(p.shareFile), int64(custodians+4)*recordRoom); err != nil {
		return errors.Join(p.explainRecord(err), p.Release())
	}
	if p.record.Left != nil && p.found == "" {
		p.found = fmt.Sprintf("The making of new sheets for %s was cut off (%v); destroy them, they have no record. The sheets before them are as good as ever.", p.shareFile, *p.record.Left)
	}
	return nil
}

// reserveSheet takes the place of a sheet that is encrypted for a custodian.
func (p *Place) reserveSheet(number int) (err error) {
	const room = 8 << 10
	if p.sheets == nil {
		p.sheets = map[int]*safefile.Place{}
	}
	p.sheets[number], err = safefile.Reserve(sheetPlace(p.shareFile, number), room)
	return err
}

// The record and the encrypted sheets of a set are in the place of files without the
// set's identifier, which is not known yet.
func recordPlace(shareFile string) string { return shareFile + ".set" }
func sheetPlace(shareFile string, number int) string {
	return fmt.Sprintf("%s.sheet-%d", shareFile, number)
}

func sheetPath(shareFile, set string, number int) string {
	return fmt.Sprintf("%s.set-%s.sheet-%d.age", shareFile, set, number)
}

// Release gives up what was not settled. For no place it does nothing.
func (p *Place) Release() error {
	if p == nil {
		return nil
	}
	err := errors.Join(p.file.Release(), p.record.Release())
	for _, sheet := range p.sheets {
		err = errors.Join(err, sheet.Release())
	}
	return err
}

// settle gives the files their names, once the record is written.
func (p *Place) settle(set string) error {
	if err := p.settleFiles(set); err != nil {
		return err
	}
	return p.record.SettleAs(RecordPath(p.shareFile, set))
}

func (p *Place) settleFiles(set string) error {
	if p.file != nil {
		if err := p.file.Settle(); err != nil {
			return err
		}
	}
	for number, sheet := range p.sheets {
		if err := sheet.SettleAs(sheetPath(p.shareFile, set, number)); err != nil {
			return err
		}
	}
	return nil
}

// leave leaves all that lies in the place for another process.
func (p *Place) leave() {
	p.file.Leave()
	p.record.Leave()
	for _, sheet := range p.sheets {
		sheet.Leave()
	}
}

// FinishProved gives the files of a set their names where a creation was cut off when
// all was proved and only that was missing. What it finds it gives as a sentence for
// people; empty for nothing.
func FinishProved(shareFile string) (found string, err error) {
	p, record, err := openProved(shareFile)
	if p == nil || err != nil {
		return "", err
	}
	defer p.leave()
	if err := p.settle(record.Set); err != nil {
		return "", err
	}
	return fmt.Sprintf("The making of the sheets of set %s was cut off when they were proved: they are good and open %s, and their record is written now.", record.Set, shareFile), nil
}

// openProved opens what lies in the place of a set that was proved; nil for none. The
// record is written only then, so a whole one, of the share file that is there or in
// its place, says so.
func openProved(shareFile string) (*Place, *quorum.Record, error) {
	p := &Place{shareFile: shareFile, sheets: map[int]*safefile.Place{}}
	record, file, err := p.resume()
	if err != nil || record == nil || !record.Of(file) {
		p.leave()
		return nil, nil, err
	}
	for number := range record.Total {
		if sheet, err := safefile.Resume(sheetPlace(shareFile, number+1)); err == nil {
			p.sheets[number+1] = sheet
		}
	}
	return p, record, nil
}

// resume reads the record in its place, none if it is not whole, and the share file.
func (p *Place) resume() (record *quorum.Record, file dkek.ShareFile, err error) {
	if p.record, err = safefile.Resume(recordPlace(p.shareFile)); err != nil {
		return nil, file, p.explainRecord(err)
	}
	content, err := p.record.Reread()
	if err != nil {
		return nil, file, err
	}
	if record, err = quorum.ParseRecord(content); err != nil {
		return nil, file, nil
	}
	p.file, err = safefile.Resume(p.shareFile)
	if err == nil {
		if content, err = p.file.Reread(); err == nil {
			file, err = dkek.ParseShareFile(content)
		}
	} else if errors.Is(err, fs.ErrNotExist) {
		file, _, err = readShareFile(p.shareFile)
	}
	if err != nil {
		return nil, file, nil // a share file that is not there, or not one, is no one's record
	}
	return record, file, nil
}

// explainRecord says in words that another process makes sheets, and takes it for no
// error that there is nothing.
func (p *Place) explainRecord(err error) error {
	var held *safefile.HeldError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, &held):
		return &safefile.HeldError{Path: "a set of sheets for " + p.shareFile, By: held.By}
	}
	return err
}

func voidText(shareFile string, left safefile.Making) string {
	return fmt.Sprintf("The making of %s was cut off before it was proved (%v); every sheet copied for it is void: destroy them.", shareFile, left)
}

// explainMissing says of a share file that is not there that it was not proved, or
// is not yet.
func explainMissing(path string, err error) error {
	left, lookErr := safefile.Left(path)
	var held *safefile.HeldError
	proved, _, _ := openProved(path)
	switch {
	case errors.As(lookErr, &held):
		return fmt.Errorf("%w: %w", err, held)
	case proved != nil:
		proved.leave()
		return fmt.Errorf("%w. The making of %s was cut off when it was proved (%v), and the sheets are good; give the same command once more to finish it", err, path, left)
	case lookErr == nil:
		return fmt.Errorf("%w. %s Then make it again; %s is cleared away by that", err, voidText(path, left), path+safefile.Unfinished)
	}
	return err
}

// explainUnfinished refuses what lies in the place of a share file.
func explainUnfinished(path string) error {
	whole := strings.TrimSuffix(path, safefile.Unfinished)
	return explainMissing(whole, fmt.Errorf("%s is not a share file that was proved", path))
}

// explainFolder names the share files in a folder whose making was cut off.
func explainFolder(dir string, err error) error {
	left, _ := filepath.Glob(filepath.Join(dir, "*"+safefile.Unfinished))
	for _, path := range left {
		err = fmt.Errorf("%w; %w", err, explainUnfinished(path))
	}
	return err
}

// explainUnread says more about a share file that cannot be read.
func explainUnread(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return explainMissing(path, err)
	case errors.Is(err, syscall.EISDIR):
		return explainFolder(path, err)
	}
	return err
}
