package report_test

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"conclave/ceremony/evidence"
	"conclave/ceremony/report"
	"conclave/internal/typeset/typesettest"
)

// source is the evidence of a rehearsal that an earlier version has held, verified with
// its key from the paper.
func source(t *testing.T) report.Source {
	t.Helper()
	paper, err := os.ReadFile("../evidence/testdata/rehearsal-1.key")
	if err != nil {
		t.Fatal(err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(paper)))
	if err != nil {
		t.Fatal(err)
	}
	return verified(t, evidence.Options{Key: key})
}

func verified(t *testing.T, options evidence.Options) report.Source {
	t.Helper()
	found, err := evidence.VerifyFolder("../evidence/testdata/rehearsal-1", options)
	if err != nil && len(found.Problems) == 0 {
		t.Fatal(err)
	}
	return report.Source{Evidence: found, Options: options, Tool: "1.4.0"}
}

func html(t *testing.T, s report.Source) []byte {
	t.Helper()
	page, err := report.HTML(s)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func pdf(t *testing.T, s report.Source) []byte {
	t.Helper()
	pages, err := report.PDF(s)
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// squeeze gives a text as it is compared: without the spaces, which come and go where
// lines are broken.
func squeeze(text string) string { return strings.Join(strings.Fields(norm.NFKC.String(text)), "") }

// texts are those of a page, one for each element that has no other element in it.
func texts(t *testing.T, page []byte) (all []string) {
	t.Helper()
	_, page, _ = bytes.Cut(page, []byte("<main>"))
	page, _, _ = bytes.Cut(page, []byte("</main>"))
	d := xml.NewDecoder(bytes.NewReader(append(append([]byte("<main>"), page...), "</main>"...)))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			all = append(all, string(text))
		}
	}
}

// TestBothFormsSayTheSame: whatever the page says, the PDF says in the same order.
func TestBothFormsSayTheSame(t *testing.T) {
	s := source(t)
	said := texts(t, html(t, s))
	if len(said) < 200 {
		t.Fatalf("the page says %d things", len(said))
	}
	rest := squeeze(typesettest.Run(t, pdf(t, s), "pdftotext", "-raw", "-", "-"))
	for _, want := range said {
		_, after, found := strings.Cut(rest, squeeze(want))
		if !found {
			t.Fatalf("%q is missing, or not in its place; what comes there is %.200q", want, rest)
		}
		rest = after
	}
}

// TestReportTells what an auditor asks for.
func TestReportTells(t *testing.T) {
	s := source(t)
	said := strings.Join(texts(t, html(t, s)), "\n")
	for _, want := range []string{
		"Unproved in part. All of the evidence is as it was made, going by what is on the paper",
		"Compared with the paper\nthe ceremony key", "A rehearsal. Nothing in this report is in force.",
		fmt.Sprintf("Closing\n%s\nSHA-256\n%x", "The SHA-256 of the last signed checkpoint, and so of all that the transcript says.", s.Evidence.Closing),
		"Key root\nType\nec:secp384r1\nMade in\nthe device primary", "which attests it in attestations/root.cvc", "certificates/root.pem, CN=PRACTICE",
		"PRACTICE Carla\nCustodian 1\nno; PRACTICE Deputy stood in", "PRACTICE Chen\nCustodian 2\nyes, with a proof of identity", "Generate the key root\nPRACTICE Ada Admin", "Custodians 4, 2, 3",
		"Not in the evidence: none is attached", "Recording\nnot in the evidence", "PRACTICE Carla is absent; PRACTICE Deputy stands in",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(said)
	}
	for _, text := range append(slices.Clone(s.Evidence.Unproved), s.Evidence.Shown...) {
		if !strings.Contains(said, text) {
			t.Errorf("it does not say what the verification says: %q", text)
		}
	}
}

// TestUnanchored: evidence that no one has compared with the paper is told so first.
func TestUnanchored(t *testing.T) {
	said := texts(t, html(t, verified(t, evidence.Options{})))
	verdict := slices.IndexFunc(said, func(text string) bool { return strings.HasPrefix(text, "Unanchored. ") })
	if verdict < 0 || verdict > 3 {
		t.Errorf("it begins with %q", said[:5])
	}
}

// TestRefusedEvidenceHasNoReport: not even one that says so.
func TestRefusedEvidenceHasNoReport(t *testing.T) {
	for name, form := range map[string]func(report.Source) ([]byte, error){"HTML": report.HTML, "PDF": report.PDF} {
		content, err := form(verified(t, evidence.Options{Closing: make([]byte, 32)}))
		if !errors.Is(err, report.ErrRefused) || content != nil || !strings.Contains(err.Error(), "problems: 1, such as: checkpoint: its SHA-256 is") {
			t.Errorf("%s: %d bytes, %v", name, len(content), err)
		}
	}
}

func TestTheSameSourceGivesTheSameBytes(t *testing.T) {
	page, pages := html(t, source(t)), pdf(t, source(t))
	for range 3 {
		if !bytes.Equal(page, html(t, source(t))) || !bytes.Equal(pages, pdf(t, source(t))) {
			t.Fatal("two reports of one source differ")
		}
	}
	if bytes.Equal(page, html(t, verified(t, evidence.Options{}))) {
		t.Error("the report does not depend on what is on the paper")
	}
}

// TestOwnWordsThatCannotBePrinted are in the HTML all the same, and name their section.
func TestOwnWordsThatCannotBePrinted(t *testing.T) {
	s := source(t)
	s.Evidence.Exceptions[0].Text = "the lamp \U0001F4A1 went out <b>"
	if page := html(t, s); !bytes.Contains(page, []byte("the lamp \U0001F4A1 went out &lt;b&gt;")) {
		t.Error("the page does not say so")
	}
	if _, err := report.PDF(s); err == nil || !strings.Contains(err.Error(), "Exceptions: the character") {
		t.Errorf("the PDF: %v", err)
	}
}

func TestThePagesOfThePDF(t *testing.T) {
	s := source(t)
	content := pdf(t, s)
	typesettest.CheckFonts(t, content, 3)
	typesettest.CheckType(t, content, 9)
	typesettest.CheckWords(t, content, 12, typesettest.Box{Left: 25, Top: 8, Right: 190, Bottom: 289})
	pages := strings.Split(strings.TrimSuffix(typesettest.Run(t, content, "pdftotext", "-layout", "-", "-"), "\f"), "\f")
	for i, page := range pages {
		for _, want := range []string{s.Evidence.Ceremony, fmt.Sprintf("Closing %x", s.Evidence.Closing[:4]), fmt.Sprintf("page %d of %d", i+1, len(pages)), "PRACTICE\n"} {
			if !strings.Contains(squeeze(page), squeeze(want)) {
				t.Errorf("%q is not on page %d", want, i+1)
			}
		}
	}
	if first := squeeze(pages[0]); !strings.Contains(first, "Unprovedinpart") || !strings.Contains(first, "Closing") || !strings.Contains(first, fmt.Sprintf("%x", s.Evidence.Closing)) {
		t.Errorf("the first page is\n%s", pages[0])
	}
}

// TestABrowserShowsTheReport on a phone, where nothing but tables has to be scrolled.
func TestABrowserShowsTheReport(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser")
	}
	folder := t.TempDir()
	frame := `<!DOCTYPE html><title></title><body><iframe width="390" height="800" src="report.html"></iframe><script>addEventListener("load", () => {
		const d = document.querySelector("iframe").contentDocument.documentElement; document.title = d.clientWidth + " " + d.scrollWidth })</script>`
	for name, content := range map[string][]byte{"page.html": []byte(frame), "report.html": html(t, source(t))} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if shown := typesettest.Browse(t, folder, "--allow-file-access-from-files"); !strings.Contains(shown, "<title>390 390</title>") {
		t.Errorf("%.200s", shown)
	}
}
