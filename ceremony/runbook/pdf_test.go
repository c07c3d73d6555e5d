package runbook_test

import (
	"fmt"
	"strings"
	"testing"

	"conclave/ceremony/runbook"
	"conclave/internal/typeset/typesettest"
)

func TestPDFIsA4AndHasItsFonts(t *testing.T) {
	each(t, func(t *testing.T, b runbook.Book) {
		content := pdf(t, b)
		info := strings.Join(strings.Fields(typesettest.Run(t, content, "pdfinfo", "-isodates", "-")), " ")
		for _, want := range []string{"Title: Key ceremony runbook: " + b.Plan.Ceremony, "CreationDate: 2026-12-20T08:30:00", "Page size: 595.28 x 841.89 pts (A4)"} {
			if !strings.Contains(info, want) {
				t.Errorf("%q is not in %s", want, info)
			}
		}
		typesettest.CheckFonts(t, content, 3)
		typesettest.CheckType(t, content, 9)
	})
}

// pages are the texts of the pages, as pdftotext lays them out.
func pages(t *testing.T, content []byte) []string {
	t.Helper()
	text := typesettest.Run(t, content, "pdftotext", "-layout", "-", "-")
	return strings.Split(strings.TrimSuffix(text, "\f"), "\f")
}

func TestPDFSaysEverythingInOrder(t *testing.T) {
	each(t, func(t *testing.T, b runbook.Book) {
		// The table of people has long names beside their roles, which mixes their
		// lines; the order of the file is that in which it was written.
		wantInOrder(t, typesettest.Run(t, pdf(t, b), "pdftotext", "-raw", "-", "-"), allTexts(b))
		wantInOrder(t, strings.Join(pages(t, pdf(t, b)), ""), stepTexts(b.Plan))
	})
}

func TestEachPageOfThePDFSaysWhatItBelongsTo(t *testing.T) {
	each(t, func(t *testing.T, b runbook.Book) {
		all := pages(t, pdf(t, b))
		for i, page := range all {
			for _, want := range []string{b.Plan.Ceremony, fmt.Sprintf("Plan %x", b.Materials[0].SHA256[:4]), fmt.Sprintf("page %d of %d", i+1, len(all))} {
				if !strings.Contains(squeeze(page), squeeze(want)) {
					t.Errorf("%q is not on page %d", want, i+1)
				}
			}
			first, _, _ := strings.Cut(strings.TrimSpace(page), "\n")
			if marked := first == "PRACTICE"; marked != b.Plan.Practice {
				t.Errorf("page %d begins with %q", i+1, first)
			}
		}
	})
}

// TestStepsOfThePDFAreOnOnePage looks for the end of each step on the page that
// it begins on.
func TestStepsOfThePDFAreOnOnePage(t *testing.T) {
	for _, b := range []runbook.Book{usual(), practice(), signing()} {
		found := 0
		for _, page := range pages(t, pdf(t, b)) {
			if strings.Contains(page, "Exception sheet") {
				break // two on a page look as a step does where it ends
			}
			if strings.Contains(page, "continued") {
				t.Errorf("a step goes on on another page:\n%s", page)
			}
			begun, ended := strings.Count(page, "Begins:"), strings.Count(squeeze(page), squeeze("Witness's initials Exception no."))
			if begun != ended {
				t.Errorf("%d steps begin, and %d end on one page:\n%s", begun, ended, page)
			}
			found += begun
		}
		if steps := len(b.Plan.Steps()); found != steps {
			t.Errorf("%d of %d steps found", found, steps)
		}
	}
}

// TestNoHeadingOfThePDFIsLast has ceremonies of many sizes, so that pages end
// at every place of the long steps.
func TestNoHeadingOfThePDFIsLast(t *testing.T) {
	if testing.Short() {
		t.Skip("dozens of papers")
	}
	each(t, checkLastLines)
	b := usual()
	for i := 6; i < 45; i++ {
		b.Plan.People.Custodians = append(b.Plan.People.Custodians, fmt.Sprintf("Custodian %d", i))
		if i > 18 {
			t.Run(fmt.Sprint(i, " custodians"), func(t *testing.T) { checkLastLines(t, b) })
		}
	}
}

func checkLastLines(t *testing.T, b runbook.Book) {
	t.Helper()
	titles := []string{"People", "Devices", "What to bring", "How to use this runbook", "You must see", "Write down", "Signatures", "To verify the evidence later"}
	for _, s := range b.Plan.Steps() {
		titles = append(titles, s.Title)
	}
	for i, page := range pages(t, pdf(t, b)) {
		var lines []string
		for line := range strings.Lines(page) {
			if line = strings.Join(strings.Fields(line), " "); line != "" {
				lines = append(lines, line)
			}
		}
		last := lines[len(lines)-2] // before the foot
		for _, title := range titles {
			if strings.HasSuffix(last, title) || strings.HasPrefix(last, "Begins:") || strings.HasPrefix(last, "Name Role") || strings.HasPrefix(last, "Device Serial") {
				t.Errorf("page %d ends with %q", i+1, last)
			}
		}
	}
}

func TestThePDFKeepsItsMarginsAndNothingOverlaps(t *testing.T) {
	each(t, func(t *testing.T, b runbook.Book) {
		typesettest.CheckWords(t, pdf(t, b), 20, typesettest.Box{Left: 25, Top: 8, Right: 190, Bottom: 289})
	})
}

// TestPagesOfThePDFAreFull: a step is not cut, so that pages end where they must; but no
// page is for a few lines, and together they are not for half of what they could have.
func TestPagesOfThePDFAreFull(t *testing.T) {
	const top, bottom = 22, 280
	for name, b := range map[string]runbook.Book{"usual": usual(), "practice": practice(), "drill": drill(), "no custody": signing()} {
		all := 0.0
		pages := typesettest.Filled(t, pdf(t, b), bottom)
		for i, down := range pages {
			if all += down - top; down < (top+bottom)/3 {
				t.Errorf("%s: page %d has nothing below %.0f mm", name, i+1, down)
			}
		}
		if share := all / float64(len(pages)) / (bottom - top); share < 0.75 {
			t.Errorf("%s: %.0f %% of %d pages are used", name, 100*share, len(pages))
		}
	}
}

func TestThePDFHasAnOutline(t *testing.T) {
	content := string(pdf(t, usual()))
	if n := strings.Count(content, "/Dest ["); n < len(usual().Plan.Steps())+8 {
		t.Errorf("%d entries in the outline", n)
	}
}

func TestThePDFNamesTheFieldThatItCannotPrint(t *testing.T) {
	for want, spoil := range map[string]func(b *runbook.Book, text string){
		"ceremony: ":                func(b *runbook.Book, text string) { b.Plan.Ceremony = text },
		"place: ":                   func(b *runbook.Book, text string) { b.Plan.Place = text },
		"people.administrator: ":    func(b *runbook.Book, text string) { b.Plan.People.Administrator = text },
		"people.witnesses[1]: ":     func(b *runbook.Book, text string) { b.Plan.People.Witnesses[1] = text },
		"people.custodians[4]: ":    func(b *runbook.Book, text string) { b.Plan.People.Custodians[4] = text },
		"devices[1].serial: ":       func(b *runbook.Book, text string) { b.Plan.Devices[1].Serial = text },
		"certificates[0].subject: ": func(b *runbook.Book, text string) { b.Plan.Certificates[0].Subject.CommonName = text },
		"materials[2].name: ":       func(b *runbook.Book, text string) { b.Materials[2].Name = text },
		"materials[0].detail: ":     func(b *runbook.Book, text string) { b.Materials[0].Detail = text },
		"materials[1].words: ":      func(b *runbook.Book, text string) { b.Materials[1].Words[31] = text },
		"tool: ":                    func(b *runbook.Book, text string) { b.Tool = text },
	} {
		for _, text := range []string{"李", "אסתר", "\U0001F511"} {
			b := usual()
			spoil(&b, text)
			content, err := runbook.PDF(b)
			if err == nil || content != nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "cannot be printed") {
				t.Errorf("%q: %v; an error with %q was expected", text, err, want)
			}
			html(t, b)
		}
	}
}
