package main

import (
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/rfc3161"
	"conclave/internal/safefile"
)

type ceremonyAttach struct {
	answering
	Bundle    string `arg:"" help:"Folder of the evidence."`
	Request   string `placeholder:"FILE" xor:"what" output:"" help:"Write a request for a time stamp (RFC 3161), to be carried to an authority."`
	Stamp     string `placeholder:"FILE" xor:"what" type:"input" help:"Attach the authority's answer; --roots has its roots."`
	Roots     string `placeholder:"FILE" type:"input" help:"Roots of the time-stamping authority, PEM."`
	Signature string `placeholder:"FILE" xor:"what" type:"input" help:"Attach a signature: ssh-keygen -Y sign -n conclave-ceremony -f KEY checkpoint; --signers has the key."`
	Signers   string `placeholder:"FILE" type:"input" help:"Allowed signers, as ssh-keygen -Y verify takes them."`
	Name      string `placeholder:"NAME" help:"Whose signature it is, for the name of the file."`
}

// Validate rejects what is incomplete.
func (cmd ceremonyAttach) Validate() error {
	switch {
	case cmd.Request == "" && cmd.Stamp == "" && cmd.Signature == "":
		return errors.New("one of --request, --stamp and --signature was expected")
	case cmd.Roots != "" && cmd.Stamp == "":
		return errors.New("--roots: it is for --stamp alone; leave it out")
	case cmd.Signature == "" && (cmd.Signers != "" || cmd.Name != ""):
		return errors.New("--signers and --name: they are for --signature alone; leave them out")
	case cmd.Stamp != "" && cmd.Roots == "":
		return errors.New("--roots: the roots of the time-stamping authority are missing")
	case cmd.Signature != "" && (cmd.Signers == "" || !goodName(cmd.Name)):
		return errors.New("--signers and --name: the keys of those who signed, and a name for the file, such as wim, were expected")
	}
	return nil
}

// Run attaches it.
func (cmd ceremonyAttach) Run(c *console) error {
	if cmd.Request != "" {
		return cmd.request(c)
	}
	files := map[string]string{evidence.StampFile: cmd.Stamp, evidence.RootsFile: cmd.Roots}
	if cmd.Signature != "" {
		files = map[string]string{evidence.SignatureFile(cmd.Name): cmd.Signature, evidence.SignersFile(cmd.Name): cmd.Signers}
	}
	contents := map[string][]byte{}
	for name, file := range files {
		content, err := safefile.Read(file, evidence.MaxAttachment)
		if err != nil {
			return err
		}
		contents[name] = content
	}
	if err := ceremony.CheckEvidence(cmd.Bundle); err != nil {
		return err
	}
	if err := evidence.Attach(cmd.Bundle, contents); err != nil {
		return err
	}
	return c.answerf(attachAnswer{Evidence: cmd.Bundle, Files: slices.Sorted(maps.Keys(contents))}, "Attached, and verified.\n")
}

// attachAnswer is evidence, and the files that it got, or the request that was made for
// it.
type attachAnswer struct {
	output
	Evidence string   `json:"evidence"`
	Files    []string `json:"files"`
}

func (cmd ceremonyAttach) request(c *console) error {
	if err := ceremony.CheckEvidence(cmd.Bundle); err != nil {
		return err
	}
	out, err := c.reserveOutput(cmd.Request, certificateRoom, true)
	if err != nil {
		return err
	}
	defer out.release()
	head, err := safefile.Read(filepath.Join(cmd.Bundle, evidence.HeadFile), evidence.MaxAttachment)
	if err != nil {
		return err
	}
	request, err := rfc3161.Request(head)
	if err != nil {
		return err
	}
	if err := c.write(&out, request); err != nil {
		return err
	}
	return c.answerf(attachAnswer{out, cmd.Bundle, []string{}}, "")
}

// goodName says whether a file can have this name.
func goodName(name string) bool {
	good, _ := regexp.MatchString(`^[a-z0-9][a-z0-9-]{0,39}$`, name)
	return good
}
