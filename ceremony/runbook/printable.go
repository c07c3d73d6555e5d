package runbook

import (
	"fmt"
	"strings"

	"conclave/internal/typeset"
)

// field is a text that is printed, under the name by which the plan has it.
type field struct{ name, text string }

// printable finds a character that the PDF cannot print. Fields come before the
// steps, which are made from them, so that the error names what can be changed.
func (b Book) printable(c content) error {
	for _, f := range append(b.fields(), stepFields(c)...) {
		if err := typeset.Check(f.text); err != nil {
			return fmt.Errorf("%s: %w, or print the HTML, which can have any character", f.name, err)
		}
	}
	return nil
}

func (b Book) fields() []field {
	p := b.Plan
	all := []field{{"ceremony", p.Ceremony}, {"place", p.Place}, {"people.administrator", p.People.Administrator}}
	all = append(all, listFields("people.witnesses[%d]", p.People.Witnesses)...)
	all = append(all, listFields("people.custodians[%d]", p.People.Custodians)...)
	if p.Custody != nil {
		all = append(all, field{"custody.contact", p.Custody.Contact})
	}
	for i, d := range p.Devices {
		all = append(all, field{fmt.Sprintf("devices[%d].serial", i), d.Serial})
	}
	for i, cert := range p.Certificates {
		all = append(all, field{fmt.Sprintf("certificates[%d].subject", i), cert.Subject.String()})
	}
	for i, m := range b.Materials {
		all = append(all,
			field{fmt.Sprintf("materials[%d].name", i), m.Name},
			field{fmt.Sprintf("materials[%d].detail", i), m.Detail},
			field{fmt.Sprintf("materials[%d].words", i), strings.Join(m.Words, " ")})
	}
	return append(all, field{"tool", b.Tool})
}

func listFields(format string, texts []string) (all []field) {
	for i, text := range texts {
		all = append(all, field{fmt.Sprintf(format, i), text})
	}
	return all
}

func stepFields(c content) (all []field) {
	for _, s := range c.Steps {
		name := fmt.Sprintf("step %d, %s", s.Number, s.ID)
		all = append(all, field{name, s.Title}, field{name, s.Begins})
		for _, texts := range [][]string{s.Do, s.Expect, s.Write} {
			for _, text := range texts {
				all = append(all, field{name, text})
			}
		}
	}
	return all
}
