package custody

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names")
	if err := os.WriteFile(path, []byte("\uFEFFZoe\n# the board\nAda Admin\r\n\n  Jos\u00e9\t\n#Bob\nC#"), 0o600); err != nil {
		t.Fatal(err)
	}
	names, err := ReadNames(path)
	if want := []string{"Zoe", "Ada Admin", "Jos\u00e9", "C#"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%q, %v; %q was expected", names, err, want)
	}
}

func TestFindCustodian(t *testing.T) {
	names := []string{"Bob", "Jos\u00e9", "1", "Anna Wei\u00df"}
	for who, want := range map[string]int{
		"Bob": 1, "bob ": 1, "Jos\u00e9": 2, "Jose\u0301": 2, "JOS\u00c9": 2, "2": 2, "3": 3, "Anna\u00a0Weiss": 4, "4": 4,
	} {
		if n, err := findCustodian(who, names, 4); err != nil || n != want {
			t.Errorf("%q is custodian %d (%v); %d was expected", who, n, err, want)
		}
	}
	for who, want := range map[string]string{
		"1": "this may mean custodian 3 or 1", "Jose": "no such custodian", "0": "no such custodian", "5": "no such custodian", "-1": "no such custodian", "": "no such custodian", "Anna": "no such custodian",
	} {
		if n, err := findCustodian(who, names, 4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is custodian %d (%v); %q was expected", who, n, err, want)
		}
	}
	if n, err := findCustodian("3", nil, 3); err != nil || n != 3 {
		t.Errorf("without names 3 is custodian %d (%v)", n, err)
	}
	if n, err := findCustodian("bob", []string{"Bob", "BOB", "Ada"}, 3); err == nil {
		t.Errorf("one of two is custodian %d", n)
	}
}
