package ceremony_test

import (
	"errors"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ca/register"
	"conclave/ceremony"
	"conclave/ceremony/custodypage"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/internal/typeset/typesettest"
)

// threeYears is what a page is made from: a ceremony, and what has come after it until a
// sheet was stolen.
func threeYears(t *testing.T) custodypage.Source {
	t.Helper()
	media := t.TempDir()
	medium := func(n int) string { return filepath.Join(media, fmt.Sprint(n)) }
	for n := range 5 {
		if err := os.Mkdir(medium(n+1), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	otherwise := map[string][]string{
		"Folder of backup medium 1": {medium(1), medium(3), medium(5)},
		"Folder of backup medium 2": {medium(2), medium(4)},
		"Is Dana Dietrich here":     {"yes", "yes", "yes", "yes", "no", "yes", "no"},
		"Is Bob Beyeler here":       {"yes", "yes", "yes", "yes", "yes", "yes", "no"},
		"What has happened":         {"a bag with Bob Beyeler's sheet was stolen from a car"},
		"What is decided":           {"new keys, and until then no certificate is issued"},
		"By which day must the":     {"2029-10-31"},
	}
	for n := range 60 {
		otherwise["Number of the bag of"] = append(otherwise["Number of the bag of"], fmt.Sprintf("A %d", 100401+n))
	}
	room := func(s *stage) ceremony.Room { return &answers{s.players, otherwise} }
	y := yearsFrom(t, time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), room, func(p *plan.Plan) {
		p.People.Custodians = []string{"Alice Ammann", "Bob Beyeler", "Cem Caliskan", "Dana Dietrich"}
		p.Devices[0].Product = plan.Product{Make: "CardContact", Model: "SmartCard-HSM 4K"}
		p.Devices[0].UserPIN, p.Devices[0].SOPIN = &plan.PIN{Kept: plan.OnSheet}, &plan.PIN{Kept: plan.ByQuorum}
	})
	y.drilled(t, 6)
	y.changed(t, plan.NewSheets, func(p *plan.Plan) { p.People.Custodians[2] = "Xenia Xu" })
	y.changed(t, plan.AddMedium, nil)
	y.drilled(t, 6)
	y.changed(t, plan.Emergency, nil)
	return y.source(t, time.Date(2029, 8, 20, 12, 0, 0, 0, time.UTC))
}

// sourceOf is what a page of a day is made from, where there is no register.
func sourceOf(t *testing.T, bundle string, now time.Time) custodypage.Source {
	t.Helper()
	b, err := ceremony.Newest(bundle)
	if err != nil {
		t.Fatal(err)
	}
	return custodypage.Source{Chain: b.Chain, Record: b.Record, Level: evidence.Unanchored, Now: now, Tool: "1.0"}
}

// source is what a page of a day is made from.
func (y *years) source(t *testing.T, now time.Time) custodypage.Source {
	t.Helper()
	s := sourceOf(t, y.newest, now)
	r, err := register.Open(y.Dir.Register())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if s.Signed, err = r.Entries(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Register = "register.sqlite"
	return s
}

func custodyPage(t *testing.T, s custodypage.Source) string {
	t.Helper()
	page, err := custodypage.HTML(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// TestCustodyPage: what the page of three years says, in a browser as wide as a desk and
// as narrow as a phone, and on paper.
func TestCustodyPage(t *testing.T) {
	s := threeYears(t)
	page := custodyPage(t, s)
	if again := custodyPage(t, s); again != page {
		t.Error("the same source gives another page")
	}
	if testing.Short() {
		t.Skip("a browser")
	}
	keepPage(t, "page.html", []byte(page))
	t.Run("windows", func(t *testing.T) { looksRight(t, page) })
	t.Run("paper", func(t *testing.T) { printsRight(t, page) })
	t.Run("hostile", func(t *testing.T) { staysText(t, s) })
}

// keepPage leaves a file for people to look at, if there is a folder for them.
func keepPage(t *testing.T, name string, content []byte) {
	t.Helper()
	if folder := os.Getenv("CUSTODY_PICTURES"); folder != "" {
		write(t, filepath.Join(folder, name), string(content))
	}
}

// frames shows a page in windows of two widths, and tells what is in them: how the
// drawing is laid out, how wide the page is, what sticks out, and which elements are not
// of ours; then the text that people see.
func frames(t *testing.T, page string) (told, text string) {
	t.Helper()
	folder := t.TempDir()
	var all strings.Builder
	all.WriteString("<!DOCTYPE html><title></title><style>body{margin:0;display:flex}iframe{border:0;flex:none}pre{display:none}</style><body>")
	for _, width := range []int{1280, 390} {
		fmt.Fprintf(&all, `<iframe width="%d" height="4000" srcdoc="%s"></iframe>`, width, html.EscapeString(page))
	}
	all.WriteString(`<pre></pre><script>addEventListener("load", () => {
		const frames = [...document.querySelectorAll("iframe")].map(f => f.contentDocument)
		document.title = frames.map(d => [
			d.defaultView.getComputedStyle(d.querySelector(".drawing")).display,
			d.documentElement.scrollWidth,
			[...d.querySelectorAll("main *")].filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && !e.closest("svg")).length,
			d.querySelectorAll("script, img, iframe, object, a").length].join(" ")).join(", ")
		document.querySelector("pre").textContent = frames[0].body.innerText
	})</script>`)
	write(t, filepath.Join(folder, "page.html"), all.String())
	picture := filepath.Join(folder, "page.png")
	document := typesettest.Browse(t, folder, "--screenshot="+picture, "--window-size=1670,4000")
	if shot, err := os.ReadFile(picture); err == nil {
		keepPage(t, strings.ReplaceAll(t.Name(), "/", "-")+".png", shot)
	}
	_, told, _ = strings.Cut(document, "<title>")
	told, _, _ = strings.Cut(told, "</title>")
	_, text, _ = strings.Cut(document, "<pre>")
	text, _, _ = strings.Cut(text, "</pre>")
	return told, html.UnescapeString(text)
}

// asItShould is what is told of a page that is laid out as it is meant to be.
const asItShould = "grid 1280 0 0, block 390 0 0"

func looksRight(t *testing.T, page string) {
	told, text := frames(t, page)
	if told != asItShould {
		t.Errorf("%s; %s was expected", told, asItShould)
	}
	wantWords(t, text, threeYearsSay()...)
}

// threeYearsSay is what the page of them says, from its beginning to its end.
func threeYearsSay() []string {
	return []string{
		"Custody on one page, as of 2029-08-20", "Any 2 of the 4 custodians can bring back the keys; fewer cannot.",
		"OVERDUE: next CRL after number 1 since 2027-11-01", "OVERDUE: drill since 2029-08-02", "DUE in 71 days: keys to be changed by 2029-10-31",
		"4 sheets of set ", "Made 2027-08-02. Places: not in the evidence.",
		"Alice Ammann sheet 1 Bag A 100431 Good on 2028-08-02", "Bob Beyeler sheet 2 NOT HERE Bag A 100426 Looked for 2028-08-02", "Xenia Xu sheet 3", "Dana Dietrich sheet 4 NOT HERE",
		"any 2 of 4 open the share file", "Backup: 3 copies Places: not in the evidence.", "Share file dkek.pbe Opened on 2028-05-02", "DKEK", "1 wrapped key Keys root Sealed SO-PIN of primary", "Backup media Bag A 100430", "restored to",
		"2 devices", "primary CardContact SmartCard-HSM 4K Serial", "Keys root Bag A 100428 User PIN on a sheet that Ada Admin wrote, bag A 100408 SO-PIN sealed in the backup, where any 2 of 4 open it; no one knows it As it was on 2028-08-02",
		"standby in software", "User PIN in Ada Admin's head alone",
		"What is not backed up, and what is weak", "The key of CN=Example Issuing CA 1,O=Example Ltd,C=CH. It has a certificate in the register, and is in no backup",
		"All 3 copies of the backup are in one bag.", "Bob Beyeler's sheet was not here on 2028-08-02.", "Not one sheet may be lost. 2 can be counted on, and it takes 2", "Sheets that were replaced open the share file, too.", "In Ada Admin's head alone: user PIN of standby, SO-PIN of standby.",
		"What this page cannot see", "Keys on devices that the plan does not know",
		"What has happened", "2026-11-02 Ceremony 1 key made and backed up; any 2 of 4 custodians", "CRL number 1", "2027-05-02 Drill 4 of 4 sheets good; the backup opened",
		"2027-08-02 New sheets for the share file Cem Caliskan's sheet is replaced by Xenia Xu's", "2027-11-02 1 more copy of the backup", "2028-05-02 Drill 3 of 4 sheets good", "2028-08-02 Emergency a bag with Bob Beyeler's sheet was stolen from a car Ada Admin decided: new keys",
		"What is due", "2027-11-01 OVERDUE: next CRL after number 1", "2029-08-02 OVERDUE: drill", "2029-10-31 DUE in 71 days: keys to be changed", "2036-10-31 End of the certificate CN=Example Issuing CA 1", "2051-11-01 End of the retention of the evidence",
		"anyone may have made it",
	}
}

// wantWords wants a text to have some, in this order.
func wantWords(t *testing.T, text string, want ...string) {
	t.Helper()
	rest := squeezed(text)
	for _, words := range want {
		_, after, found := strings.Cut(rest, words)
		if !found {
			t.Errorf("%q is not there, or not in its place; after that: %.300s", words, rest)
			continue
		}
		rest = after
	}
}

func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

// printsRight: two sheets of paper, whose type can be read.
func printsRight(t *testing.T, page string) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "page.html"), page)
	typesettest.Browse(t, folder, "--no-pdf-header-footer", "--print-to-pdf="+filepath.Join(folder, "page.pdf"))
	printed, err := os.ReadFile(filepath.Join(folder, "page.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	keepPage(t, "page.pdf", printed)
	typesettest.CheckType(t, printed, 9, "#b3001b")
	sheets := strings.Split(strings.TrimSuffix(typesettest.Run(t, printed, "pdftotext", "-raw", "-", "-"), "\f"), "\f")
	if len(sheets) != 2 {
		t.Fatalf("%d sheets of paper; 2 were expected", len(sheets))
	}
	for i, want := range [][]string{{"any 2 of 4", "Xenia Xu", "OVERDUE: drill", "page 1 of 2"}, {"Ceremony and changes", "What has happened", "2028-08-02 Emergency", "page 2 of 2"}} {
		for _, words := range want {
			if !strings.Contains(squeezed(sheets[i]), words) {
				t.Errorf("%q is not on sheet %d of the paper", words, i+1)
			}
		}
	}
}

// staysText: names that are markup, or that are long, are shown as they are, and the page
// as it should be.
func staysText(t *testing.T, s custodypage.Source) {
	const markup = `</b><script>document.title="no"</script><img src=x onerror=alert(1)>"'&amp;`
	long := strings.Repeat("W", 60)
	s = changed(s, func(s *custodypage.Source) {
		p := s.Chain.State.Plan
		p.Ceremony, p.People.Custodians[0], p.People.Custodians[1] = markup, markup, long
		p.Keys[0].Name, p.Devices[0].Make, p.Devices[1].Name = markup, markup, long
		s.Chain.State.Bags[0].Number, s.Register = markup, markup
	})
	told, text := frames(t, custodyPage(t, s))
	if told != asItShould {
		t.Errorf("%s; %s was expected", told, asItShould)
	}
	wantWords(t, text, markup, markup+" sheet 1", long+" sheet 2", "Keys "+markup)
}

// changed is a source that is otherwise in something, and leaves the first as it is.
func changed(s custodypage.Source, change func(*custodypage.Source)) custodypage.Source {
	chain, p, record, custody := *s.Chain, *s.Chain.State.Plan, *s.Record, *s.Chain.State.Plan.Custody
	p.People.Custodians, p.Keys, p.Devices, p.Custody = slices.Clone(p.People.Custodians), slices.Clone(p.Keys), slices.Clone(p.Devices), &custody
	record.Custodians, chain.State.Bags = slices.Clone(record.Custodians), slices.Clone(chain.State.Bags)
	chain.State.Plan = &p
	s.Chain, s.Record, s.Signed = &chain, &record, slices.Clone(s.Signed)
	change(&s)
	return s
}

// textOf is what a page says, without its style.
func textOf(page string) string {
	_, body, _ := strings.Cut(page, "<body")
	return squeezed(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllStringFunc("<body"+body, func(tag string) string {
		if tag == "</b>" || tag == "<b>" {
			return ""
		}
		return " "
	})))
}

// TestWeaknesses: each thing that is not backed up, or hangs by one thread, is said in
// words. The evidence is of an earlier version, which says nothing of PINs.
func TestWeaknesses(t *testing.T) {
	b := readBefore(t, rehearsed)
	s := custodypage.Source{Chain: b.Chain, Record: b.Record, Level: evidence.Unproved, Now: b.Chain.Last().Time(), Tool: "1.0"}
	for _, test := range []struct {
		what   string
		change func(*custodypage.Source)
		want   []string
	}{
		{"as it was", nil, []string{"PRACTICE", "A rehearsal. Nothing on this page is in force.", "Nothing is due within 90 days.", "User PIN not in the evidence",
			"The key of the certificate issuing. It came with a request", "The backup is on no medium", "In no bag: the device primary, the device standby, the backup media, the sheet of", "no register was found. Those on this page are of the plan.",
			"Next CRL after root-crl-1 as planned; there is no register", "The evidence is proved in part"}},
		{"a key that was a file", func(s *custodypage.Source) { s.Chain.State.Plan.Keys[0].Import = "old.key" }, []string{"The key root was a file."}},
		{"a standby device that is erased", func(s *custodypage.Source) { s.Chain.State.Plan.Custody.EraseStandby = true }, []string{"standby in software ERASED in the ceremony", "One device alone has the keys."}},
		{"a sheet that was not read back", func(s *custodypage.Source) { s.Record.Custodians[1].ReadBack = false }, []string{"sheet 2 NOT READ BACK", "sheet was not read back when it was made."}},
		{"everyone is needed", func(s *custodypage.Source) { s.Chain.State.Plan.Custody.Threshold = 5 }, []string{"any 5 of 5", "Not one sheet may be lost."}},
		{"old copies", func(s *custodypage.Source) { s.Chain.State.Replaced = []string{"K7QM"} }, []string{"Old copies of the backup open with old sheets. Those of set K7QM"}},
		{"long after", func(s *custodypage.Source) { s.Now = s.Now.AddDate(30, 0, 0) }, []string{"OVERDUE: drill since ", "OVER: end of the certificate root since ", "OVER: end of the retention of the evidence since "}},
		{"proved", func(s *custodypage.Source) { s.Level = evidence.Proved }, []string{"The evidence is proved."}},
	} {
		if test.change == nil {
			test.change = func(*custodypage.Source) {}
		}
		page := textOf(custodyPage(t, changed(s, test.change)))
		t.Run(test.what, func(t *testing.T) { wantWords(t, page, test.want...) })
	}
	s.Level = evidence.Refused
	if _, err := custodypage.HTML(s); !errors.Is(err, custodypage.ErrRefused) {
		t.Errorf("of evidence that does not verify: %v", err)
	}
}
