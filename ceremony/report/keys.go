package report

import (
	"fmt"
	"strconv"
	"strings"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// keys is the inventory: each key of the ceremony, and each that was there before and
// signs.
func (r record) keys() section {
	s := section{Title: "Key inventory", OnNewPage: true, Facts: r.custody()}
	for _, k := range r.plan.Keys {
		facts := r.made(k)
		if r.plan.Drill != nil {
			facts = r.drilled(k)
		}
		s.Parts = append(s.Parts, section{Title: "Key " + k.Name, Facts: append([]fact{{Name: "Type", Text: k.Type}}, facts...)})
	}
	for _, c := range r.plan.Certificates {
		if c.File != "" && r.plan.Drill == nil {
			s.Parts = append(s.Parts, section{Title: "Key of the certificate " + c.Name, Facts: []fact{
				{Name: "Origin", Text: "it was there before this ceremony, in the device " + c.Device + r.serial(c.Device)},
				{Name: "Certificate", Text: evidence.InputFile(c.File) + ", SHA-256 of the file", Sums: sums(of[step.OpenFacts](r, step.Open.ID()).Inputs[c.File])},
			}})
		}
	}
	if len(s.Parts) == 0 {
		s.Note = "None: this ceremony neither makes nor uses a key."
	}
	return s
}

// custody is what all keys of a ceremony have in common: how they can be restored.
func (r record) custody() []fact {
	if r.plan.Custody == nil || r.plan.Drill != nil {
		return nil
	}
	share := of[step.ShareFacts](r, step.Share.ID())
	return []fact{
		{Name: "Quorum", Text: fmt.Sprintf("any %d of %d custodians", r.plan.Custody.Threshold, len(r.plan.People.Custodians))},
		{Name: "Set of the sheets", Text: share.Set + ", key check value of the DKEK " + share.KCV},
		{Name: "Share file", Text: "SHA-256", Sums: sums(share.ShareFile)},
		{Name: "Copies of the backup", Text: strconv.Itoa(of[step.CopyFacts](r, step.Copy.ID()).Copies)},
	}
}

// made is a key that was made or imported in this ceremony.
func (r record) made(k plan.Key) []fact {
	c := r.plan.Custody
	facts, backup := of[step.GenerateFacts](r, step.Generate.ID(k.Name)), of[step.BackupFacts](r, step.Backup.ID(k.Name))
	origin := fact{Name: "Made in", Text: "the device " + c.Device + r.serial(c.Device) + ", which attests it in " + evidence.AttestationFile(k.Name)}
	if k.Import != "" {
		origin = fact{Name: "Imported from", Text: k.Import + ", whose SHA-256 is below; it was made elsewhere, no device attests it, and copies of it may be there", Sums: sums(facts.KeyFile)}
	}
	restored := "the device " + c.Standby + r.serial(c.Standby) + ", where it signs"
	if c.EraseStandby {
		restored += "; that device was erased afterwards"
	}
	return append([]fact{
		origin,
		{Name: "Public key", Text: "SHA-256 of its SubjectPublicKeyInfo", Sums: sums(facts.Public)},
		{Name: "Reference", Text: strconv.Itoa(facts.Reference) + ", in the device " + c.Device},
		{Name: "Backed up in", Text: k.Name + ".wrap, under the key check value " + backup.KCV + "; its SHA-256", Sums: sums(backup.Wrapped)},
		{Name: "Restored on", Text: restored},
	}, r.certificatesOf(k.Name)...)
}

// certificatesOf are those on a key.
func (r record) certificatesOf(key string) (facts []fact) {
	for _, c := range r.plan.Certificates {
		if c.Key == key {
			issued := of[step.CertifyFacts](r, step.Certify.ID(c.Name))
			facts = append(facts, fact{Name: "Certificate", Text: fmt.Sprintf("%s, %s, serial number %s; its SHA-256", evidence.CertificateFile(c.Name), c.Subject, issued.Serial), Sums: sums(issued.Certificate)})
		}
	}
	if facts == nil {
		facts = []fact{{Name: "Certificate", Text: "none was issued in this ceremony"}}
	}
	return facts
}

// drilled is a key that a drill has looked after.
func (r record) drilled(k plan.Key) []fact {
	opened := of[step.OpenBackupFacts](r, step.OpenBackup.ID())
	return []fact{
		{Name: "Public key", Text: "SHA-256 of its SubjectPublicKeyInfo", Sums: sums(opened.Restored[k.Name])},
		{Name: "Restored from", Text: k.Name + ".wrap, under the key check value " + opened.KCV + ", on a device that was thrown away; SHA-256 of the file", Sums: sums(of[step.InspectFacts](r, step.Inspect.ID()).Wrapped[k.Name])},
		{Name: "Custodians", Text: opened.Custodians},
	}
}

// serial is the serial number of a device in brackets.
func (r record) serial(device string) string {
	return " (" + r.serialOf(device) + ")"
}

// serialOf is the serial number that a device has shown, in a ceremony or in a drill.
func (r record) serialOf(device string) string {
	prepared, found := of[step.PrepareFacts](r, step.Prepare.ID(device)), of[step.CompareFacts](r, step.Compare.ID(device))
	return strings.TrimSpace(prepared.Serial + found.Serial)
}

// sums are hashes as a fact has them; none for one that is missing.
func sums(all ...step.Sum) (texts []string) {
	for _, sum := range all {
		if sum != "" {
			texts = append(texts, string(sum))
		}
	}
	return texts
}
