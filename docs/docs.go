// Package docs are the pages of this folder, as the programs have them: for people
// without the folder, and for the man pages that are made from them.
//
// Begin with [Page]. The pages are Markdown, as they are here; how they are shown is
// the programs' matter.
package docs

import "embed"

//go:embed *.md
var pages embed.FS

// Page is a page by its name, such as "plan". The error wraps fs.ErrNotExist where
// there is none.
func Page(name string) (string, error) {
	content, err := pages.ReadFile(name + ".md")
	return string(content), err
}
