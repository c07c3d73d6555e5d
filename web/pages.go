package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// pages are what the browser asks for: the page, its style and its script, and the
// stream of what is on it.
type pages struct {
	http.ServeMux
	board    *board
	template *template.Template
	streams  chan struct{} // that are open
}

func newPages(b *board) (*pages, error) {
	t, err := template.ParseFS(static, "static/*.html")
	if err != nil {
		return nil, err
	}
	p := &pages{board: b, template: t, streams: make(chan struct{}, mostStreams)}
	p.HandleFunc("/{$}", p.page)
	p.HandleFunc("/events", p.stream)
	for name, kind := range map[string]string{"wall.css": "text/css", "wall.js": "text/javascript"} { // whatever the computer says they are
		p.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind+"; charset=utf-8")
			http.ServeFileFS(w, r, static, "static/"+name)
		})
	}
	return p, nil
}

func (p *pages) page(w http.ResponseWriter, _ *http.Request) {
	now, _ := p.board.read()
	content, err := p.render("wall.html", now)
	if err != nil {
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(content)
}

func (p *pages) render(name string, s state) ([]byte, error) {
	var b bytes.Buffer
	err := p.template.ExecuteTemplate(&b, name, s)
	return b.Bytes(), err
}

// stream sends what is on the page as a server-sent event, and again whenever it is
// another: who connects again has missed nothing that is still so.
func (p *pages) stream(w http.ResponseWriter, r *http.Request) {
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default:
		http.Error(w, "Too many browsers show the page.", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		now, changed := p.board.read()
		if p.send(w, now) != nil || now.Ended != "" {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// send sends an event to a browser, unless it does not read.
func (p *pages) send(w http.ResponseWriter, now state) error {
	content, err := p.render("now.html", now)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	data := strings.ReplaceAll(strings.TrimSpace(string(content)), "\n", "\ndata: ")
	if _, err := fmt.Fprintf(w, "retry: 1000\ndata: %s\n\n", data); err != nil {
		return err
	}
	return control.Flush()
}
