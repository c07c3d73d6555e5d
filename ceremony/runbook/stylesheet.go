package runbook

import "conclave/internal/document"

// styleSheet is what a runbook has beside what all documents have.
const styleSheet = document.StyleSheet + `
.people .name { width: 30% } .people .role { width: 28% } .people .initials { width: 12% }
.sheets .no { width: 8% } .sheets .name { width: 29% } .sheets .bag { width: 18% } .sheets .signature { width: 21% }
.devices .name { width: 25% } .devices .serial { width: 27% }
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
@media (max-width: 34rem) {
	.step { padding-left: 0 }
	.step h3 { margin: 0; grid-template-columns: 2rem 1fr }
	.write div { grid-template-columns: 1fr; gap: 0 }
	.write dd { min-height: 2rem }
	.hash { grid-template-columns: repeat(4, max-content) }
	.end, .end.three { grid-template-columns: 1fr 1fr }
	.people .name { width: 29% } .people .role { width: 31% } .people .initials { width: 16% }
}
@media print {
	.material { padding-bottom: 0 }
	.hash { grid-template-columns: repeat(16, max-content); gap: 0 .4em }
	.hash code { font-size: 9pt }
	.words.blank { gap: .4rem 1rem; padding-top: .4rem }
	.step { margin-top: .9rem; padding-top: .5rem }
	.begins { margin-bottom: .4rem }
	.see, .end { margin-top: .5rem }
	.two { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1.5rem }
	.two li { margin-top: 0 }
	.ruled div { height: 2rem }
	.step, .material, .part, .verify, .end, .write div { break-inside: avoid }
	.write, .see { break-before: avoid }
}
`
