package document

// StyleSheet is the same on a screen and on paper: black on white, thin rules, no
// backgrounds, which browsers do not print. Sizes on paper are in points. What one kind
// of document has beside it comes after it.
const StyleSheet = `
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
.facts div { display: grid; grid-template-columns: 8.5rem 1fr; padding: .5rem 0; border-top: var(--hair) }
.facts div:last-child { border-bottom: var(--hair) }
.facts dd { margin: 0 }
.words { display: grid; grid-template-columns: repeat(4, 1fr); gap: .2rem 1rem; padding: .3rem 0 0 2rem; margin: 0 }
.words li { margin: 0; padding-left: .2rem; margin-right: 1.4rem }
.words li::marker { font-size: .9rem }
.mark { position: sticky; top: 0; z-index: 1; background: #fff; border-bottom: 2px solid #000; padding: .3rem; text-align: center; font-size: 1.6rem; line-height: 1.3; font-weight: bold; letter-spacing: .3em }
.note { font-weight: bold; margin-bottom: 1.5rem }
@media (max-width: 34rem) {
	h1 { font-size: 1.6rem }
	.words { grid-template-columns: repeat(2, 1fr) }
	.facts div { grid-template-columns: 1fr; gap: 0 }
	table { font-size: .85rem }
	th, td { padding-right: .4rem }
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
	li + li { margin-top: .15rem }
	.page { break-before: page; margin-top: 0 }
	h2, h2 + p, h3, h4, thead, .begins { break-after: avoid }
	.whole, tr, li { break-inside: avoid }
	.blanks tbody tr { height: 9.5mm }
	.practice main { padding-right: 14mm }
	.mark { position: fixed; right: -2mm; top: 0; padding: 0; border: 0; background: none; writing-mode: vertical-rl; font-size: 30pt; line-height: 1; letter-spacing: 0 }
}
`
