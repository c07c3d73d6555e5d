// Package pgpwords turns bytes into words that people can read aloud to each
// other, and back: the PGP word list of Patrick Juola and Philip Zimmermann
// ("Whole-Word Phonetic Distances and the PGPfone Alphabet", ICSLP 1996). A
// byte at an even offset has a word of two syllables, one at an odd offset a
// word of three, so that a word that was left out, added or exchanged with its
// neighbour shows.
package pgpwords

import (
	"fmt"
	"strings"
)

// perLine is how many words Lines puts on a line: as many as are remembered
// until they are compared.
const perLine = 4

// lists are the 256 words for even and the 256 for odd offsets.
func lists() [2][]string {
	return [2][]string{strings.Fields(twoSyllables), strings.Fields(threeSyllables)}
}

// Words returns a word for each byte.
func Words(b []byte) []string {
	lists := lists()
	words := make([]string, len(b))
	for i, x := range b {
		words[i] = lists[i%2][x]
	}
	return words
}

// Lines returns the words of some bytes for reading aloud: four a line, in
// columns, after the number of the line, from 1. Each line ends in a newline.
func Lines(b []byte) string {
	var s strings.Builder
	words := Words(b)
	for i, word := range words {
		if i%perLine == 0 {
			fmt.Fprintf(&s, "%2d", i/perLine+1)
		}
		if i%perLine == perLine-1 || i == len(words)-1 {
			fmt.Fprintf(&s, "  %s\n", word)
		} else {
			fmt.Fprintf(&s, "  %-11s", word) // the longest have 11 letters
		}
	}
	return s.String()
}

// word is a place in the lists.
type word struct {
	offset int // 0 for even, 1 for odd
	value  byte
}

func index() map[string]word {
	words := map[string]word{}
	for offset, list := range lists() {
		for value, w := range list {
			words[strings.ToLower(w)] = word{offset, byte(value)}
		}
	}
	return words
}

// Parse returns the bytes that words stand for, in capitals or not. The error
// says which word is not in the list, counted from 1, or from which one on words
// were left out, added or exchanged. Parity does not show two words that were
// left out together, nor the last one: the caller knows how many bytes are due.
func Parse(words []string) ([]byte, error) {
	index := index()
	b := make([]byte, len(words))
	wrong := make([]bool, len(words))
	first := len(words)
	for i, text := range words {
		w, known := index[strings.ToLower(text)]
		if !known {
			return nil, fmt.Errorf("word %d, %q, is not in the PGP word list; have it spelled", i+1, text)
		}
		b[i], wrong[i] = w.value, w.offset != i%2
		if wrong[i] {
			first = min(first, i)
		}
	}
	if first < len(words) {
		return nil, explainMisplaced(words, wrong, first)
	}
	return b, nil
}

// explainMisplaced explains the first word that is not on the list that its place
// asks for.
func explainMisplaced(words []string, wrong []bool, first int) error {
	run := first
	for run < len(words) && wrong[run] {
		run++
	}
	var why string
	switch n := run - first; {
	case first > 0 && strings.EqualFold(words[first], words[first-1]):
		why = "it is there twice"
	case n == 2 && run < len(words):
		why = "it and the next were exchanged"
	case n == 2:
		why = "it and the next were exchanged, or a word before it was left out or added"
	case n > 2 && run == len(words):
		why = "a word before it was left out or added"
	default:
		why = "it is not the word that was read, or one was left out or added"
	}
	syllables := [2]string{"two", "three"}
	return fmt.Errorf("word %d, %q, stands where a word of %s syllables is due: %s; have the words read again from word %d",
		first+1, words[first], syllables[first%2], why, max(first, 1))
}
