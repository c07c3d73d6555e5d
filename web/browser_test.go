package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/pgpwords"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/web"
)

// windows are the big screen, a projector and a telephone.
func windows() [][2]int { return [][2]int{{1920, 1080}, {1280, 720}, {390, 844}} }

// keep leaves a picture for people to look at, if there is a folder for them.
func keep(t *testing.T, name string, picture []byte) {
	t.Helper()
	if folder := os.Getenv("WALL_PICTURES"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestABrowserShowsTheCeremony: at every moment of a ceremony and of a rehearsal the page
// says what it should, and fits windows of all sizes.
func TestABrowserShowsTheCeremony(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser")
	}
	for name, practice := range map[string]bool{"run": false, "rehearsal": true} {
		t.Run(name, func(t *testing.T) {
			b, c := startChromium(t), newCeremony(t, practice)
			w := open(t, c.Plan)
			b.visit(t, w.URL())
			seen := map[string]bool{}
			c.Room = &audience{Room: c.Room, secrets: map[string]string{}, look: func(m moment) {
				kind, text := kindOf(m)
				if kind == "" || seen[kind] {
					return
				}
				seen[kind] = true
				b.connected(t)
				shown := b.until(t, text)
				if practice != strings.HasPrefix(shown, "PRACTICE") {
					t.Errorf("%s: practice is %t, and the page is\n%s", kind, practice, shown)
				}
				b.fits(t, name+"-"+kind)
			}}
			hold(t, c, w)
			b.until(t, "The ceremony is closed")
			b.fits(t, name+"-closed")
			if len(seen) != 6 {
				t.Errorf("seen: %v", seen)
			}
		})
	}
}

// kindOf is what kind of moment it is, and a text that must be on the page then.
func kindOf(m moment) (kind, text string) {
	switch q := m.question; {
	case m.pin != nil:
		return "pin", "types: " + m.pin.What
	case m.visitor != "":
		return "custodian", m.visitor
	case q == nil && m.step.Action == step.Share:
		return "work", "The computer is at work."
	case q == nil:
		return "", ""
	case q.Aloud() != nil:
		words := q.Aloud()
		return "aloud", words[len(words)-1]
	case q.Wants == ceremony.YesNo && m.step.Action == step.Close:
		return "exceptions", q.Text
	case m.step.Action == step.Share:
		return "turn", q.Text
	}
	return "", ""
}

// TestTheLongestWords: a hash of nothing but the widest words stands in rows of four, all of
// which a projector shows, and in one column on a telephone.
func TestTheLongestWords(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser")
	}
	sum, err := pgpwords.Parse(slices.Repeat([]string{"commence", "chambermaid"}, 16))
	if err != nil {
		t.Fatal(err)
	}
	b, w := startChromium(t), open(t, &plan.Plan{Ceremony: "Root", Practice: true})
	b.visit(t, w.URL())
	b.connected(t)
	c := &audience{Room: &ceremony.SimulatedRoom{}, look: func(moment) {
		b.until(t, "chambermaid")
		b.fits(t, "longest")
		for width, rows := range map[int]string{1920: "8", 1280: "8", 390: "32"} {
			b.size(t, width, 720)
			if n := b.value(t, `new Set([...document.querySelectorAll("li")].map(e => e.offsetTop)).size`); n != rows {
				t.Errorf("%s rows at %d; %s were expected", n, width, rows)
			}
			if n := b.value(t, `new Set([...document.querySelectorAll("li")].map(e => e.offsetHeight)).size`); n != "1" {
				t.Errorf("at %d a word is broken", width)
			}
		}
		b.size(t, 1280, 720)
		if end := b.value(t, `document.querySelector("li:last-child").getBoundingClientRect().bottom <= innerHeight`); end != "true" {
			t.Error("the last words are below the window")
		}
	}}
	if _, err := w.Room(c).Answer(t.Context(), ceremony.Question{Wants: ceremony.WriteDown, Who: "Wim", Label: "Plan", Sum: sum}); err != nil {
		t.Fatal(err)
	}
}

// connected waits until nothing is in front of what the ceremony has sent.
func (b *chromium) connected(t *testing.T) {
	t.Helper()
	b.value(t, `new Promise(done => {
		const look = () => document.getElementById("trouble")?.textContent === "" ? done() : setTimeout(look, 5);
		look();
	})`)
}

// fits checks that nothing is cut off at the sides of windows, that no word that is read
// from afar is broken and none that is read aloud is small, and takes pictures.
func (b *chromium) fits(t *testing.T, name string) {
	t.Helper()
	for _, size := range windows() {
		b.size(t, size[0], size[1])
		name := fmt.Sprintf("%s-%d", name, size[0])
		for problem, script := range map[string]string{
			"wider than the window": `document.documentElement.scrollWidth > innerWidth ? document.documentElement.scrollWidth : ""`,
			"cut off":               `[...document.querySelectorAll("#now *")].filter(e => e.scrollWidth > e.clientWidth && e.clientWidth > 0).map(e => e.textContent).join("; ")`,
			"broken words": `[...document.querySelectorAll(".mark, h1, .who, .what, .aloud li")].filter(e => {
				e.style.overflowWrap = "normal";
				const broken = e.scrollWidth > e.clientWidth;
				e.style.overflowWrap = "";
				return broken;
			}).map(e => e.textContent).join("; ")`,
			"smaller than 40 points": `[...document.querySelectorAll(".aloud li")].filter(e => parseFloat(getComputedStyle(e).fontSize) < 53.3).map(e => e.textContent).join(" ")`,
		} {
			if found := b.value(t, script); found != "" {
				t.Errorf("%s: %s: %s", name, problem, found)
			}
		}
		keep(t, name, b.picture(t))
	}
}

// wire is a connection between a browser and the wall, which can be cut.
type wire struct {
	*httptest.Server
	broken atomic.Bool
}

func newWire(t *testing.T) *wire {
	t.Helper()
	w := &wire{}
	through := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}, FlushInterval: -1}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if w.broken.Load() || !strings.HasPrefix(r.Host, "127.0.0.1:") { // or one that the browser's maker wants
			panic(http.ErrAbortHandler)
		}
		through.ServeHTTP(out, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *wire) cut() {
	w.broken.Store(true)
	w.CloseClientConnections()
}

// farAway is a wall, and a browser that comes to it through a wire.
func farAway(t *testing.T) (*wire, *chromium, *web.Wall) {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser")
	}
	wire := newWire(t)
	b := startChromium(t, "--proxy-server="+wire.Listener.Addr().String(), "--proxy-bypass-list=<-loopback>")
	return wire, b, open(t, &plan.Plan{Ceremony: "Root"})
}

// TestThePageGoesOn: a page that is cut off says so, shows nothing that may not be so any
// more, and goes on by itself.
func TestThePageGoesOn(t *testing.T) {
	wire, b, w := farAway(t)
	room := w.Room(&ceremony.SimulatedRoom{})
	room.ShowStep(1, 9, titled("The first step"))
	b.visit(t, w.URL())
	b.connected(t)
	b.until(t, "The first step")
	if said := b.value(t, "document.getElementById('said').textContent"); said != "The first step" {
		t.Errorf("who cannot see the page hears %q", said)
	}
	wire.cut()
	b.until(t, "No connection to the ceremony")
	if top := b.value(t, "document.elementFromPoint(innerWidth / 2, 100).id"); top != "trouble" {
		t.Errorf("in front of the page is %q", top)
	}
	keep(t, "cut", b.picture(t))
	room.ShowStep(2, 9, titled("The second step"))
	wire.broken.Store(false)
	b.until(t, "The second step")
	b.connected(t)
}

// TestAPageOfBefore: a page of a ceremony that has gone on with another wall says where
// the new one is.
func TestAPageOfBefore(t *testing.T) {
	wire, b, w := farAway(t)
	b.visit(t, w.URL())
	b.connected(t)
	wire.cut()
	b.until(t, "No connection to the ceremony")
	w.Close(nil)
	next, err := web.Open(strings.Trim(place(w), "htp:/"), &plan.Plan{Ceremony: "Root"})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close(nil)
	wire.broken.Store(false)
	b.until(t, "This page is shut")
}
