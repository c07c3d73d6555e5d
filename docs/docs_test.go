package docs_test

import (
	"path/filepath"
	"strings"
	"testing"

	"conclave/docs"
)

// TestEveryPageIsATopic: who looks for a page finds it in the list, once.
func TestEveryPageIsATopic(t *testing.T) {
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{"README": true}
	for _, topic := range docs.Topics() {
		if _, err := docs.Page(topic.Name); err != nil {
			t.Errorf("the list has %s: %v", topic.Name, err)
		}
		if topic.Section == "" || topic.About == "" {
			t.Errorf("%s has no section, or nothing is said about it", topic.Name)
		}
		listed[topic.Name] = true
	}
	for _, file := range files {
		if name := strings.TrimSuffix(file, ".md"); !listed[name] {
			t.Errorf("%s is not in README.md", file)
		}
	}
}

func TestPlain(t *testing.T) {
	const page = `# A page

A paragraph whose lines
are [joined](plan.md#x), with a ` + "`command`" + ` and [a link](https://example.com).

- a point that
  goes on
- see [plan.md](plan.md)

` + "```console\n$ conclave status\n```" + `

| field | what it says | kind |
|---|---|---|
| ` + "`format`" + ` | **always** this | |
| b | c | d |
`
	const want = `A PAGE

A paragraph whose lines are joined (plan.md), with a ` + "`command`" + ` and a link.

- a point that goes on
- see plan.md

    $ conclave status

- ` + "`format`" + `
  what it says: always this
- b
  what it says: c
  kind: d
`
	if got := docs.Plain(page); got != want {
		t.Errorf("it reads\n%s\nand\n%s\nwas expected", got, want)
	}
}

// TestPagesArePlain: no page has a form that is not made plain.
func TestPagesArePlain(t *testing.T) {
	for _, topic := range docs.Topics() {
		page, err := docs.Page(topic.Name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(docs.Plain(page), "\n") {
			if strings.HasPrefix(line, "    ") {
				continue // code
			}
			if strings.Contains(line, "](") || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "|") {
				t.Errorf("%s, line %d is still Markdown: %s", topic.Name, i+1, line)
			}
		}
	}
}
