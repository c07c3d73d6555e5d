package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// keys is the inventory: each key of the ceremony, and each that was there before and
// signs.
func (r record) keys() section {
	s := section{Title: "Key inventory", OnNewPage: true, Facts: r.custody()}
	for _, k := range r.plan.Keys {
		facts := r.goneOn(k)
		if r.plan.Kind() == plan.First {
			facts = r.made(k)
		}
		s.Parts = append(s.Parts, section{Title: "Key " + k.Name, Facts: append([]fact{{Name: "Type", Text: k.Type}}, facts...)})
	}
	for _, c := range r.plan.Certificates {
		if c.File != "" && r.plan.Kind() == plan.First {
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

// custody is what all keys have in common: how they can be restored.
func (r record) custody() (facts []fact) {
	if r.plan.Custody == nil {
		return nil
	}
	facts = []fact{{Name: "Quorum", Text: fmt.Sprintf("any %d of %d custodians", r.plan.Custody.Threshold, len(r.plan.People.Custodians))}}
	if id := step.Share.ID(); r.Facts.Done(id) {
		share := of[step.ShareFacts](r, id)
		facts = append(facts, fact{Name: "Set of the sheets", Text: share.Set + ", key check value of the DKEK " + share.KCV},
			fact{Name: "Share file", Text: "SHA-256", Sums: sums(share.ShareFile)})
	}
	if id := step.Copy.ID(); r.Facts.Done(id) {
		facts = append(facts, fact{Name: "Copies of the backup", Text: strconv.Itoa(of[step.CopyFacts](r, id).Copies)})
	}
	return facts
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

// certificatesOf are those on a key, also those in which another root signs it.
func (r record) certificatesOf(key string) (facts []fact) {
	for _, c := range r.plan.Certificates {
		certified, by := &c, ""
		if c.CrossSigns != "" {
			certified, by = r.plan.FindCertificate(c.CrossSigns), ", by "+c.Issuer
		}
		if certified.Key == key {
			issued := of[step.CertifyFacts](r, step.Certify.ID(c.Name))
			facts = append(facts, fact{Name: "Certificate", Text: fmt.Sprintf("%s, %s%s, serial number %s; its SHA-256", evidence.CertificateFile(c.Name), certified.Subject, by, issued.Serial), Sums: sums(issued.Certificate)})
		}
	}
	if facts == nil {
		facts = []fact{{Name: "Certificate", Text: "none was issued in this ceremony"}}
	}
	return facts
}

// goneOn is a key that was made before, as a drill or a change of custody has found it.
func (r record) goneOn(k plan.Key) []fact {
	facts := []fact{{Name: "Origin", Text: "it was there before; how it came about, the evidence tells whose transcript is in " + evidence.OriginDir}}
	for _, s := range r.plan.Steps() {
		switch s.Action {
		case step.Inspect:
			facts = append(facts, found(s, k.Name+".wrap is as it was", of[step.InspectFacts](r, s.ID).Wrapped[k.Name]))
		case step.Share:
			facts = append(facts, found(s, k.Name+".wrap, wrapped under the new DKEK", of[step.ShareFacts](r, s.ID).Wrapped[k.Name]))
		case step.OpenBackup:
			facts = append(facts, found(s, "restored and used; its public key", of[step.OpenBackupFacts](r, s.ID).Restored[k.Name]))
		case step.Restore:
			facts = append(facts, found(s, "restored and used; its public key", of[step.RestoreFacts](r, s.ID).Restored[k.Name]))
		}
	}
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Name == "" })
}

// found is what a step has found of a key; nothing where it was not shown.
func found(s step.Step, what string, sum step.Sum) fact {
	if sum == "" {
		return fact{}
	}
	return fact{Name: s.Title, Text: what + ", SHA-256", Sums: sums(sum)}
}

// serial is the serial number of a device in brackets.
func (r record) serial(device string) string {
	return " (" + r.serialOf(device) + ")"
}

// serialOf is the serial number that a device has shown; else that of the plan.
func (r record) serialOf(device string) string {
	return cmp.Or(of[step.PrepareFacts](r, step.Prepare.ID(device)).Serial, of[step.CompareFacts](r, step.Compare.ID(device)).Serial,
		of[step.ChangePINFacts](r, step.ChangePIN.ID(device)).Serial, r.plan.FindDevice(device).Serial, "not in the evidence")
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
