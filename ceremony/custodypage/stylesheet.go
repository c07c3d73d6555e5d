package custodypage

// styleSheet is what the page has beside what all documents have. Red is the one accent,
// for what someone has to look after; the words say it, too.
const styleSheet = `
:root { --accent: #b3001b }
main { max-width: 68rem }
.label { font-size: .87rem; line-height: 1.4 }
h1 { margin-bottom: .75rem }
h2 { margin-top: 2.5rem }
h3 { margin-top: 1.5rem }
.drawing h3, .times h3 { margin-top: 0 }
.lead { font-size: 1.2rem }
time { white-space: nowrap }
.urgent { color: var(--accent); font-weight: bold }
.due { border-left: 4px solid var(--accent); list-style: none; padding: .1rem 0 .1rem .9rem; margin-top: 1rem }
.drawing { display: grid; grid-template-columns: minmax(0, 1.15fr) minmax(0, 2.45fr) minmax(0, 1.4fr) }
.flow { display: grid; grid-template-columns: 8rem minmax(0, 1fr) 5.4rem; align-content: start }
.flow > * { grid-column: 2 }
.head { grid-row: 1 }
.drawing ul { list-style: none; padding: 0 }
.drawing h3 + .label { margin: 0 0 .6rem; min-height: 2.8em }
.first { grid-area: 2 / 1 }
.file { grid-row: 2 }
.wrapped { grid-row: 6 }
.last { grid-area: 6 / 3 }
.media { margin-top: 1.2rem }
.box { border: 1.5px solid #000; border-radius: 4px; padding: .5rem .7rem; margin: 0 }
.drawing li.box + li.box { margin-top: .5rem }
.thing { line-height: 1.35 }
.box .urgent { margin: .1rem 0 0; font-size: .87rem; line-height: 1.45 }
.box .label { color: #444; margin-left: .25rem }
.box dl { display: grid; grid-template-columns: minmax(auto, max-content) minmax(0, 1fr); gap: 0 .6rem; margin-top: .15rem; font-size: .87rem; line-height: 1.45 }
.box dl div { display: contents }
.box dt { color: #444; line-height: inherit; font-size: inherit }
.box dd { margin: 0 }
.passing { border-style: dashed }
.gone { border-style: dotted; border-color: #777 }
.drawing .sheets ul { position: relative; padding-right: .9rem }
.sheets ul::after { content: ""; position: absolute; inset: 0 0 0 auto; width: .6rem; border: 2px solid #000; border-left: 0 }
.way { display: flex; flex-direction: column; align-items: center; justify-content: center; gap: .3rem; margin: 0; text-align: center; font-size: .87rem; line-height: 1.3 }
.way.down { display: grid; grid-template-columns: 1fr auto 1fr; padding: .35rem 0; text-align: right }
.way.down svg { transform: rotate(90deg); margin: .8rem -.6rem }
.quorum { font-size: 1rem; border: 2px solid #000; border-radius: 2rem; padding: .15rem .55rem; white-space: nowrap }
.weak b { font-weight: bold }
.strip { display: block; overflow: visible; font-size: .8rem }
.strip .tick { stroke: #999 }
.strip .lane { stroke: #777 }
.strip .today { stroke: #000; stroke-width: 2 }
.strip .name { font-weight: bold }
.strip path { fill: #000; stroke: #000; stroke-width: 1.6 }
.strip .open { fill: #fff }
.strip .late { stroke: var(--accent); stroke-width: 3 }
.legend { margin-top: .4rem }
.times { display: grid; grid-template-columns: 1fr 1fr; gap: 2.5rem; margin-top: 1.5rem }
.times ol { list-style: none; padding: 0 }
.times li { display: grid; grid-template-columns: max-content 1fr; gap: .9rem; line-height: 1.45; border-top: var(--hair); padding: .35rem 0; margin: 0 }
.times time { font-variant-numeric: tabular-nums; font-weight: normal }
.times .urgent { color: inherit; font-weight: normal }
.times .urgent time, .times .urgent b { color: var(--accent) }
.times b { font-weight: bold }
footer { margin-top: 2.5rem; border-top: var(--rule); padding-top: .6rem; font-size: .8rem; line-height: 1.5 }
@media screen and (max-width: 48rem) {
	.drawing, .flow { display: block }
	.drawing h3 + .label { min-height: 0 }
	.drawing .sheets ul { padding: 0 0 1rem }
	.sheets ul::after { inset: auto 0 0; width: auto; height: .7rem; border: 2px solid #000; border-top: 0 }
	.way { padding: .6rem 0 }
	.way:not(.down) svg { transform: rotate(90deg); margin: .9rem 0 }
	.times { grid-template-columns: 1fr; gap: 1.5rem }
}
@media print {
	:root { font-size: 9pt }
	@page { margin: 11mm; font: 9pt system-ui, sans-serif; @bottom-right { content: "page " counter(page) " of " counter(pages) } }
	body { line-height: 1.4 }
	main { padding: 0 1px }
	h1 { font-size: 18pt; margin-bottom: .4rem }
	h2 { font-size: 13pt; margin-bottom: .4rem }
	.kind, .label, .box .label, .box dl, .box .urgent, .way, .strip, footer { font-size: 1rem; line-height: 1.35 }
	.box .label, .box dt { color: #000 }
	.lead { font-size: 1.15rem }
	.box { padding: .3rem .5rem }
	.drawing { grid-template-columns: minmax(0, 1.25fr) minmax(0, 2.4fr) minmax(0, 1.35fr) }
	.flow { grid-template-columns: 7.4rem minmax(0, 1fr) 4.6rem }
	section { margin-top: 4mm }
	.weak li + li { margin-top: .15rem }
	.times { gap: 1.5rem; margin-top: 1rem }
	.times li { padding: .2rem 0 }
	.box, .strip, .times li { break-inside: avoid }
}
`
