package web_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/internal/testrun"
	"conclave/web"
)

// watch gives a function that reads a stream up to an event in which a text is, and what
// ends the connection.
func watch(t *testing.T, client *http.Client, w *web.Wall) (until func(text string) string, cut func() error) {
	t.Helper()
	r, err := client.Get(place(w) + "events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Body.Close() })
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream is %s, %s", r.Status, r.Header.Get("Content-Type"))
	}
	lines := bufio.NewReader(r.Body)
	return func(text string) string {
		t.Helper()
		for event := ""; ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("%q was expected before the end: %v", text, err)
			}
			if event += line; line != "\n" {
				continue
			}
			if strings.Contains(event, text) {
				return event
			}
			event = ""
		}
	}, r.Body.Close
}

// entered is a browser that the wall has let in.
func entered(t *testing.T, w *web.Wall) *http.Client {
	t.Helper()
	client := browser(t)
	received(t, client, w.URL())
	return client
}

func titled(title string) step.Step { return step.Step{Title: title} }

// TestAStreamBeginsWithWhatIsSo: who was cut off and comes back has missed nothing.
func TestAStreamBeginsWithWhatIsSo(t *testing.T) {
	w := open(t, &plan.Plan{Ceremony: "Root"})
	room, client := w.Room(&ceremony.SimulatedRoom{}), entered(t, w)
	until, cut := watch(t, client, w)
	until("The ceremony begins")
	room.ShowStep(1, 9, titled("The first step"))
	if event := until("The first step"); strings.Contains(event, "\r") || strings.Count(event, "\n\n") != 1 {
		t.Errorf("one event was expected: %q", event)
	}
	cut()
	room.ShowStep(2, 9, titled("The second step"))
	room.ShowStep(3, 9, titled("The third step"))
	until, _ = watch(t, client, w)
	if event := until("data: "); !strings.Contains(event, "The third step") {
		t.Errorf("the first event after the cut is %s", event)
	}
}

// TestTheEnd: the page says how the ceremony has ended, and no one is left waiting.
func TestTheEnd(t *testing.T) {
	for want, ended := range map[string]error{"The ceremony is closed.": nil, "The ceremony is stopped": errors.New("at /home/ada")} {
		w := open(t, &plan.Plan{Ceremony: "Root"})
		client := entered(t, w)
		until, _ := watch(t, client, w)
		until("The ceremony begins")
		w.Close(ended)
		if event := until(want); !strings.Contains(event, "data-ended") || strings.Contains(event, "/home/ada") {
			t.Errorf("%s", event)
		}
		if _, err := client.Get(place(w)); err == nil {
			t.Error("the page is served after the end")
		}
	}
}

// TestABrowserThatDoesNotRead keeps no one waiting: the ceremony goes on, and other
// browsers see it.
func TestABrowserThatDoesNotRead(t *testing.T) {
	w := open(t, &plan.Plan{Ceremony: "Root"})
	room, client := w.Room(&ceremony.SimulatedRoom{}), entered(t, w)
	stuck := dial(t, w)
	at, err := url.Parse(place(w))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(stuck, "GET /events HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n", at.Host, client.Jar.(*cookiejar.Jar).Cookies(at)[0])
	if _, err := bufio.NewReaderSize(stuck, 16).Peek(16); err != nil {
		t.Fatal(err)
	}
	until, _ := watch(t, client, w)
	for i := range 20 { // more than any buffer on the way holds
		title := fmt.Sprintf("Step %d %s.", i, strings.Repeat("long ", 1<<20/5))
		room.ShowStep(i, 20, titled(title))
		until(title)
	}
}

func dial(t *testing.T, w *web.Wall) net.Conn {
	t.Helper()
	at, err := url.Parse(place(w))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(testrun.Patience(t), "tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestTooManyBrowsers: one more than there may be is sent away, and let in when another
// has gone.
func TestTooManyBrowsers(t *testing.T) {
	w := open(t, &plan.Plan{Ceremony: "Root"})
	client := entered(t, w)
	var cut func() error
	for range 16 {
		_, cut = watch(t, client, w)
	}
	if r, _ := request(t, client, "GET", place(w)+"events"); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the seventeenth: %s", r.Status)
	}
	cut()
	for {
		r, err := client.Get(place(w) + "events")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			return
		}
	}
}

// TestTooManyConnections: whoever opens connections without end takes no files from the
// ceremony.
func TestTooManyConnections(t *testing.T) {
	w := open(t, &plan.Plan{Ceremony: "Root"})
	for range 64 {
		dial(t, w)
	}
	extra := dial(t, w)
	fmt.Fprint(extra, "GET / HTTP/1.0\r\n\r\n")
	if answer, _ := io.ReadAll(extra); len(answer) > 0 {
		t.Errorf("one connection too many was answered: %s", answer)
	}
}
