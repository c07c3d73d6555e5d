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
	if err := os.WriteFile(path, []byte("# the board\nAda Admin\r\n\n  Jos\u00e9\t\n#Bob\nC#"), 0o600); err != nil {
		t.Fatal(err)
	}
	names, err := ReadNames(path)
	if want := []string{"Ada Admin", "Jos\u00e9", "C#"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%q, %v; %q was expected", names, err, want)
	}
}

func TestFindCustodian(t *testing.T) {
	names := []string{"Bob", "Jos\u00e9", "1", "Anna Wei\u00df"}
	for who, want := range map[string]int{
		"Bob": 1, "bob ": 1, "Jos\u00e9": 2, "Jose\u0301": 2, "JOS\u00c9": 2, "2": 2, "3": 3, "Anna\u00a0Weiss": 4, "4": 4,
	} {
		if n, err := FindCustodian(who, names, 4); err != nil || n != want {
			t.Errorf("%q is custodian %d (%v); %d was expected", who, n, err, want)
		}
	}
	for who, want := range map[string]string{
		"1": "custodians 3 and 1 may be meant", "Jose": "(1 to 4)", "0": "(1 to 4)", "5": "(1 to 4)", "-1": "(1 to 4)", "": "(1 to 4)", "Anna": "(1 to 4)",
	} {
		if n, err := FindCustodian(who, names, 4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is custodian %d (%v); %q was expected", who, n, err, want)
		}
	}
	if n, err := FindCustodian("3", nil, 3); err != nil || n != 3 {
		t.Errorf("without names 3 is custodian %d (%v)", n, err)
	}
	if n, err := FindCustodian("bob", []string{"Bob", "BOB", "Ada"}, 3); err == nil {
		t.Errorf("one of two is custodian %d", n)
	}
}
