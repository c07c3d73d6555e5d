package main

import (
	"regexp"
	"strings"
)

// fromMarkdown makes mdoc(7) of a page of docs: of what such pages have, which are
// headings, paragraphs, lists, tables of two columns and code.
func fromMarkdown(page string) string {
	m := mdoc{first: true}
	for _, line := range strings.Split(page, "\n") {
		m.line(line)
	}
	m.begin("")
	return m.text.String()
}

// mdoc is a page as far as it is made.
type mdoc struct {
	text strings.Builder
	in   string // what the last line belongs to: paragraph, list, table, code, or nothing
	// words are those of a paragraph or a point of a list, which goes on.
	words []string
	// first says that nothing stands before in the section, and no space is due.
	first bool
}

// begin ends what the line before belongs to, if it is something else.
func (m *mdoc) begin(in string) {
	if len(m.words) > 0 {
		m.text.WriteString(roff(strings.Join(m.words, " ")))
		m.words = nil
	}
	if m.in == in {
		return
	}
	m.text.WriteString(map[string]string{"list": ".El\n", "table": ".El\n", "code": ".Ed\n"}[m.in])
	if in == "paragraph" && !m.first {
		m.text.WriteString(".Pp\n")
	}
	m.text.WriteString(map[string]string{
		"list": ".Bl -bullet\n", "table": ".Bl -tag -width Ds\n", "code": ".Bd -literal -offset indent\n",
	}[in])
	m.in, m.first = in, m.first && in == ""
}

func (m *mdoc) line(line string) {
	trimmed := strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(trimmed, "```") && m.in == "code":
		m.begin("")
	case strings.HasPrefix(trimmed, "```"):
		m.begin("code")
	case m.in == "code":
		m.text.WriteString(literal(line) + "\n")
	case trimmed == "" || strings.HasPrefix(line, "# "): // the page has a title
		m.begin("")
	case strings.HasPrefix(line, "## "):
		m.begin("")
		m.text.WriteString(".Sh " + strings.ToUpper(inline(line[len("## "):])) + "\n")
		m.first = true
	case strings.HasPrefix(line, "|"):
		m.row(strings.Split(strings.Trim(trimmed, "| "), " | "))
	case strings.HasPrefix(line, "- "):
		m.begin("list")
		m.text.WriteString(".It\n")
		m.words = []string{line[len("- "):]}
	case m.in == "list" || m.in == "paragraph":
		m.words = append(m.words, trimmed)
	default:
		m.begin("paragraph")
		m.words = []string{trimmed}
	}
}

// row is one of a table; that of the heads, and the line below it, say nothing here.
func (m *mdoc) row(cells []string) {
	if m.in != "table" {
		m.begin("table")
		return
	}
	if len(cells) == 2 && !strings.HasPrefix(cells[0], "-") {
		m.text.WriteString(".It " + inline(cells[0]) + "\n" + roff(cells[1]))
	}
}

// roff is text, each sentence on a line of its own, and a space where a line is empty.
func roff(text string) (lines string) {
	for _, line := range strings.Split(regexp.MustCompile(`([.:]) ([A-Z])`).ReplaceAllString(text, "$1\n$2"), "\n") {
		if line == "" {
			line = ".Pp"
		} else {
			line = inline(line)
		}
		lines += line + "\n"
	}
	return lines
}

// inline is text in a line: code in it is bold, and of a link its words are left.
func inline(text string) string {
	text = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(text, "$1")
	parts := strings.Split(text, "`")
	for i, part := range parts {
		if parts[i] = escape(part); i%2 == 1 {
			parts[i] = `\fB` + strings.ReplaceAll(escape(part), "-", `\-`) + `\fR`
		}
	}
	return guard(strings.Join(parts, ""))
}

// literal is a line that is shown as it is.
func literal(line string) string { return guard(strings.ReplaceAll(escape(line), "-", `\-`)) }

// argument is a word that stands for something, which might be the name of a macro.
func argument(word string) string { return `\&` + escape(word) }

func escape(text string) string {
	return strings.NewReplacer(`\`, `\e`, `"`, `\(dq`).Replace(text)
}

// guard keeps the first character of a line from beginning a macro.
func guard(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}
