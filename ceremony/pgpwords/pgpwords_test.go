package pgpwords_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony/pgpwords"
)

// The example that is published with the word list: a PGP fingerprint.
const (
	exampleHex   = "E58294F2E9A227486E8B061B31CC528FD7FA3F19"
	exampleWords = "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa " +
		"afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless"
)

func example(t *testing.T) ([]byte, []string) {
	t.Helper()
	b, err := hex.DecodeString(exampleHex)
	if err != nil {
		t.Fatal(err)
	}
	return b, strings.Fields(exampleWords)
}

func TestPublishedExample(t *testing.T) {
	b, words := example(t)
	if got := pgpwords.Words(b); !slices.Equal(got, words) {
		t.Errorf("the words are %q, %q was expected", got, words)
	}
	for _, text := range []string{exampleWords, strings.ToLower(exampleWords), strings.ToUpper(exampleWords)} {
		if got, err := pgpwords.Parse(strings.Fields(text)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%q is %x, %v", text, got, err)
		}
	}
}

// table is the words of each byte, by parity of its offset.
func table() (lists [2][]string) {
	for i := range 256 {
		words := pgpwords.Words([]byte{byte(i), byte(i)})
		lists[0], lists[1] = append(lists[0], words[0]), append(lists[1], words[1])
	}
	return lists
}

// TestListsAreAlphabeticalAndDistinct knows the one pair that is not in order
// in the published list.
func TestListsAreAlphabeticalAndDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, list := range table() {
		for i, word := range list {
			lower := strings.ToLower(word)
			if i > 0 && lower <= strings.ToLower(list[i-1]) && word != "Apollo" {
				t.Errorf("%s comes after %s", word, list[i-1])
			}
			if seen[lower] || strings.Trim(lower, "abcdefghijklmnopqrstuvwxyz") != "" {
				t.Errorf("%q is there twice, or is not a word", word)
			}
			seen[lower] = true
		}
	}
}

// TestListsAreThePublishedOnes: the hash is that of the words which
// github.com/magic-wormhole/magic-wormhole has in src/wormhole/_wordlist.py
// (commit 6fa0e455), written as 256 lines, from byte 00 to FF: the even word, a
// space, the odd word, a newline.
func TestListsAreThePublishedOnes(t *testing.T) {
	var text strings.Builder
	lists := table()
	for i := range 256 {
		text.WriteString(lists[0][i] + " " + lists[1][i] + "\n")
	}
	const published = "f816e91d6148165fc67361aa1886eb71ad6b19c9d65673ca40fa96e160f02f5a"
	if sum := sha256.Sum256([]byte(text.String())); hex.EncodeToString(sum[:]) != published {
		t.Errorf("the lists hash to %x, %s was expected", sum, published)
	}
}

func TestEveryByteAtBothParities(t *testing.T) {
	for i := range 256 {
		b := []byte{byte(i), byte(i), byte(255 - i)}
		if got, err := pgpwords.Parse(pgpwords.Words(b)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%x became %x, %v", b, got, err)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	_, words := example(t)
	edit := func(f func(w []string) []string) []string { return f(slices.Clone(words)) }
	swap := func(i int) []string {
		return edit(func(w []string) []string { w[i], w[i+1] = w[i+1], w[i]; return w })
	}
	for name, test := range map[string]struct {
		words []string
		want  []string
	}{
		"unknown":    {edit(func(w []string) []string { w[4] = "thread"; return w }), []string{"word 5", `"thread"`, "not in the PGP word list"}},
		"left out":   {slices.Delete(slices.Clone(words), 6, 7), []string{"word 7", `"dictator"`, "two syllables", "left out", "from word 6"}},
		"first":      {words[1:], []string{"word 1", `"Istanbul"`, "left out", "from word 1"}},
		"added":      {slices.Insert(slices.Clone(words), 3, "Zulu"), []string{"word 4", `"Zulu"`, "three syllables", "added"}},
		"twice":      {slices.Insert(slices.Clone(words), 3, "pluto"), []string{"word 4", "twice", "from word 3"}},
		"exchanged":  {swap(8), []string{"word 9", `"Medusa"`, "and the next were exchanged;"}},
		"last two":   {swap(18), []string{"word 19", "exchanged, or"}},
		"other word": {edit(func(w []string) []string { w[5] = "peachy"; return w }), []string{"word 6", "not the word that was read"}},
		"empty word": {[]string{""}, []string{"word 1", `""`}},
	} {
		_, err := pgpwords.Parse(test.words)
		for _, part := range test.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error is %v; %q was expected in it", name, err, part)
			}
		}
	}
}

func TestLines(t *testing.T) {
	b, _ := example(t)
	const want = ` 1  topmost      Istanbul     Pluto        vagabond
 2  treadmill    Pacific      brackish     dictator
 3  goldfish     Medusa
`
	if got := pgpwords.Lines(b[:10]); got != want {
		t.Errorf("the lines are\n%s\nand not\n%s", got, want)
	}
	if pgpwords.Lines(nil) != "" {
		t.Error("no bytes gave lines")
	}
}
