package report

import "conclave/internal/document"

// HTML gives the report as one page without scripts, and without anything that is
// loaded from elsewhere.
func HTML(s Source) ([]byte, error) {
	c, err := s.content()
	if err != nil {
		return nil, err
	}
	return document.HTML("report", pageTemplate, c)
}

// pageTemplate is a content as HTML.
const pageTemplate = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Kind}}: {{.Name}}</title>
<style>` + document.StyleSheet + styleSheet + `
@media print {
@page {
	@bottom-left { content: "{{.Name}} – Closing {{.Digest}}" }
	@bottom-right { content: "page " counter(page) " of " counter(pages) }
}
}
</style>
</head>
<body{{if .Note}} class="practice"{{end}}>
{{if .Note}}<p class="mark" title="{{.Note}}">PRACTICE</p>{{end}}
<main>
<header>
<p class="kind">{{.Kind}}</p>
<h1>{{.Name}}</h1>
{{with .Note}}<p class="note">{{.}}</p>{{end}}
<p class="verdict">{{.Verdict}}</p>
{{template "facts" .Facts}}
</header>
{{range .Sections}}
<section{{if .OnNewPage}} class="page"{{end}}>
<h2>{{.Title}}</h2>
{{template "inside" .}}
{{range .Parts}}<div class="part">
<h3>{{.Title}}</h3>
{{template "inside" .}}
</div>
{{end}}</section>
{{end}}
</main>
</body>
</html>
{{define "inside"}}{{with .Note}}<p>{{.}}</p>{{end}}
{{template "facts" .Facts}}
{{with .Words}}<ol class="words">{{range .}}<li>{{.}}</li>{{end}}</ol>{{end}}
{{with .List}}<ul>{{range .}}
<li>{{.}}</li>{{end}}
</ul>{{end}}
{{with .Table}}<div class="wide"><table{{if .Blank}} class="blanks"{{end}}>
<colgroup>{{range .Widths}}<col style="width: {{.}}%">{{end}}</colgroup>
<thead><tr>{{range .Titles}}<th scope="col">{{.}}</th>{{end}}</tr></thead>
<tbody>{{range .Rows}}
<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>{{end}}
</tbody>
</table></div>{{end}}{{end}}
{{define "facts"}}{{with .}}<dl class="facts">{{range .}}
<div><dt>{{.Name}}</dt><dd>{{.Text}}{{range .Sums}} <code>{{.}}</code>{{end}}</dd></div>{{end}}
</dl>{{end}}{{end}}`

// styleSheet is what a report has beside what all documents have.
const styleSheet = `
.verdict { border: 2px solid #000; padding: .75rem 1rem; margin-bottom: 1.5rem; font-weight: bold }
.facts { margin-top: .75rem }
.facts dt { padding-right: .75rem }
.facts code { display: block }
.part { margin-top: 1.5rem }
.wide { overflow-x: auto }
td { vertical-align: top; white-space: pre-line }
tbody td { font-size: .9rem; line-height: 1.45 }
.blanks td { vertical-align: bottom }
@media (max-width: 34rem) {
	table { min-width: 34rem }
}
@media print {
	.part, .words, .facts div, p { break-inside: avoid }
}
`
