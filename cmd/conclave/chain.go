package main

import (
	"strings"

	"conclave/ceremony"
	"conclave/custody"
	"conclave/internal/safefile"
)

// Commands that make a ceremony of what others do without one. EVIDENCE is the folder of
// that which it goes on from.
const (
	changeByCeremony = "conclave ceremony change EVIDENCE --kind "
	importByCeremony = "conclave ceremony new PLAN"
)

// leavesChain says of what was done with share files of a ceremony that its evidence does
// not have it, and by which command it would. Whose they are the folder shows, or the
// record of the sheets.
func (c *console) leavesChain(what, command string, files ...custody.Unopened) {
	for _, file := range files {
		if bundle := ceremony.EvidenceBeside(file.Path); bundle != "" {
			c.next("%s is in no evidence; it would be, as a ceremony: %s", what, strings.Replace(command, "EVIDENCE", safefile.Quoted(bundle), 1))
			return
		}
		if len(file.Records) > 0 && file.Records[0].Ceremony != "" {
			c.next("if there is evidence of the ceremony %q, %s is not in it; it would be, as a ceremony: %s", file.Records[0].Ceremony, what, command)
			return
		}
	}
}
