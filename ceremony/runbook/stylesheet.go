package runbook

// styleSheet is the same on a screen and on paper: black on white, thin rules, no
// backgrounds, which browsers do not print. Sizes on paper are in points.
const styleSheet = `
:root { color-scheme: light; --rule: 1px solid #777; --hair: 1px solid #bbb }
* { box-sizing: border-box }
body { margin: 0; background: #fff; color: #000; font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; hyphens: manual }
main { max-width: 50rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
code { font-family: ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace; font-size: .92em }
h1, h2, h3, h4, p, ul, ol, dl { margin: 0 }
h1 { font-size: 2.1rem; line-height: 1.25; margin: .25rem 0 1.75rem; text-wrap: balance }
h2 { font-size: 1.5rem; line-height: 1.3; margin: 3rem 0 .75rem }
h3 { font-size: 1.1rem; line-height: 1.4; margin: 1.75rem 0 .5rem }
h4, dt, thead th, .begins, .kind { font-size: .9rem; line-height: 1.4; font-weight: normal }
h4 { margin: .9rem 0 .25rem; font-weight: bold }
p + p { margin-top: .6rem }
ul, ol { padding-left: 1.25rem }
li + li { margin-top: .3rem }
table { width: 100%; table-layout: fixed; border-collapse: collapse; margin-top: 1rem }
th, td { text-align: left; vertical-align: bottom; font-weight: normal; padding: .45rem .75rem .45rem 0; border-bottom: var(--rule) }
.blanks tbody tr { height: 3rem }
.blanks td:empty { border-left: var(--hair) }
.people .name { width: 30% } .people .role { width: 28% } .people .initials { width: 12% }
.sheets .no { width: 8% } .sheets .name { width: 29% } .sheets .bag { width: 18% } .sheets .signature { width: 21% }
.devices .name { width: 25% } .devices .serial { width: 27% }
.facts div { display: grid; grid-template-columns: 8.5rem 1fr; padding: .5rem 0; border-top: var(--hair) }
.facts div:last-child { border-bottom: var(--hair) }
.facts dd { margin: 0 }
.agenda td { vertical-align: top } .agenda .time { width: 11% } .agenda .numbers { width: 10% } .agenda .whom { width: 30% } .agenda .minutes { width: 8% }
.facts dt { font-weight: bold }
.who { list-style: none; padding: 0 }
.who li { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1rem; margin: 0 }
.lines { margin-top: .4rem }
.lines div { display: grid; grid-template-columns: 4rem 1fr; margin-top: .15rem }
.lines dt { font-size: 1rem; font-weight: bold }
.lines dd { margin: 0 }
.material { padding-bottom: .75rem }
.material h3 { margin-top: 1.5rem }
.hash { display: grid; grid-template-columns: repeat(8, max-content); gap: 0 .75em }
.words { display: grid; grid-template-columns: repeat(4, 1fr); gap: .2rem 1rem; padding: .3rem 0 0 2rem; margin: 0 }
.words li { margin: 0; padding-left: .2rem; margin-right: 1.4rem }
.words li::marker { font-size: .9rem }
.words.blank { gap: 1rem; padding-top: 1rem }
.words.blank li { border-bottom: var(--rule); min-height: 1.6rem }
.do { list-style: none; padding: 0 }
.do label { display: grid; grid-template-columns: 1.1rem 1fr; gap: .7rem; align-items: start }
input[type=checkbox] { appearance: none; -webkit-appearance: none; width: 1.1rem; height: 1.1rem; margin: .25rem 0 0; border: 1.2px solid #000; border-radius: 0; font-size: 1rem; line-height: .95rem; text-align: center }
input[type=checkbox]:checked::before { content: "✓" }
input[type=checkbox]:focus-visible { outline: 2px solid #000; outline-offset: 2px }
.step { border-top: var(--rule); margin-top: 2rem; padding: 1.1rem 0 0 3rem }
.step h3 { margin: 0 0 0 -3rem; display: grid; grid-template-columns: 3rem 1fr }
.begins { margin: .1rem 0 .8rem }
.see { border-left: 2px solid #777; padding-left: 1rem; margin-top: .9rem }
.see h4 { margin-top: 0 }
.write div { display: grid; grid-template-columns: minmax(9rem, 42%) 1fr; gap: .75rem; align-items: end; min-height: 2.3rem }
.write dt { font-size: 1rem }
.write dd { margin: 0; border-bottom: var(--rule); align-self: stretch }
.end { display: grid; grid-template-columns: 3fr 4fr 4fr 3fr; gap: 1rem; margin-top: 1rem }
.end.three { grid-template-columns: repeat(3, 1fr) }
.end div { display: flex; flex-direction: column-reverse }
.end dt { margin-top: .15rem }
.end dd { margin: 0; height: 2.4rem; border-bottom: var(--rule) }
.end .box dd { border: 1px solid #000 }
.ruled div { height: 2.4rem; border-bottom: var(--hair) }
.exception .whole + .whole, .verify { margin-top: 2rem }
.mark { position: sticky; top: 0; z-index: 1; background: #fff; border-bottom: 2px solid #000; padding: .3rem; text-align: center; font-size: 1.6rem; line-height: 1.3; font-weight: bold; letter-spacing: .3em }
.note { font-weight: bold; margin-bottom: 1.5rem }
@media (max-width: 34rem) {
	h1 { font-size: 1.6rem }
	.words { grid-template-columns: repeat(2, 1fr) }
	.step { padding-left: 0 }
	.step h3 { margin: 0; grid-template-columns: 2rem 1fr }
	.facts div, .write div { grid-template-columns: 1fr; gap: 0 }
	.write dd { min-height: 2rem }
	.hash { grid-template-columns: repeat(4, max-content) }
	.end, .end.three { grid-template-columns: 1fr 1fr }
	table { font-size: .85rem }
	th, td { padding-right: .4rem }
	.people .name { width: 29% } .people .role { width: 31% } .people .initials { width: 16% }
}
@media print {
	@page { margin: 14mm 15mm 17mm 20mm; font: 9pt system-ui, sans-serif }
	:root { font-size: 10pt }
	body { line-height: 1.35 }
	main { max-width: none; padding: 0 }
	h1 { font-size: 24pt }
	h2 { margin-top: 0 }
	h3 { margin-top: .9rem }
	section { margin-top: 7mm }
	th, td { padding-top: .25rem; padding-bottom: .25rem }
	.facts div { padding: .25rem 0 }
	.material { padding-bottom: 0 }
	.hash { grid-template-columns: repeat(16, max-content); gap: 0 .4em }
	.hash code { font-size: 9pt }
	.words.blank { gap: .4rem 1rem; padding-top: .4rem }
	.step { margin-top: .9rem; padding-top: .5rem }
	.begins { margin-bottom: .4rem }
	.see, .end { margin-top: .5rem }
	.two { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1.5rem }
	li + li { margin-top: .15rem }
	.two li { margin-top: 0 }
	.ruled div { height: 2rem }
	.page { break-before: page; margin-top: 0 }
	h2, h2 + p, h3, h4, thead, .begins { break-after: avoid }
	.step, .material, .part, .verify, .whole, .end, tr, li, .write div { break-inside: avoid }
	.write, .see { break-before: avoid }
	.blanks tbody tr { height: 9.5mm }
	.practice main { padding-right: 14mm }
	.mark { position: fixed; right: -2mm; top: 0; padding: 0; border: 0; background: none; writing-mode: vertical-rl; font-size: 30pt; line-height: 1; letter-spacing: 0 }
}
`
