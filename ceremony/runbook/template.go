package runbook

// pageTemplate is a content as HTML.
const pageTemplate = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Label.Book}}: {{.Name}}</title>
<style>` + styleSheet + `
@media print {
@page {
	@bottom-left { content: "{{.Name}} – {{.Label.Digest}} {{.Digest}}" }
	@bottom-right { content: "page " counter(page) " of " counter(pages) }
}
}
</style>
</head>
<body{{if .Practice}} class="practice"{{end}}>
{{with .Label -}}
{{if $.Practice}}<p class="mark" title="{{.PracticeNote}}">{{.Practice}}</p>{{end}}
<main>
<header>
<p class="kind">{{.Book}}</p>
<h1>{{$.Name}}</h1>
{{if $.Practice}}<p class="note">{{.PracticeNote}}</p>{{end}}
<dl class="facts">
{{if $.Place}}<div><dt>{{.Place}}</dt><dd>{{$.Place}}</dd></div>{{end}}
<div><dt>{{.Start}}</dt><dd>{{$.Start}}</dd></div>
{{if $.Quorum}}<div><dt>{{.Quorum}}</dt><dd>{{$.Quorum}}</dd></div>{{end}}
<div><dt>{{.Digest}}</dt><dd><code>{{$.Digest}}</code></dd></div>
<div><dt>{{.Made}}</dt><dd>{{$.Made}}</dd></div>
</dl>
</header>

<section aria-labelledby="people">
<h2 id="people">{{.People}}</h2>
<p>{{.PeopleNote}}</p>
{{template "signatures" $}}
</section>

<section class="whole" aria-labelledby="devices">
<h2 id="devices">{{.Devices}}</h2>
<table class="devices">
<thead><tr><th scope="col" class="name">{{.Device}}</th><th scope="col" class="serial">{{.Serial}}</th><th scope="col">{{.Part}}</th></tr></thead>
<tbody>{{range $.Devices}}
<tr><th scope="row">{{.Name}}</th><td>{{.Serial}}</td><td>{{.Part}}</td></tr>{{end}}
</tbody>
</table>
</section>

<section class="whole" aria-labelledby="agenda">
<h2 id="agenda">{{.Agenda}}</h2>
<p>{{.AgendaNote}}</p>
<table class="agenda">
<thead><tr>{{range $.Agenda.Zones}}<th scope="col" class="time">{{.}}</th>{{end}}<th scope="col" class="numbers">{{.Steps}}</th><th scope="col">{{.What}}</th><th scope="col" class="whom">{{.Whom}}</th><th scope="col" class="minutes">{{.Minutes}}</th></tr></thead>
<tbody>{{range $.Agenda.Rows}}
<tr>{{range .Times}}<td>{{.}}</td>{{end}}<td>{{.Steps}}</td><td>{{.What}}</td><td>{{.Whom}}</td><td>{{.Minutes}}</td></tr>{{end}}
<tr>{{range $.Agenda.End}}<td>{{.}}</td>{{end}}<td></td><td>{{.End}}: {{$.Agenda.Total}}</td><td></td><td></td></tr>
</tbody>
</table>
{{if $.Words}}<h3>{{.Words}}</h3>
<dl class="facts">{{range $.Words}}
<div><dt>{{.Word}}</dt><dd>{{.Meaning}}</dd></div>{{end}}
</dl>{{end}}
</section>

<section class="whole" aria-labelledby="parts">
<h2 id="parts">{{.Parts}}</h2>
{{range $.Parts}}<article class="part">
<h3>{{.Role}}</h3>
<ul class="who">{{range .Who}}
<li><span>{{.Name}}</span> <span>{{.Steps}}</span></li>{{end}}
</ul>
<dl class="lines">{{range .Lines}}
<div><dt>{{.About}}</dt><dd>{{.Text}}</dd></div>{{end}}
</dl>
</article>
{{end}}</section>

<section aria-labelledby="materials">
<h2 id="materials">{{.Materials}}</h2>
<p>{{.MaterialsNote}}</p>
{{range $.Materials}}<article class="material">
<h3>{{.Name}}</h3>
{{with .Detail}}<p>{{.}}</p>{{end}}
{{with .Hash}}<p class="hash">{{range .}}<code>{{.}}</code> {{end}}</p>{{end}}
{{with .Words}}<ol class="words">{{range .}}<li>{{.}}</li>{{end}}</ol>{{end}}
</article>
{{end}}</section>

<section class="whole" aria-labelledby="ceremony-key">
<h2 id="ceremony-key">{{.CeremonyKey}}</h2>
<p>{{.CeremonyKeyNote}}</p>
<ol class="words blank">{{range $.Blanks}}<li></li>{{end}}</ol>
</section>

<section class="whole" aria-labelledby="before">
<h2 id="before">{{.Before}}</h2>
<h3>{{.Bring}}</h3>
<ul class="do">{{range $.Bring}}
<li><label><input type="checkbox" autocomplete="off"><span>{{.}}</span></label></li>{{end}}
</ul>
<h3>{{.Rules}}</h3>
<ul>{{range $.Rules}}
<li>{{.}}</li>{{end}}
</ul>
</section>

<section aria-labelledby="steps">
<h2 id="steps">{{.Steps}}</h2>
<p>{{.StepsNote}}</p>
{{range $.Steps}}{{template "step" .}}{{end}}
</section>

{{if $.Custodians}}<section class="whole" aria-labelledby="sheets">
<h2 id="sheets">{{.Sheets}}</h2>
<p>{{.SheetsNote}}</p>
<table class="blanks sheets">
<thead><tr><th scope="col" class="no">{{.Number}}</th><th scope="col" class="name">{{.Custodian}}</th><th scope="col" class="bag">{{.Bag}}</th><th scope="col">{{.Kept}}</th><th scope="col" class="signature">{{.Signature}}</th></tr></thead>
<tbody>{{range $.Custodians}}
<tr><td>{{.Number}}</td><th scope="row">{{.Name}}</th><td></td><td></td><td></td></tr>{{end}}
</tbody>
</table>
</section>
{{end}}
<section class="whole" aria-labelledby="closing">
<h2 id="closing">{{.Closing}}</h2>
<p>{{.ClosingNote}}</p>
<ol class="words blank">{{range $.Blanks}}<li></li>{{end}}</ol>
<h3>{{.Signatures}}</h3>
<p>{{.SignaturesNote}}</p>
{{template "signatures" $}}
<div class="verify">
<h3>{{.Verify}}</h3>
<p><code>{{$.Command}}</code></p>
{{range $.Verify}}<p>{{.}}</p>
{{end}}</div>
</section>
{{range $i := $.Exceptions}}<section class="page exception" aria-labelledby="exception-{{$i}}">
<h2 id="exception-{{$i}}">{{$.Label.Exception}}</h2>
<p>{{$.Label.ExceptionNote}}</p>
{{range 2}}{{with $.Label}}<div class="whole"><dl class="end three">
<div class="box"><dt>{{.ExceptionNo}}</dt><dd></dd></div>
<div><dt>{{.Time}}</dt><dd></dd></div>
<div><dt>{{.Step}}</dt><dd></dd></div>
</dl>
<h3>{{.Happened}}</h3>
<div class="ruled">{{range 4}}<div></div>{{end}}</div>
<h3>{{.Decision}}</h3>
<div class="ruled">{{range 2}}<div></div>{{end}}</div>
<dl class="end three">
<div><dt>{{.Time}}</dt><dd></dd></div>
<div><dt>{{.AdministratorInitials}}</dt><dd></dd></div>
<div><dt>{{.WitnessInitials}}</dt><dd></dd></div>
</dl></div>{{end}}{{end}}
</section>
{{end}}
</main>
{{- end}}
</body>
</html>
{{define "signatures"}}<table class="blanks people">
<thead><tr><th scope="col" class="name">{{.Label.Name}}</th><th scope="col" class="role">{{.Label.Role}}</th><th scope="col">{{.Label.Signature}}</th><th scope="col" class="initials">{{.Label.Initial}}</th></tr></thead>
<tbody>{{range .People}}
<tr><th scope="row">{{.Name}}</th><td>{{.Role}}</td><td></td><td></td></tr>{{end}}
</tbody>
</table>{{end}}
{{define "step"}}<article class="step" aria-labelledby="step-{{.Number}}">
<h3 id="step-{{.Number}}"><span>{{.Number}}</span> <span>{{.Title}}</span></h3>
<p class="begins">{{.Label.Begins}}: {{.Begins}}</p>
<ul class="do">{{range .Do}}
<li><label><input type="checkbox" autocomplete="off"><span>{{.}}</span></label></li>{{end}}
</ul>
{{if .Expect}}<div class="see">
<h4>{{.Label.See}}</h4>
<ul{{if gt (len .Expect) 6}} class="two"{{end}}>{{range .Expect}}
<li>{{.}}</li>{{end}}
</ul>
</div>{{end}}
{{if .Write}}<h4>{{.Label.Write}}</h4>
<dl class="write">{{range .Write}}
<div><dt>{{.}}</dt><dd></dd></div>{{end}}
</dl>{{end}}
<dl class="end">
<div><dt>{{.Label.Time}}</dt><dd></dd></div>
<div><dt>{{.Label.AdministratorInitials}}</dt><dd></dd></div>
<div><dt>{{.Label.WitnessInitials}}</dt><dd></dd></div>
<div class="box"><dt>{{.Label.ExceptionNo}}</dt><dd></dd></div>
</dl>
</article>
{{end}}`
