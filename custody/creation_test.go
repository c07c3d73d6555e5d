package custody_test

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"conclave/custody"
	"conclave/quorum"
)

// TestCreationTellsPeopleApart before anyone comes.
func TestCreationTellsPeopleApart(t *testing.T) {
	custodians := &clumsy{}
	_, err := custody.Creation{
		Rand: rand.Reader, ShareFile: filepath.Join(t.TempDir(), "share.pbe"),
		Scheme: quorum.Scheme{Threshold: 2, Total: 3, Strength: quorum.Strength128},
		Names:  []string{"Ada", "Bob", "B\u00f3b\u200b"}, Custodians: custodians,
	}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the character U+200B in the name is invisible") || len(custodians.shown) > 0 {
		t.Errorf("%v, and sheets shown: %v", err, custodians.shown)
	}
}
