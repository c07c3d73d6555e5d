package custodypage

import (
	"crypto/sha256"
	"encoding/base64"

	"conclave/internal/document"
)

// HTML gives the page: no script, and nothing that is loaded from elsewhere. It lets a
// browser take its own style alone.
func HTML(s Source) ([]byte, error) {
	c, err := s.content()
	if err != nil {
		return nil, err
	}
	return document.HTML("custody page", pageTemplate, struct {
		content
		Policy string
	}{c, policy()})
}

// policy is what a browser may do with the page.
func policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// style is the whole style of the page.
const style = document.StyleSheet + styleSheet

// pageTemplate is a content as HTML.
const pageTemplate = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{.Policy}}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Custody: {{.Name}}</title>
<style>` + style + `</style>
</head>
<body{{if .Practice}} class="practice"{{end}}>
{{with .Practice}}<p class="mark" title="{{.}}">PRACTICE</p>{{end}}
<main>
<header>
<p class="kind">Custody on one page, as of {{.Day}}</p>
<h1>{{.Name}}</h1>
{{with .Practice}}<p class="note">{{.}}</p>{{end}}
<p class="lead">{{.Lead}}</p>
{{with .Due}}<ul class="due">{{range .}}
<li class="urgent">{{.Heading}} {{if .Late}}since{{else}}by{{end}} <time datetime="{{.DateText}}">{{.DateText}}</time></li>{{end}}
</ul>{{else}}<p>Nothing is due within 90 days.</p>{{end}}
</header>

<section aria-labelledby="holds">
<h2 id="holds">Who and what has the keys</h2>
{{with .Drawing}}<div class="drawing">
<div class="sheets">{{template "group" .Sheets}}</div>
<div class="flow">
<p class="way first"><b class="quorum">{{.Quorum}}</b> <span>open the share file</span>{{template "arrow"}}</p>
<div class="head">{{template "head" .Backup}}</div>
<div class="box file">{{template "box" .File}}</div>
<p class="way down"><span>gives</span>{{template "arrow"}}</p>
<div class="box passing">{{template "box" .DKEK}}</div>
<p class="way down"><span>opens</span>{{template "arrow"}}</p>
<div class="box wrapped">{{template "box" .Wrapped}}</div>
<div class="media">{{template "boxes" .Backup.Boxes}}</div>
<p class="way last"><span>restored to</span>{{template "arrow"}}</p>
</div>
<div>{{template "group" .Devices}}</div>
</div>{{end}}
</section>

<section aria-labelledby="weak">
<h2 id="weak">What is not backed up, and what is weak</h2>
{{with .Weak}}<ul class="weak">{{range .}}
<li><b>{{.What}}.</b> {{.Why}}</li>{{end}}
</ul>{{else}}<p>Nothing that evidence can show.</p>{{end}}
<h3>What this page cannot see</h3>
<ul class="weak">{{range .Unseen}}
<li>{{.}}</li>{{end}}
</ul>
</section>

<section aria-labelledby="time">
<h2 id="time">Time line</h2>
{{template "strip" .Strip}}
<div class="times">
<div><h3>What has happened</h3>
<ol>{{range .Past}}
<li>{{template "moment" .}}</li>{{end}}
</ol></div>
<div><h3>What is due</h3>
<ol>{{range .Ahead}}
<li{{if .Mark}} class="urgent"{{end}}>{{template "moment" .}}</li>{{end}}
</ol></div>
</div>
</section>

<footer>{{.Verdict}}</footer>
</main>
</body>
</html>
{{define "group"}}{{template "head" .}}
{{template "boxes" .Boxes}}{{end}}
{{define "head"}}<h3>{{.Title}}</h3>
<p class="label">{{.Note}}</p>{{end}}
{{define "boxes"}}<ul>{{range .}}
<li class="box{{if .Gone}} gone{{end}}">{{template "box" .}}</li>{{end}}
</ul>{{end}}
{{define "box"}}<p class="thing"><b>{{.Title}}</b>{{with .Kind}} <span class="label">{{.}}</span>{{end}}</p>
{{with .Mark}}<p class="urgent">{{.}}</p>{{end}}
{{with .Facts}}<dl>{{range .}}
<div><dt>{{.Name}}</dt><dd>{{.Text}}</dd></div>{{end}}
</dl>{{end}}{{end}}
{{define "arrow"}}<svg width="44" height="14" aria-hidden="true"><path d="M0 7H38M31 1.5 38.5 7 31 12.5" fill="none" stroke="currentColor" stroke-width="2"/></svg>{{end}}
{{define "moment"}}<time datetime="{{.DateText}}">{{.DateText}}</time> <div><b>{{.Heading}}</b>{{range .Details}}<br>{{.}}{{end}}</div>{{end}}
{{define "strip"}}<svg class="strip" width="100%" height="{{.Height}}" role="img" aria-label="Time line: the lists below say the same">
{{$strip := .}}{{range .Ticks}}<text x="{{.X}}" y="14" text-anchor="middle">{{.Name}}</text>
{{end}}<text x="{{.Later}}" y="14" text-anchor="middle">later</text>
<text class="name" x="{{.Today}}" y="{{.Height}}" dy="-4" text-anchor="middle">{{.Day}}</text>
{{range .Lanes}}{{$lane := .}}<text class="name" x="0" y="{{.Label}}">{{.Name}}</text>
{{range $strip.Ticks}}<line class="tick" x1="{{.X}}" x2="{{.X}}" y1="{{$lane.Above}}" y2="{{$lane.Below}}"/>{{end}}
<line class="today" x1="{{$strip.Today}}" x2="{{$strip.Today}}" y1="{{.Above}}" y2="{{.Below}}"/>
<line class="lane" x1="0" x2="100%" y1="{{.Y}}" y2="{{.Y}}"/>
{{range .Marks}}<svg x="{{.X}}" y="{{$lane.Y}}" overflow="visible"><path d="{{.Shape}}" class="{{if .Open}}open{{end}}{{if .Urgent}} late{{end}}"><title>{{.Title}}</title></path></svg>
{{end}}{{end}}</svg>
<p class="label legend">Filled: done. Open: to come. Red: due or over, and said so in the list.</p>{{end}}`
