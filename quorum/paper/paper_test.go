package paper_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"conclave/internal/typeset/typesettest"
	"conclave/quorum/paper"
)

// short is a sheet with as little on it as there can be.
func short() paper.Sheet {
	return paper.Sheet{
		Number: 3, Threshold: 2, Total: 5, Date: time.Date(2026, 10, 5, 9, 30, 0, 0, time.UTC),
		Set: "K7QM", ShareFile: "a", KCV: "0011223344556677",
		Prime: "f1:02:03:04:05:06:07:0b", ID: "3", Value: "45",
		Code: "K7QM 2S5Z R9X8 GF2T VDW0 S3JN 54KH CE6M UA7L QPZR Y9X8 8888",
	}
}

// usual is a sheet as most are.
func usual() paper.Sheet {
	s := short()
	s.Custodian, s.Ceremony, s.ShareFile = "Žofia Müller", "Root CA 2026", "dkek.pbe"
	s.Prime, s.Value = "01:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:33", "9a:bc:de:f0:12:34:56:78:9a:bc:de:f0:12:34:56:78"
	s.Number, s.Total, s.ID, s.OldToolID = 10, 12, "10", "a"
	s.Restores, s.Contact = "the key of Example Root CA 2026", "Ada Admin, +41 44 123 45 67"
	return s
}

// long is a sheet with as much on it as there can be.
func long() paper.Sheet {
	s := usual()
	s.Custodian = "Anne-Marie Wilhelmina " + strings.Repeat("Konstantinopoulou ", 10) + "von Hohenstein-Württemberg"
	s.Ceremony = strings.Repeat("W", 500)
	s.Restores, s.Contact = strings.Repeat("the keys of W and ", 30), strings.Repeat("W", paper.MaxContact)
	s.ShareFile = strings.Repeat("backup-of-the-key-encryption-key-", 7) + "2026-10-05.final.pbe"
	s.Number, s.Threshold, s.Total, s.ID, s.OldToolID = 255, 250, 255, "255", "ff"
	s.Set, s.KCV = "WWWW", "DDDDDDDDDDDDDDDD"
	s.Value = "00:dd:dd:dd:dd:dd:dd:dd:dd:dd:dd:dd:dd:dd:dd:dd:dd"
	s.Code = strings.TrimSpace(strings.Repeat("WWWW ", 12))
	return s
}

func eachSheet(t *testing.T, test func(t *testing.T, s paper.Sheet)) {
	for name, s := range map[string]paper.Sheet{"short": short(), "usual": usual(), "long": long()} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

func pdf(t *testing.T, s paper.Sheet) []byte {
	t.Helper()
	content, err := paper.PDF(s)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// words are what pdftotext reads on the page, with one space between them.
func words(t *testing.T, s paper.Sheet) string {
	t.Helper()
	return strings.Join(strings.Fields(typesettest.Run(t, pdf(t, s), "pdftotext", "-layout", "-", "-")), " ")
}

func wantText(t *testing.T, got string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not on the page:\n%s", want, got)
		}
	}
}

func TestOnePageOfA5(t *testing.T) {
	eachSheet(t, func(t *testing.T, s paper.Sheet) {
		content := pdf(t, s)
		info := typesettest.Run(t, content, "pdfinfo", "-isodates", "-")
		wantText(t, strings.Join(strings.Fields(info), " "), "Title: Share sheet", "CreationDate: 2026-10-05T09:30:00", "Pages: 1 ",
			"Page size: 419.53 x 595.28 pts") // 148 by 210 mm
		for _, field := range []string{"Producer:", "Creator:", "Author:", "Subject:", "Keywords:"} {
			if strings.Contains(info, field) {
				t.Errorf("the metadata have more in them than title and date:\n%s", info)
			}
		}
		typesettest.CheckFonts(t, content, 4)
		typesettest.CheckType(t, content, 9)
	})
}

func TestEveryFieldIsOnThePage(t *testing.T) {
	s := usual()
	text := words(t, s)
	wantText(t, text, "Share 10 of 12", "Any 2 of the 12 sheets", "DKEK: the device key encryption key", s.Restores, "its bag was opened, call at once: "+s.Contact, s.Custodian, s.Ceremony, "2026-10-05", s.Set, s.ShareFile, s.KCV,
		"Prime "+s.Prime, "Share ID "+s.ID, "Share value "+s.Value, "type the ID as a in OpenSC's sc-hsm-tool",
		"conclave dkek check SHAREFILE", "2 custodians", "Signature", "Date", "bag number")
	groups := strings.Fields(s.Code)
	for row := range 3 {
		n := 4*row + 1
		wantText(t, text, fmt.Sprintf("%d %d %d %d %s", n, n+1, n+2, n+3, strings.Join(groups[4*row:4*row+4], " ")))
	}
}

func TestWhoMakesASheetMayKnowNoKeyAndNoContact(t *testing.T) {
	wantText(t, words(t, short()), "Restores, together with others", "the keys that are backed up under its DKEK", "call at once: the ceremony's administrator")
}

func TestNoHintWhereTheIDIsTypedAsPrinted(t *testing.T) {
	if text := words(t, short()); strings.Contains(text, "type the ID") {
		t.Errorf("there is a hint without need:\n%s", text)
	}
}

func TestNames(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*paper.Sheet)
		want   []string
	}{
		"none":       {func(s *paper.Sheet) { s.Custodian, s.Ceremony = "", " " }, []string{"Custodian 10", "–"}},
		"Greek":      {func(s *paper.Sheet) { s.Custodian = "Ελένη Ψυχογιού" }, []string{"Ελένη Ψυχογιού"}},
		"Cyrillic":   {func(s *paper.Sheet) { s.Custodian = "Ђорђе Щербаков" }, []string{"Ђорђе Щербаков"}},
		"Latin":      {func(s *paper.Sheet) { s.Custodian = "Þórður Łukasz Ağaoğlu" }, []string{"Þórður Łukasz Ağaoğlu"}},
		"decomposed": {func(s *paper.Sheet) { s.ShareFile = "schlu\u0308ssel.pbe" }, []string{"schl\u00fcssel.pbe"}},
		"brackets":   {func(s *paper.Sheet) { s.Custodian = `A. (Bo) \ Smith)` }, []string{`A. (Bo) \ Smith)`}},
		"two lines": {func(s *paper.Sheet) { s.Custodian = "Maria Theresia Walburga Amalia von Habsburg" },
			[]string{"Maria Theresia Walburga Amalia von", "Habsburg"}},
		"shortened": {func(s *paper.Sheet) { *s = long() }, []string{"Anne-Marie", "…", "Württemberg", "backup-of-", "final.pbe"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := usual()
			test.change(&s)
			wantText(t, words(t, s), test.want...)
		})
	}
}

func TestNamesOfEveryLength(t *testing.T) {
	if testing.Short() {
		t.Skip("dozens of sheets")
	}
	for n := 1; n < 300; n += 1 + n/3 {
		for _, part := range []string{"W", "i", "W ", "Wo-", "ﬁ"} {
			s := usual()
			s.Custodian = strings.Repeat(part, n)
			s.Ceremony, s.ShareFile, s.Restores = s.Custodian, s.Custodian, s.Custodian
			pdf(t, s)
		}
	}
}

func TestRefusesWhatCannotBePrinted(t *testing.T) {
	for name, want := range map[string]string{
		"李":            "'李' (U+674E)",
		"Anna 李":       "'李' (U+674E)",
		"Nguyễn":       "'ễ' (U+1EC5)",
		"אסתר":         "(U+05D0)",
		"z\u0323ofia":  "(U+1E93)",
		"x\u0301":      "(U+0301)",
		"a\nb":         `'\n' (U+000A)`,
		"a\tb":         `'\t' (U+0009)`,
		"a\u202eb":     `'\u202e' (U+202E)`,
		"a\u00adb":     `'\u00ad' (U+00AD)`,
		"\U0001F511":   "(U+1F511)",
		"\xff":         "not UTF-8",
		"caf\xe9 1850": "not UTF-8",
	} {
		for field, set := range map[string]func(*paper.Sheet){
			"custodian: ": func(s *paper.Sheet) { s.Custodian = name }, "ceremony: ": func(s *paper.Sheet) { s.Ceremony = name },
			"share file: ": func(s *paper.Sheet) { s.ShareFile = name }, "contact: ": func(s *paper.Sheet) { s.Contact = name },
			"what it restores: ": func(s *paper.Sheet) { s.Restores = name },
		} {
			s := usual()
			set(&s)
			content, err := paper.PDF(s)
			if err == nil || content != nil || !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v; an error with %q and %q expected", name, err, field, want)
			}
		}
	}
}

func TestRefusesWhatCannotBe(t *testing.T) {
	const stray = "5ecre7"
	for want, spoil := range map[string]func(*paper.Sheet){
		"13-of-12":        func(s *paper.Sheet) { s.Threshold = 13 },
		"1-of-12":         func(s *paper.Sheet) { s.Threshold = 1 },
		"2-of-256":        func(s *paper.Sheet) { s.Total = 256 },
		"number":          func(s *paper.Sheet) { s.Number = 13 },
		"custodian 0":     func(s *paper.Sheet) { s.Number = 0 },
		"date":            func(s *paper.Sheet) { s.Date = time.Time{} },
		"set identifier":  func(s *paper.Sheet) { s.Set = "K7Q1" },
		"share file":      func(s *paper.Sheet) { s.ShareFile = "" },
		"61 characters":   func(s *paper.Sheet) { s.Contact = strings.Repeat("W", 61) },
		"key check value": func(s *paper.Sheet) { s.KCV = "001122334455667" },
		"prime":           func(s *paper.Sheet) { s.Prime += ":33" },
		"share ID:":       func(s *paper.Sheet) { s.ID = "256" },
		"sc-hsm-tool":     func(s *paper.Sheet) { s.OldToolID = "0" },
		"share value":     func(s *paper.Sheet) { s.Value = stray },
		"code":            func(s *paper.Sheet) { s.Code = stray + s.Code },
		"code:":           func(s *paper.Sheet) { s.Code = strings.ToLower(s.Code) },
		"code: twelve":    func(s *paper.Sheet) { s.Code = strings.ReplaceAll(s.Code, " ", "") },
	} {
		s := usual()
		spoil(&s)
		content, err := paper.PDF(s)
		if err == nil || content != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), stray) {
			t.Errorf("%v; an error with %q expected, and no secret in it", err, want)
		}
	}
}

func TestTheSameSheetGivesTheSameBytes(t *testing.T) {
	first := pdf(t, usual())
	for range 10 {
		if !bytes.Equal(first, pdf(t, usual())) {
			t.Fatal("two files of one sheet differ")
		}
	}
	other := usual()
	other.Code = short().Code[:55] + "9999"
	if bytes.Equal(first, pdf(t, other)) {
		t.Error("another code gives the same file")
	}
}

func TestFormattingShowsNoSecret(t *testing.T) {
	s := usual()
	nested := struct{ S paper.Sheet }{s}
	err := fmt.Errorf("%w: %v", errors.New("printing"), s)
	for _, text := range []string{
		fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%s %q %x %d", s, s, s, s),
		fmt.Sprintf("%+v", nested), fmt.Sprint(&s), err.Error(),
	} {
		if strings.Contains(text, s.Value) || strings.Contains(text, s.Code[:4]) || !strings.Contains(text, "sheet 10 [redacted]") {
			t.Errorf("formatted as %q", text)
		}
	}
}
