package terminal

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"conclave/custody"
	"conclave/internal/safefile"
	"conclave/internal/typed"
	"conclave/quorum"
	"conclave/quorum/paper"
)

// Paper is a screen whose custodians take their sheets from a printer, or as PDF
// files.
type Paper struct {
	*Screen
	Dir     string   // where the files are written
	Command []string // prints what comes on its standard input; nil for files
	// Unattended is for files that no one waits for: there is no terminal, and no one
	// comes.
	Unattended bool
}

// Come implements custody.Custodians.
func (p *Paper) Come(ctx context.Context, turn custody.Turn) error {
	if p.Unattended {
		return ctx.Err()
	}
	return p.Screen.Come(ctx, turn)
}

// Leave implements custody.Custodians.
func (p *Paper) Leave() {
	if !p.Unattended {
		p.Screen.Leave()
	}
}

// Show implements custody.Custodians. The sheet exists in memory and where it is
// sent to, and in no other file.
func (p *Paper) Show(ctx context.Context, h custody.Handout) error {
	document, err := sheetPDF(h)
	if err != nil {
		return err
	}
	defer clear(document)
	if h.Problem != nil {
		p.terminal.Printf("Not accepted: %v.\n", h.Problem)
	}
	if p.Command != nil {
		return p.print(ctx, fmt.Sprintf("Sheet %d", h.Number), "makes all sheets of this set void", document)
	}
	path := p.file(h.Set, fmt.Sprintf("%03d", h.Number))
	if err := p.create(ctx, path, document); err != nil {
		return err
	}
	if p.Unattended {
		p.Tell("Sheet written to " + path)
		return nil
	}
	return p.copied(ctx, fmt.Sprintf("Sheet written to %s. Take it, and press <enter>. ", path))
}

// file is the name of a sheet's file.
func (p *Paper) file(set, number string) string {
	return filepath.Join(p.Dir, fmt.Sprintf("sheet-%s-%s.pdf", set, number))
}

// create writes the file once: a sheet that was read back wrongly is there
// already.
func (p *Paper) create(_ context.Context, path string, document []byte) error {
	if present, err := safefile.Read(path, int64(len(document))); err == nil && bytes.Equal(present, document) {
		return nil
	}
	return safefile.CreateInPlace(path, document)
}

// print sends a sheet to the printer, and again if no paper comes out: trouble with
// the printer is not a reason to begin the ceremony anew.
func (p *Paper) print(ctx context.Context, sheet, loss string, document []byte) error {
	help := "Press <enter> when it is done, or type the word that the question says. The command quit stops here, which " + loss + "."
	for {
		prompt := sheet + " was sent to the printer. Take it, and press <enter>; or type again, if it did not come out: "
		if err := p.pipe(ctx, document); err != nil {
			p.terminal.Printf("%v\n", err)
			prompt = "Put the printer right, and press <enter> to print it again; or type give up, which " + loss + ": "
			if text, lineErr := p.stay(ctx, prompt, help); lineErr != nil || typed.Word(text, "give up") != "" {
				return errors.Join(err, lineErr)
			}
			continue
		}
		again, err := p.stay(ctx, prompt, help)
		if err != nil || typed.Word(again, "again") == "" {
			return err
		}
	}
}

func (p *Paper) pipe(ctx context.Context, document []byte) error {
	cmd := exec.CommandContext(ctx, p.Command[0], p.Command[1:]...)
	cmd.Stdin = bytes.NewReader(document)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("printing with %q: %w: %s", strings.Join(p.Command, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// Check makes sheets of a set that is thrown away, to see whether the names can be
// printed, and whether there is room for them in the folder.
func (p *Paper) Check(creation custody.Creation) error {
	set, err := quorum.Draw(rand.Reader, creation.Scheme)
	if err != nil {
		return err
	}
	defer set.Wipe()
	about := custody.About{Ceremony: creation.Ceremony, Date: creation.Now, ShareFile: filepath.Base(creation.ShareFile), Set: set.ID, Scheme: creation.Scheme}
	room := 0
	for i, share := range set.Shares {
		h := custody.Handout{About: about, Number: i + 1, Sheet: share.Sheet()}
		if len(creation.Names) > 0 {
			h.Name = creation.Names[i]
		}
		document, err := sheetPDF(h)
		if err != nil {
			return err
		}
		room += len(document) + page
	}
	if p.Command != nil {
		return p.checkCommand()
	}
	if others, _ := filepath.Glob(p.file("*", "*")); p.Unattended && len(others) > 0 {
		return fmt.Errorf("the sheets: %s has some of another set, such as %s, and no one is here to tell them apart; name an empty folder", p.Dir, filepath.Base(others[0]))
	}
	place, err := safefile.Reserve(filepath.Join(p.Dir, "sheets"), int64(room))
	if err != nil {
		return fmt.Errorf("the sheets: %w", err)
	}
	return place.Release()
}

// checkCommand says beforehand that the program is not there which is to print. What a
// shell makes of a line that does not begin with a plain word, only the shell knows.
func (p *Paper) checkCommand() error {
	words := p.Command
	if len(words) > 2 && words[0] == "sh" && words[1] == "-c" {
		words = strings.Fields(words[2])
	}
	if len(words) == 0 || strings.ContainsAny(words[0], "=;|&()<>$`\"'{}!\\*?[~#") {
		return nil
	}
	if err := exec.Command("sh", "-c", `command -v -- "$1"`, "sh", words[0]).Run(); err != nil {
		return fmt.Errorf("the sheets are to be printed with %s, and there is no such program; is it spelled right, and installed?", words[0])
	}
	return nil
}

// page is what a file takes on a disk more than its bytes, at most.
const page = 4 << 10

func sheetPDF(h custody.Handout) ([]byte, error) {
	return paper.PDF(paper.Sheet{
		Custodian: h.Name, Number: h.Number, Threshold: h.Scheme.Threshold, Total: h.Scheme.Total,
		Ceremony: h.Ceremony, Restores: h.Restores, Contact: h.Contact, Date: h.Date, Set: h.Set, ShareFile: h.ShareFile, KCV: h.KCV.String(),
		Prime: h.Sheet.Prime, ID: h.Sheet.ID, Value: h.Sheet.Value, OldToolID: h.Sheet.OldToolID, Code: h.Sheet.Code,
	})
}
