package runbook

import (
	"fmt"

	"conclave/internal/document"
)

// HTML gives the runbook as one page without scripts, and without anything that
// is loaded from elsewhere. It is read on a screen of any size, and printed on
// A4 or Letter.
func HTML(b Book) ([]byte, error) {
	c, err := b.content()
	if err != nil {
		return nil, fmt.Errorf("runbook: %w", err)
	}
	return document.HTML("runbook", pageTemplate, c)
}
