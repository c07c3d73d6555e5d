package web

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// gate lets one browser of this computer in: the first that shows the token, which is
// good once. From then on it shows a cookie.
type gate struct {
	address string // asked for by another name, it is someone who rebinds DNS
	cookie  http.Cookie
	mu      sync.Mutex
	token   string // empty once it was used
}

// newGate makes the gate of an address. Cookies are those of all ports of a computer:
// each wall has a name for its own. It is kept when the browser is closed, which may
// crash; nothing knows it after the ceremony.
func newGate(address string) *gate {
	_, port, _ := net.SplitHostPort(address)
	return &gate{
		address: address, token: rand.Text(),
		cookie: http.Cookie{Name: "conclave-wall-" + port, Value: rand.Text(), Path: "/", MaxAge: 24 * 60 * 60, HttpOnly: true, SameSite: http.SameSiteStrictMode},
	}
}

func (g *gate) url() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return "http://" + g.address + "/?token=" + url.QueryEscape(g.token)
}

// guard lets those requests through that the browser makes for this page alone.
func (g *gate) guard(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		token := r.URL.Query().Get("token")
		switch {
		case r.Host != g.address:
			http.Error(w, "This is not the address of the page.", http.StatusMisdirectedRequest)
		case r.Method != http.MethodGet:
			w.Header().Set("Allow", http.MethodGet)
			http.Error(w, "The page can be looked at, and nothing else.", http.StatusMethodNotAllowed)
		case !fromHere(r):
			http.Error(w, "Another page has asked for this one. Type its address.", http.StatusForbidden)
		case token != "" && (g.known(r) || g.take(token)):
			http.SetCookie(w, &g.cookie)
			http.Redirect(w, r, "/", http.StatusSeeOther)
		case token == "" && g.known(r):
			next.ServeHTTP(w, r)
		default:
			http.Error(w, `This address was used already, or is not the one that the ceremony shows.
The browser that opened it first shows the page at http://`+g.address+`/ until the ceremony ends.
For another browser stop the ceremony, and give the same command again: it shows a new address.`, http.StatusForbidden)
		}
	}))
}

// protect says what a browser may do with an answer: nothing that is not from here.
func protect(h http.Header) {
	for name, value := range map[string]string{
		"Content-Security-Policy":      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Cache-Control":                "no-store",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		h.Set(name, value)
	}
}

// fromHere says whether a person or the page itself asks. To a cookie another port of this
// computer is the same site.
func fromHere(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return slices.Contains([]string{"", "none", "same-origin"}, r.Header.Get("Sec-Fetch-Site")) && (origin == "" || origin == "http://"+r.Host)
}

// known says whether a request shows the cookie.
func (g *gate) known(r *http.Request) bool {
	cookie, err := r.Cookie(g.cookie.Name)
	return err == nil && same(cookie.Value, g.cookie.Value)
}

// take uses the token up.
func (g *gate) take(token string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.token == "" || !same(token, g.token) {
		return false
	}
	g.token = ""
	return true
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
