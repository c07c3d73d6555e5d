package docs

import (
	"regexp"
	"strings"
)

// Plain is a page of Markdown as text: each paragraph and point of a list is one line,
// code is indented, and a row of a table is a point, each cell after the first with its
// heading. Of links their words are left.
func Plain(page string) string {
	p := plain{}
	for line := range strings.Lines(page) {
		p.line(strings.TrimRight(line, "\n"))
	}
	p.end()
	return strings.TrimLeft(p.text.String(), "\n")
}

type plain struct {
	text  strings.Builder
	words []string // of a paragraph or a point, which goes on
	heads []string // of the columns of a table
	code  bool
}

// end ends a paragraph.
func (p *plain) end() {
	if len(p.words) > 0 {
		p.text.WriteString(inline(strings.Join(p.words, " ")) + "\n")
		p.words = nil
	}
}

func (p *plain) line(line string) {
	trimmed := strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") {
		p.heads = nil
	}
	switch {
	case strings.HasPrefix(trimmed, "```"):
		p.end()
		p.code = !p.code
	case p.code || strings.HasPrefix(line, "    ") && len(p.words) == 0:
		p.text.WriteString("    " + strings.TrimPrefix(line, "    ") + "\n")
	case trimmed == "":
		p.end()
		p.text.WriteString("\n")
	case strings.HasPrefix(line, "#"):
		p.end()
		p.text.WriteString(strings.ToUpper(inline(strings.TrimLeft(line, "# "))) + "\n")
	case strings.HasPrefix(line, "|"):
		p.row(strings.Split(strings.Trim(trimmed, "|"), " | "))
	case regexp.MustCompile(`^\s*(-|\d+\.) `).MatchString(line):
		p.end()
		p.words = []string{line}
	default:
		p.words = append(p.words, trimmed)
	}
}

// row is one of a table, of which the first has the heads and the second is a line.
func (p *plain) row(cells []string) {
	switch {
	case p.heads == nil:
		p.end()
		p.heads = cells
		return
	case strings.Trim(cells[0], "-:| ") == "":
		return
	}
	for i, cell := range cells {
		head := ""
		if i < len(p.heads) {
			head = strings.TrimSpace(p.heads[i])
		}
		switch cell = strings.TrimSpace(cell); {
		case i == 0:
			p.text.WriteString("- " + inline(cell) + "\n")
		case cell != "" && head != "" && len(p.heads) > 2:
			p.text.WriteString("  " + inline(head+": "+cell) + "\n")
		case cell != "":
			p.text.WriteString("  " + inline(cell) + "\n")
		}
	}
}

// inline is text in a line. Backquotes stay, since they show where a command ends.
func inline(text string) string {
	text = regexp.MustCompile(`\[([^\]]*)\]\(([a-z0-9-]+)\.md[^)]*\)`).ReplaceAllStringFunc(text, link)
	text = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(text, "$1")
	return strings.ReplaceAll(text, "**", "")
}

// link is one to a page, which is named unless its words do it.
func link(text string) string {
	parts := regexp.MustCompile(`\[([^\]]*)\]\(([a-z0-9-]+)\.md`).FindStringSubmatch(text)
	if strings.TrimSuffix(parts[1], ".md") == parts[2] {
		return parts[2] + ".md"
	}
	return parts[1] + " (" + parts[2] + ".md)"
}
