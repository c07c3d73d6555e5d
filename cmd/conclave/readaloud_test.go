//go:build linux

package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// copySheet comes to the screen, copies the sheet that is headed so, and types it back.
func (a *attempt) copySheet(head string) (code string) {
	a.come("")
	sheet := a.session.ExpectText(head + ` .*Write down the code: (.*?) (?:The same|[▀▄█])`)
	a.session.ExpectText(`for OpenSC's sc-hsm-tool: Prime : .*Share ID : \d Share value : .*Press <enter> when all is written down; the screen is cleared\. $`)
	code = strings.Join(regexp.MustCompile(`\b[0-9A-Z]{4}\b`).FindAllString(sheet[1], -1), " ")
	a.press(`\r`)
	a.expect(`Type from the sheet\. Code or share value: $`)
	a.session.Enter(code)
	return code
}

// TestRehearsalByHand is a newcomer who plays all custodians, and takes one sheet for
// another.
func TestRehearsalByHand(t *testing.T) {
	a := &attempt{t: t, sets: &mistakeSets{made: map[string]func() *mistakeSet{}, home: func() string { return initialisedHome(t) }}, dir: t.TempDir(), columns: 40, rows: 60}
	a.useSet("2-of-4")
	a.run("rehearse --type ec:secp256r1")
	a.expect(`You are all 4 custodians, one after the other; have a pencil and paper\.`)
	var codes []string
	for n := range 4 {
		codes = append(codes, a.copySheet(fmt.Sprintf(`REHEARSAL : destroy this sheet afterwards .*Custodian : %d`, n+1)))
		a.expect(fmt.Sprintf(`Custodian %d, your sheet is right`, n+1))
	}
	for i, sheet := range []int{4, 2, 3, 4} {
		a.expect(fmt.Sprintf(`Custodian %d comes to the screen alone`, i+1))
		a.come("")
		a.expect(`Code, or Share ID: $`)
		a.session.Enter(codes[sheet-1])
		instead := `\.`
		if i == 0 {
			instead = `, and counts in the place of that of custodian 1\.`
		}
		a.expect(fmt.Sprintf(`Custodian %d, your sheet is good%s`, sheet, instead))
	}
	a.expect(`All is as it must be, in .*destroy the sheets`)
	a.exit("0")
	a.nothingIsLeft()
}

// TestReadAloud listens to the making of a set and its use as a screen reader tells them,
// line by line, in a narrow window: each fact is in the words, in the order in which it
// is needed, and no style, place or drawing is its only carrier.
func TestReadAloud(t *testing.T) {
	a := &attempt{t: t, sets: &mistakeSets{made: map[string]func() *mistakeSet{}, home: func() string { return initialisedHome(t) }}, dir: t.TempDir(), columns: 40, rows: 60}
	a.useSet("2-of-4")
	a.run("dkek create new.pbe --threshold 2 --custodian Ada --custodian Bob --custodian Eve --qr --color always")
	var codes []string
	for i, name := range []string{"Ada", "Bob", "Eve"} {
		a.expect(name + `, custodian \d, comes to the screen alone, and the others look away \(\d of 3\)\.`)
		codes = append(codes, a.copySheet(fmt.Sprintf(`Share file : new\.pbe .*Key check : [0-9A-F]{16} Set : \w{4} \(2-of-3\) Custodian : %d %s`, i+1, name)))
		a.expect(name + `, your sheet is right: what you typed is what was shown\.`)
	}
	a.expect(`All 3 subsets that are large enough give the password, and the share file opens with what the sheets say\. .*DKEK share written to new\.pbe, set \w{4}; .*key check value [0-9A-F]{16} Set record written to new\.pbe\.set-\w{4}\.json; keep it with the share file\.`)
	a.exit("0")
	a.run("dkek import new.pbe --color always")
	for i, code := range codes[1:] {
		a.expect(`Sheet ` + string(rune('1'+i)) + ` of 2: a custodian comes to the screen alone, and the others look away\.`)
		a.come("")
		a.expect(`Type from the sheet\. Code, or Share ID: $`)
		a.session.Enter(code)
	}
	a.expect(`DKEK share imported; DKEK: complete, key check value [0-9A-F]{16}`)
	a.exit("0")
}
