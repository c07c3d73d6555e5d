package runbook_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony/runbook"
)

// element is a start tag with what is in it.
type element struct {
	name  string
	attrs map[string]string
	text  string
	up    []string // the elements around it
}

// elements reads a page, whose elements must be nested as they should be.
func elements(t *testing.T, page []byte) (all []*element) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []*element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			e := &element{name: x.Name.Local, attrs: map[string]string{}}
			for _, a := range x.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			for _, o := range open {
				e.up = append(e.up, o.name)
			}
			all, open = append(all, e), append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, o := range open {
				o.text += string(x)
			}
		}
	}
	return all
}

func TestHTMLSaysEverythingInOrder(t *testing.T) {
	each(t, func(t *testing.T, b runbook.Book) {
		var text string
		for _, e := range elements(t, html(t, b)) {
			if e.name == "main" {
				text = e.text
			}
		}
		var wanted []string
		for _, want := range allTexts(b) { // the numbers in lists are the browser's
			if strings.Trim(want, "0123456789") != "" {
				wanted = append(wanted, want)
			}
		}
		wantInOrder(t, text, wanted)
	})
}

func TestHTMLIsAccessible(t *testing.T) {
	each(t, func(t *testing.T, b runbook.Book) {
		level, ids := 0, map[string]bool{}
		var labelled []string
		for _, e := range elements(t, html(t, b)) {
			switch {
			case e.name == "html" && e.attrs["lang"] != "en":
				t.Error("the language is missing")
			case len(e.name) == 2 && e.name[0] == 'h' && e.name[1] >= '1' && e.name[1] <= '6':
				next := int(e.name[1] - '0')
				if next > level+1 || next == 1 && level > 0 {
					t.Errorf("the heading %q of level %d comes after one of level %d", e.text, next, level)
				}
				level = next
			case e.name == "th" && e.attrs["scope"] != "col" && e.attrs["scope"] != "row":
				t.Errorf("the head %q has no scope", e.text)
			case e.name == "input" && !slices.Contains(e.up, "label"):
				t.Error("a box to tick has no label")
			case e.name == "label" && strings.TrimSpace(e.text) == "":
				t.Error("a label is empty")
			}
			if id := e.attrs["id"]; id != "" && ids[id] {
				t.Errorf("two elements have the id %s", id)
			}
			ids[e.attrs["id"]] = true
			if by := e.attrs["aria-labelledby"]; by != "" {
				labelled = append(labelled, by)
			}
		}
		for _, id := range labelled {
			if !ids[id] {
				t.Errorf("the label %s is missing", id)
			}
		}
		if len(labelled) < len(b.Plan.Steps())+8 {
			t.Errorf("%d sections and steps", len(labelled))
		}
	})
}

func TestHTMLIsSelfContained(t *testing.T) {
	each(t, func(t *testing.T, b runbook.Book) {
		page := html(t, b)
		viewport := false
		for _, e := range elements(t, page) {
			if slices.Contains([]string{"script", "link", "img", "iframe", "object", "embed", "base", "form"}, e.name) {
				t.Errorf("there is a %s", e.name)
			}
			for name := range e.attrs {
				if name == "src" || name == "href" || name == "style" || strings.HasPrefix(name, "on") {
					t.Errorf("%s has %s", e.name, name)
				}
			}
			viewport = viewport || e.attrs["name"] == "viewport"
		}
		for _, outside := range []string{"http:", "https:", "url(", "@import"} {
			if bytes.Contains(page, []byte(outside)) {
				t.Errorf("something is loaded: %s", outside)
			}
		}
		if !viewport {
			t.Error("there is no viewport")
		}
	})
}

func TestNamesAreEscaped(t *testing.T) {
	const name = `</style><script>alert("1")</script> & 'Söhne' \ {{.}} 李 אסתר`
	b := usual()
	b.Plan.Ceremony, b.Plan.Place, b.Plan.People.Administrator, b.Plan.People.Custodians[0] = name, name+"1", name+"2", name+"3"
	b.Materials[0].Name, b.Materials[2].Detail, b.Tool = name+"4", name+"5", name+"6"
	page := html(t, b)
	if n := bytes.Count(page, []byte("<style")); n != 1 || bytes.Contains(page, []byte("<script")) {
		t.Errorf("%d style elements, or a script", n)
	}
	var text string
	for _, e := range elements(t, page) {
		if e.name == "title" && e.text != "Key ceremony runbook: "+name {
			t.Errorf("the title is %q", e.text)
		}
		if e.name == "main" {
			text = e.text
		}
	}
	for _, want := range []string{name + "1", name + "2", name + "3", name + "4", name + "5", name + "6"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
}

func TestOnlyARehearsalIsMarked(t *testing.T) {
	each(t, func(t *testing.T, b runbook.Book) {
		marks := 0
		for _, e := range elements(t, html(t, b)) {
			if e.attrs["class"] == "mark" && e.text == "PRACTICE" {
				marks++
			}
		}
		if (marks == 1) != b.Plan.Practice {
			t.Errorf("%d practice marks", marks)
		}
	})
}
