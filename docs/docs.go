// Package docs are the pages of this folder, as the programs have them: for people
// without the folder, and for the man pages that are made from them.
//
// Begin with [Topics], or with [Page] for one of them. The pages are Markdown, as they
// are here; [Plain] is how one reads at a terminal, before its lines are broken.
package docs

import (
	"embed"
	"regexp"
	"strings"
)

//go:embed *.md
var pages embed.FS

// Page is a page by its name, such as "plan". The error wraps fs.ErrNotExist where
// there is none.
func Page(name string) (string, error) {
	content, err := pages.ReadFile(name + ".md")
	return string(content), err
}

// Topic is a page in the list of them.
type Topic struct{ Section, Name, About string }

// Topics are the pages in the order of README.md, each in its first place.
func Topics() (topics []Topic) {
	index, err := Page("README")
	if err != nil {
		return nil
	}
	point := regexp.MustCompile(`^- \[(.+)\.md\]\(([a-z0-9-]+)\.md\): (.*)$`)
	section := ""
	for line := range strings.Lines(index) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			section = heading
		} else if found := point.FindStringSubmatch(line); found != nil {
			topics = append(topics, Topic{section, found[1], found[3]})
		}
	}
	return topics
}
