package runbook

import (
	"bytes"
	"fmt"
	"html/template"
)

// HTML gives the runbook as one page without scripts, and without anything that
// is loaded from elsewhere. It is read on a screen of any size, and printed on
// A4 or Letter.
func HTML(b Book) ([]byte, error) {
	c, err := b.content()
	if err != nil {
		return nil, fmt.Errorf("runbook: %w", err)
	}
	page, err := template.New("runbook").Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("runbook: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, c); err != nil {
		return nil, fmt.Errorf("runbook: %w", err)
	}
	return out.Bytes(), nil
}
