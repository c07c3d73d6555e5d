package web_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"conclave/ceremony/plan"
	"conclave/web"
)

// open hangs a wall that is taken down when the test ends.
func open(t *testing.T, p *plan.Plan) *web.Wall {
	t.Helper()
	w, err := web.Open("127.0.0.1:0", p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(nil) })
	return w
}

// browser is one with a jar of its own.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

// place is the page's address without its token.
func place(w *web.Wall) string {
	address, _, _ := strings.Cut(w.URL(), "?")
	return address
}

// request has a browser ask for something, and gives what it is answered.
func request(t *testing.T, client *http.Client, method, address string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// TestOneBrowser: the address lets one browser in, which is let in again without it.
func TestOneBrowser(t *testing.T) {
	w := open(t, &plan.Plan{Ceremony: "Root <1>"})
	url, first, second := w.URL(), browser(t), browser(t)
	if r, body := request(t, first, "GET", place(w)); r.StatusCode != http.StatusForbidden || strings.Contains(body, "Root") {
		t.Errorf("without the token: %s %s", r.Status, body)
	}
	request(t, second, "HEAD", url)                                // asks for nothing, and takes nothing
	request(t, second, "GET", url, "Sec-Fetch-Site", "cross-site") // nor does another page
	request(t, second, "GET", url[:len(url)-1])                    // or another token
	if r, body := request(t, first, "GET", url); r.Request.URL.RawQuery != "" || !strings.Contains(body, "<title>Root &lt;1&gt;</title>") {
		t.Errorf("with the token: %s %s\n%s", r.Status, r.Request.URL, body)
	}
	for _, address := range []string{place(w), url} {
		if r, _ := request(t, first, "GET", address); r.StatusCode != http.StatusOK {
			t.Errorf("the same browser, %s: %s", address, r.Status)
		}
		if r, body := request(t, second, "GET", address); r.StatusCode != http.StatusForbidden || !strings.Contains(body, "used already") {
			t.Errorf("another browser, %s: %s %s", address, r.Status, body)
		}
	}
}

// TestNoOneElse: whoever is not the page itself, or a person who typed its address, is
// refused, even with the cookie.
func TestNoOneElse(t *testing.T) {
	w := open(t, &plan.Plan{Ceremony: "Root"})
	client := entered(t, w)
	port := strings.TrimSuffix(place(w)[len("http://127.0.0.1:"):], "/")
	for _, c := range []struct {
		method  string
		headers []string
		status  int
	}{
		{"GET", nil, http.StatusOK},
		{"GET", []string{"Sec-Fetch-Site", "none"}, http.StatusOK},
		{"GET", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:" + port}, http.StatusOK},
		{"GET", []string{"Host", "localhost:" + port}, http.StatusMisdirectedRequest},
		{"GET", []string{"Host", "evil.example"}, http.StatusMisdirectedRequest},
		{"GET", []string{"Host", "evil.example:" + port}, http.StatusMisdirectedRequest},
		{"GET", []string{"Host", "127.0.0.1"}, http.StatusMisdirectedRequest},
		{"GET", []string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden}, // another port
		{"GET", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"GET", []string{"Origin", "null"}, http.StatusForbidden},
		{"GET", []string{"Origin", "http://localhost:" + port}, http.StatusForbidden},
		{"POST", nil, http.StatusMethodNotAllowed},
		{"POST", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"PUT", nil, http.StatusMethodNotAllowed},
		{"DELETE", nil, http.StatusMethodNotAllowed},
		{"HEAD", nil, http.StatusMethodNotAllowed},
		{"OPTIONS", nil, http.StatusMethodNotAllowed},
	} {
		for _, path := range []string{"", "wall.css", "wall.js"} {
			if r, _ := request(t, client, c.method, place(w)+path, c.headers...); r.StatusCode != c.status {
				t.Errorf("%s /%s %v: %s; %d was expected", c.method, path, c.headers, r.Status, c.status)
			}
		}
	}
	for _, path := range []string{"wall.css", "wall.js", "events"} {
		if r, _ := request(t, browser(t), "GET", place(w)+path); r.StatusCode != http.StatusForbidden {
			t.Errorf("/%s without the cookie: %s", path, r.Status)
		}
	}
}

// TestHeaders: the browser runs no script but the page's own, shows it in no frame and
// keeps nothing of it; the cookie is for this page alone.
func TestHeaders(t *testing.T) {
	w := open(t, &plan.Plan{Ceremony: "Root"})
	client := browser(t)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, _ := request(t, client, "GET", w.URL())
	if cookie := r.Header.Get("Set-Cookie"); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/" ||
		!strings.HasSuffix(cookie, "; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict") {
		t.Errorf("%s to %s with the cookie %s", r.Status, r.Header.Get("Location"), cookie)
	}
	r, body := request(t, client, "GET", place(w))
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Access-Control-Allow-Origin": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q; %q was expected", name, got, want)
		}
	}
	for _, inline := range []string{"<style", " style=", "<script>", " onclick", "<form", "<input", "<button", "<a "} {
		if strings.Contains(body, inline) {
			t.Errorf("the page has %q in it", inline)
		}
	}
}

// TestOtherAddresses: the page is for this computer, at a port that no one else has.
func TestOtherAddresses(t *testing.T) {
	for _, address := range []string{"0.0.0.0:8080", ":8080", "192.0.2.1:8080", "[::]:8080", "localhost:8080", "127.0.0.1", "8080", ""} {
		if w, err := web.Open(address, &plan.Plan{}); err == nil || !strings.Contains(err.Error(), "such as 127.0.0.1:8080") {
			t.Errorf("%q: %v", address, err)
			if err == nil {
				w.Close(nil)
			}
		}
	}
	busy := strings.Trim(place(open(t, &plan.Plan{})), "htp:/")
	if _, err := web.Open(busy, &plan.Plan{}); err == nil || !strings.Contains(err.Error(), "in use; give another port") {
		t.Errorf("a port that is taken: %v", err)
	}
}
