package document

import (
	"bytes"
	"fmt"
	"html/template"
)

// HTML fills in the template of a page. Its error names the document.
func HTML(name, page string, content any) ([]byte, error) {
	t, err := template.New(name).Parse(page)
	var out bytes.Buffer
	if err == nil {
		err = t.Execute(&out, content)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out.Bytes(), nil
}
