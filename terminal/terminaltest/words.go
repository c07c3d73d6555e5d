package terminaltest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Words are those of a hash, in their order, as a witness has them.
type Words []string

// WordsOnScreen are those that are read aloud, which stand between numbers and bytes.
func WordsOnScreen(lines string) (words Words) {
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		fields := strings.Fields(line)
		words = append(words, fields[1:len(fields)-1]...)
	}
	return words
}

// WordsOnPaper are those of all hashes of a runbook, from its HTML.
func WordsOnPaper(page []byte) (hashes []Words) {
	for _, list := range regexp.MustCompile(`(?s)<ol class="words">(.*?)</ol>`).FindAllSubmatch(page, -1) {
		var words Words
		for _, word := range regexp.MustCompile(`<li>(\w+)</li>`).FindAllSubmatch(list[1], -1) {
			words = append(words, string(word[1]))
		}
		hashes = append(hashes, words)
	}
	return hashes
}

// Of is the hash on paper that is the same but for the word that the screen leaves out;
// nil for none.
func (w Words) Of(paper []Words) Words {
	for _, printed := range paper {
		if slices.EqualFunc(w, printed, func(shown, on string) bool { return shown == on || shown == "____" }) {
			return printed
		}
	}
	return nil
}

// Number is the word with that number, or what is no word.
func (w Words) Number(number string) string {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(w) {
		return "nothing"
	}
	return w[n-1]
}
