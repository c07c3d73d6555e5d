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

<section class="page" aria-labelledby="materials">
<h2 id="materials">{{.Materials}}</h2>
<p>{{.MaterialsNote}}</p>
{{range $.Materials}}<article class="material">
<h3>{{.Name}}</h3>
{{with .Detail}}<p>{{.}}</p>{{end}}
{{with .Hash}}<p class="label">{{$.Label.SHA256}}</p>
<p class="hash">{{range .}}<code>{{.}}</code> {{end}}</p>{{end}}
{{with .Words}}<p class="label">{{$.Label.Aloud}}</p>
<ol class="words">{{range .}}<li>{{.}}</li>{{end}}</ol>{{end}}
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

<section class="page" aria-labelledby="steps">
<h2 id="steps">{{.Steps}}</h2>
<p>{{.StepsNote}}</p>
{{range $.Steps}}{{template "step" .}}{{end}}
</section>

{{if $.Custodians}}<section class="page" aria-labelledby="sheets">
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
{{range $i := $.Exceptions}}<section class="page exception" aria-labelledby="exception-{{$i}}">
<h2 id="exception-{{$i}}">{{$.Label.Exception}}</h2>
<p>{{$.Label.ExceptionNote}}</p>
{{with $.Label}}<dl class="end three">
<div class="box"><dt>{{.ExceptionNo}}</dt><dd></dd></div>
<div><dt>{{.Time}}</dt><dd></dd></div>
<div><dt>{{.Step}}</dt><dd></dd></div>
</dl>
<h3>{{.Happened}}</h3>
<div class="ruled">{{range 9}}<div></div>{{end}}</div>
<h3>{{.Decision}}</h3>
<div class="ruled">{{range 5}}<div></div>{{end}}</div>
<dl class="end three">
<div><dt>{{.Time}}</dt><dd></dd></div>
<div><dt>{{.AdministratorInitials}}</dt><dd></dd></div>
<div><dt>{{.WitnessInitials}}</dt><dd></dd></div>
</dl>{{end}}
</section>
{{end}}
<section class="page" aria-labelledby="closing">
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
<ul>{{range .Expect}}
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
