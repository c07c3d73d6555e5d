package ceremony

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/internal/safefile"
)

// readInputs reads what comes with the plan, and checks what can be checked:
// what is wrong is put right before anyone compares it with the papers.
func (p *proceedings) readInputs(ctx context.Context) (map[string][]byte, error) {
	inputs := map[string][]byte{}
	if p.Plan.Sequel() != nil { // it issues nothing
		return inputs, nil
	}
	if p.Plan.Register != "" { // opening it finishes what a power cut has left in it
		if err := p.checkRegister(ctx); err != nil {
			return nil, err
		}
	}
	for _, path := range p.Plan.Inputs() {
		content, err := readInput(p.Plan, p.Base, path)
		if err != nil {
			return nil, err
		}
		inputs[path] = content
	}
	for i := range p.Plan.Certificates {
		if err := checkInput(&p.Plan.Certificates[i], inputs); err != nil {
			return nil, err
		}
	}
	return inputs, nil
}

// readInput reads a file that comes with a plan.
func readInput(p *plan.Plan, base, path string) ([]byte, error) {
	limit := int64(ca.MaxFile)
	if path == p.Register {
		limit = register.MaxFile
	}
	return safefile.Read(filepath.Join(base, path), limit)
}

// checkInput checks the file of a certificate, or of its request.
func checkInput(c *plan.Certificate, inputs map[string][]byte) (err error) {
	path := c.File
	switch {
	case c.File != "":
		_, err = ca.ParseCertificate(inputs[path])
	case c.Request != "":
		path = c.Request
		_, err = ca.CheckRequest(inputs[path], c.Spec)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// checkRegister says whether the register that the plan names can be continued.
func (p *proceedings) checkRegister(ctx context.Context) error {
	path := p.beside(p.Plan.Register)
	if err := register.CheckContinued(path, hexOf(p.key.Fingerprint())); err != nil {
		return err
	}
	r, err := register.Open(path)
	if err != nil {
		return err
	}
	open, err := r.Unfinished(ctx)
	if err == nil && len(open) > 0 {
		err = fmt.Errorf("%s: %s may have been signed, and no one has said so; settle it first: conclave ca settle", path, open[0])
	}
	return errors.Join(err, r.Close())
}

// keepInputs puts what was compared into the evidence, and continues the
// register.
func (p *proceedings) keepInputs(ctx context.Context, inputs map[string][]byte) error {
	for path, content := range inputs {
		if err := replaceFile(p.Dir.evidence(evidence.InputFile(path)), content); err != nil {
			return err
		}
	}
	if p.Plan.Register == "" {
		return nil
	}
	return p.continueRegister(ctx, inputs[p.Plan.Register])
}

func (p *proceedings) continueRegister(ctx context.Context, content []byte) error {
	if err := register.Continue(p.beside(p.Plan.Register), hexOf(p.key.Fingerprint()), string(p.Dir)); err != nil {
		return err
	}
	if err := replaceFile(p.Dir.Register(), content); err != nil {
		return err
	}
	export, err := p.export(ctx)
	if err != nil {
		return err
	}
	return replaceFile(p.Dir.evidence(evidence.BeforeFile), export)
}

// export is what the register of this ceremony has.
func (p *proceedings) export(ctx context.Context) ([]byte, error) {
	r, err := p.openRegister()
	if err != nil {
		return nil, err
	}
	content, err := exportOf(ctx, r)
	return content, errors.Join(err, r.Close())
}

func exportOf(ctx context.Context, r *register.Register) ([]byte, error) {
	var export bytes.Buffer
	err := r.Export(ctx, &export)
	return export.Bytes(), err
}
