package zlint

import (
	"slices"
	"testing"

	"conclave/ca/lint"
)

// TestSources fails when zlint has a source that no one has decided about.
func TestSources(t *testing.T) {
	public, err := sources(lint.Public)
	if err != nil {
		t.Fatal(err)
	}
	private, err := sources(lint.Private)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, s := range public {
		if !slices.Contains(private, s) {
			left = append(left, string(s))
		}
	}
	slices.Sort(left)
	if want := []string{"CABF_BR", "CABF_CS_BR", "CABF_EV", "CABF_SMIME_BR"}; !slices.Equal(left, want) {
		t.Errorf("for a private CA, %v are left out; %v was expected", left, want)
	}
}
