package report

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// control is something that is done so that a ceremony can be relied on, and what in the
// evidence proves it.
type control struct {
	Name, Asks string
	Proof      []string // entries
	Files      []string
	Missing    string // why there is no proof
}

// notInEvidence is said where nothing else is.
const notInEvidence = "Not in the evidence"

// controls is each control with what proves it.
func (r record) controls() section {
	s := section{Title: "Controls", Note: "Each control with the entries that prove it, and the files of the bundle to look into. An entry is a line of " + evidence.TranscriptFile + ", and has this index there; times are in UTC.",
		Table: &table{Titles: []string{"Control", "Proved by", "Files"}, Widths: []int{33, 41, 26}}}
	for _, c := range slices.Concat(r.ofTheRoom(), r.ofKeys(), r.ofCustody(), r.ofSigning(), r.ofTheEnd()) {
		if c.Proof == nil {
			c.Files, c.Proof = nil, []string{notInEvidence}
			if c.Missing != "" {
				c.Proof[0] += ": " + c.Missing
			}
		}
		s.Table.Rows = append(s.Table.Rows, []string{c.Name + "\n" + c.Asks, strings.Join(c.Proof, "\n"), strings.Join(c.Files, "\n")})
	}
	return s
}

// done refers to the steps of an action that are done, and have shown what they were to.
func (r record) done(action step.Action) (proof []string) {
	for _, s := range r.plan.Steps() {
		if e := r.last(transcript.Done, s.ID); e != nil && s.Action == action && !step.IsUnshown(e.Facts) {
			proof = append(proof, where(e))
		}
	}
	return proof
}

// ofTheRoom are the controls of people, program and clock.
func (r record) ofTheRoom() []control {
	open := r.done(step.Open)
	return []control{
		{"Roll call", "Everyone is who the plan names, and shows a proof of identity; who stands in is an exception.", r.done(step.RollCall), nil, "a drill calls no roll"},
		{"Script", "The plan, from which the runbook was printed, was fixed before the first step, and read aloud.", append([]string{where(&r.Entries[0])}, open...), []string{evidence.PlanFile}, ""},
		{"Program", "The hash of the program was read aloud, and its parts are listed.", append([]string{where(&r.Entries[0])}, open...), []string{evidence.SoftwareFile}, ""},
		{"Clock", "The computer's clock was compared with a watch.", open, nil, ""},
		{"Witness", "The witness has typed the last word of every hash that was read aloud: of plan, program, keys, backups, certificates and CRLs.",
			slices.Concat(open, r.done(step.Generate), r.done(step.Backup), r.done(step.Certify), r.done(step.SignCRL)), nil, ""},
	}
}

// ofKeys are the controls of keys that are made or imported in this ceremony.
func (r record) ofKeys() []control {
	if r.plan.Custody == nil {
		return []control{{"Custody", "Keys are made under dual control, and backed up.", nil, nil, "this ceremony makes no key"}}
	}
	if r.plan.Kind() != plan.First {
		return nil
	}
	var made, attested []string
	for _, k := range r.plan.Keys {
		if e := r.last(transcript.Done, step.Generate.ID(k.Name)); k.Import == "" && e != nil {
			made, attested = append(made, where(e)), append(attested, evidence.AttestationFile(k.Name))
		}
	}
	return []control{
		{"Dual control", "The administrator operates, the witness compares; neither makes a key alone.", r.done(step.Generate), nil, ""},
		{"Keys made in the device", "The device attests that it made the key, and proves that its certificate is its own.", made, append(attested, evidence.DeviceFile(r.plan.Custody.Device), evidence.ProofFile(r.plan.Custody.Device)), "the keys were imported"},
		{"Backup before use", "Every key was restored from its backup on a second device, and has signed there, before any key signs for the CA.", r.restoredFirst(), nil, ""},
		{"No copies left", "The device on which the backup was proved was erased, and looked at afterwards.", r.done(step.Erase), nil, "by the plan the device " + r.plan.Custody.Standby + " keeps the keys"},
	}
}

// ofCustody are the controls of what a plan of any kind does for custody.
func (r record) ofCustody() (controls []control) {
	record, before := []string{evidence.RecordFile}, []string{path.Join(evidence.OriginDir, evidence.TranscriptFile)}
	for _, c := range []struct {
		action     step.Action
		name, asks string
		files      []string
	}{
		{step.Decide, "Decision", "What has happened is said, and who decides what is done about it.", nil},
		{step.LoneSheet, "Sheets", "Each custodian has checked their sheet, alone; one that is not good or not here is an exception.", record},
		{step.Inspect, "Backup as it was", "Share file and wrapped keys are bit by bit those that were made.", before},
		{step.Share, "Quorum", "A set of sheets is proved before it is used: " + of[step.ShareFacts](r, step.Share.ID()).Proof + ".", record},
		{step.Import, "Split knowledge", "The DKEK comes to a device from custodians, each with a sheet of their own, as many as the quorum.", record},
		{step.OpenBackup, "Backup opens", "A quorum of custodians has opened the backup, and every key has signed.", before},
		{step.SealPIN, "Sealed SO-PIN", "No one knows the SO-PIN: it is sealed under the DKEK.", nil},
		{step.Compare, "Devices as they were", "Serial number, key check value and public keys are those that were recorded.", before},
		{step.ChangePIN, "PINs changed", "The device takes the new PINs, and the old ones no more.", nil},
		{step.Retire, "Old device", "What has become of the device that was replaced is written down.", nil},
		{step.PINs, "Bags of PINs", "They are closed, and have the numbers that were written down.", nil},
	} {
		if r.planned(c.action) {
			controls = append(controls, control{c.name, c.asks, r.done(c.action), c.files, "it could not be shown; an exception says why"})
		}
	}
	if r.planned(step.Copy) {
		controls = append(controls, control{"Two media", "The backup is on two media or more, each of which was read back.", r.media(), nil, "the copies are too few; an exception says so"})
	}
	if r.planned(step.Seal) {
		controls = append(controls, r.bags())
	}
	return controls
}

// planned says whether the plan has steps of an action.
func (r record) planned(action step.Action) bool {
	return slices.ContainsFunc(r.plan.Steps(), func(s step.Step) bool { return s.Action == action })
}

// restoredFirst is the proof of the backup, if nothing was signed before it.
func (r record) restoredFirst() []string {
	restored := r.last(transcript.Done, step.Restore.ID())
	for _, e := range r.Entries {
		if e.Kind == transcript.Note && factsOf[step.NoteFacts](r, e).TBS != "" && restored != nil && e.Index < restored.Index {
			return nil
		}
	}
	return r.done(step.Restore)
}

// media are the notes of the media that were written, if there are enough.
func (r record) media() (proof []string) {
	if of[step.CopyFacts](r, step.Copy.ID()).Copies < step.MinCopies {
		return nil
	}
	for i, e := range r.Entries {
		if e.Kind == transcript.Note && factsOf[step.NoteFacts](r, e).Medium > 0 {
			proof = append(proof, where(&r.Entries[i]))
		}
	}
	return append(proof, r.done(step.Copy)...)
}

// bags is the control of what was put away.
func (r record) bags() control {
	bags := of[step.SealFacts](r, step.Seal.ID()).Bags
	closed := 0
	for _, number := range bags {
		if number != plan.NoBag {
			closed++
		}
	}
	c := control{"Numbered bags", fmt.Sprintf("Devices, media and sheets are in bags of their own, whose numbers are written down: %d of %d.", closed, len(bags)), r.done(step.Seal), nil, ""}
	if closed == 0 {
		c.Proof, c.Missing = nil, "nothing was put into a bag"
	}
	return c
}

// ofSigning are the controls of certificates and CRLs.
func (r record) ofSigning() []control {
	signs := slices.Concat(r.done(step.Certify), r.done(step.SignCRL))
	if len(signs) == 0 {
		return nil
	}
	var agreed, files []string
	for i, e := range r.Entries {
		if e.Kind == transcript.Note && factsOf[step.NoteFacts](r, e).TBS != "" {
			agreed = append(agreed, where(&r.Entries[i]))
		}
	}
	for _, c := range r.plan.Certificates {
		if c.File == "" {
			files = append(files, evidence.CertificateFile(c.Name))
		}
	}
	for _, c := range r.plan.CRLs {
		files = append(files, evidence.CRLFile(c.Name))
	}
	register := []string{evidence.RegisterFile}
	if r.plan.Register != "" {
		register = append(register, evidence.BeforeFile)
	}
	return []control{
		{"Agreed before signing", "What is signed was read by the witness, and written down with its hash, before the key was used.", agreed, files, ""},
		{"As planned", "Each certificate and CRL says byte for byte what the plan says.", signs, files, ""},
		{"Linted before signing", "Certificates are judged by a linter before they are signed.", nil, nil, "the program signs nothing that its linter has a finding on above notice, and writes no fact of it; lint the certificates again"},
		{"Register", "All that was signed is in the register, nothing else is new in it, and nothing of it was lost.", signs, register, ""},
	}
}

// ofTheEnd are the controls of what remains.
func (r record) ofTheEnd() []control {
	closed := []string{where(r.last(transcript.Closed, ""))}
	controls := []control{
		{"Exceptions read", fmt.Sprintf("All exceptions were read aloud at the end, and the witness has agreed that there were no others: %d.", len(r.Exceptions)), r.done(step.Close), nil, ""},
		{"Evidence sealed", "Every entry is signed, every file is named by the close, and the key of the signatures was destroyed after it.", append(r.done(step.Close), closed...), []string{evidence.HeadFile, evidence.SumsFile}, ""},
	}
	recording := control{"Recording", "The whole ceremony was recorded, so that those who were not there can watch it.", r.done(step.Close), nil, ""}
	switch of[step.CloseFacts](r, step.Close.ID()).Recording {
	case step.NoRecording:
		recording.Missing = "none was made"
		fallthrough
	case "":
		recording.Proof = nil
	}
	stamp := control{"Time stamp", "An authority says that the evidence was there.", nil, nil, "none is attached"}
	witnesses := control{"Signatures of witnesses", "Witnesses have signed the checkpoint with keys of their own.", nil, nil, "none is attached"}
	for _, a := range r.Attached {
		c := &witnesses
		if a.File == evidence.StampFile {
			c = &stamp
		}
		c.Proof, c.Files = append(c.Proof, a.Says), append(c.Files, a.File)
	}
	return append(controls, recording, stamp, witnesses)
}
