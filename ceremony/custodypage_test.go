package ceremony_test

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
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
	y := yearsFrom(t, time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), otherwise, func(p *plan.Plan) {
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

// source is what a page of a day is made from.
func (y *years) source(t *testing.T, now time.Time) custodypage.Source {
	t.Helper()
	b, err := ceremony.Newest(y.newest)
	if err != nil {
		t.Fatal(err)
	}
	r, err := register.Open(y.Dir.Register())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	signed, err := r.Entries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return custodypage.Source{Chain: b.Chain, Record: b.Record, Level: evidence.Unanchored, Register: "register.sqlite", Signed: signed, Now: now, Tool: "1.0"}
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
	all.WriteString("<!DOCTYPE html><title></title><style>body{margin:0;display:flex}iframe{border:0}</style><body>")
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

const asItShould = "grid 1280 0 0, block 390 0 0"

func looksRight(t *testing.T, page string) {
	told, text := frames(t, page)
	if told != asItShould {
		t.Errorf("%s; %s was expected", told, asItShould)
	}
	wantWords(t, text,
		"Custody on one page, as of 2029-08-20", "Any 2 of the 4 custodians can bring back the keys; fewer cannot.",
		"OVERDUE: next CRL after number 1 since 2027-11-01", "OVERDUE: drill since 2029-08-02", "DUE in 71 days: keys to be changed",
		"4 sheets", "Alice Ammann sheet 1", "any 2 of 4 open the share file",
	)
}

// wantWords wants a text to have some, in this order.
func wantWords(t *testing.T, text string, want ...string) {
	t.Helper()
	rest := strings.Join(strings.Fields(text), " ")
	for _, words := range want {
		_, after, found := strings.Cut(rest, words)
		if !found {
			t.Errorf("%q is not there, or not in its place; after that: %.300s", words, rest)
			continue
		}
		rest = after
	}
}

func printsRight(t *testing.T, page string) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "page.html"), strings.Replace(page, "<head>", "<head>", 1))
	typesettest.Browse(t, folder, "--no-pdf-header-footer", "--print-to-pdf="+filepath.Join(folder, "page.pdf"))
	printed, err := os.ReadFile(filepath.Join(folder, "page.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	keepPage(t, "page.pdf", printed)
	if info := typesettest.Run(t, printed, "pdfinfo", "-"); !slices.Contains(strings.Fields(strings.ReplaceAll(info, "Pages:", "Pages")), "2") {
		t.Errorf("two pages were expected:\n%s", info)
	}
}

func staysText(t *testing.T, s custodypage.Source) {}
