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
