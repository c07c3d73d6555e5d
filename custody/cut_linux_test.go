package custody_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"conclave/custody"
	"conclave/dkek/dkektest"
	"conclave/internal/safefile"
	"conclave/internal/testrun"
	"conclave/quorum"
)

// A child makes a share file, or keeps a journal in a folder.
func TestMain(m *testing.M) {
	testrun.Main(m, func(path string, orders iter.Seq[string]) error {
		if filepath.Ext(path) == ".pbe" {
			return createAloud(path)
		}
		return custody.JournalOrders().Child(path, orders)
	})
}

// aloud are custodians whose sheets are printed as they are shown.
type aloud struct{ clumsy }

func (a *aloud) Show(ctx context.Context, h custody.Handout) error {
	fmt.Println(h.Sheet.Code)
	return a.clumsy.Show(ctx, h)
}

// creation is one for three custodians, the last of whom is away.
func creation(path string, custodians custody.Custodians) custody.Creation {
	c := custody.Creation{
		Rand: rand.Reader, ShareFile: path, Scheme: quorum.Scheme{Threshold: 2, Total: 3, Strength: quorum.Strength128},
		ReadBack: true, Now: time.Now(), Custodians: custodians,
	}
	key, err := age.GenerateX25519Identity()
	if err == nil {
		err = c.EncryptTo("3=" + key.Recipient().String())
	}
	if err != nil {
		panic(err)
	}
	return c
}

// createAloud is a process that makes a share file and may be cut off.
func createAloud(path string) error {
	_, err := creation(path, &aloud{}).Run(dkektest.Practising(context.Background()))
	return err
}

// TestCreationCutOff kills a creation before the calls that change files. What has its
// name then is whole and proved; what was not is said to be void, by who reads it and
// by the next creation, which makes another one or finishes what was proved.
func TestCreationCutOff(t *testing.T) {
	ends := map[string]int{}
	testrun.Cuts(t, 16, func(at int) int {
		path := filepath.Join(t.TempDir(), "share.pbe")
		cmd := testrun.Command(path)
		var shown bytes.Buffer
		cmd.Stdout, cmd.Stderr = &shown, os.Stderr
		calls := testrun.Cut(t, cmd, at)
		codes := strings.Fields(strings.ReplaceAll(shown.String(), " ", "")) // one a line
		ends[checkCut(t, path, codes)]++
		return calls
	})
	t.Logf("%v", ends)
	for _, end := range []string{"void", "finished"} {
		if ends[end] == 0 && os.Getenv(testrun.EveryCutVariable) != "" {
			t.Errorf("none was %s", end)
		}
	}
}

// checkCut looks what a creation has left, and creates again; it says what came of the
// first one.
func checkCut(t *testing.T, path string, codes []string) (end string) {
	t.Helper()
	named := safefile.Exists(path)
	if named {
		checkOpens(t, path, codes)
	} else if len(codes) > 0 {
		_, err := custody.ReadShareFile(path)
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "is void: destroy them") && !strings.Contains(err.Error(), "and the sheets are good; give the same command once more") {
			t.Errorf("who reads it is told: %v", err)
		}
		_, unfinished := custody.ReadShareFile(path + safefile.Unfinished)
		_, folder := custody.ReadShareFile(filepath.Dir(path))
		for _, err := range []error{unfinished, folder} {
			if err == nil || !strings.Contains(err.Error(), "is not a share file that was proved") {
				t.Errorf("what is left, or the folder, is told of as: %v", err)
			}
		}
	}
	again := &aloud{}
	_, err := creation(path, &again.clumsy).Run(dkektest.Practising(t.Context()))
	told := strings.Join(again.told, "\n")
	switch {
	case err == nil && !named:
		end = "made anew"
		if len(codes) > 0 {
			end = "void"
			if !strings.Contains(told, "every sheet copied for it is void: destroy them") {
				t.Errorf("after sheets were shown the next creation told %q", told)
			}
		}
	case errors.Is(err, fs.ErrExist) && len(again.shown) == 0:
		end = "there"
		if strings.Contains(err.Error(), "they are good and open") {
			end = "finished"
		}
		checkOpens(t, path, codes)
		checkRecord(t, path, codes)
	default:
		t.Errorf("the next creation: %v", err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 3 { // share file, record, encrypted sheet
		t.Errorf("%s: left are %v, %v", end, files, err)
	}
	return end
}

func readCodes(t *testing.T, codes []string) (shares []quorum.CustodianShare) {
	t.Helper()
	for _, code := range codes {
		share, err := quorum.ParseCode(code)
		if err != nil {
			t.Fatal(err)
		}
		shares = append(shares, share)
	}
	return shares
}

// checkOpens wants a share file that opens with the sheets that were shown.
func checkOpens(t *testing.T, path string, codes []string) {
	t.Helper()
	file, err := custody.ReadShareFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := quorum.Open(dkektest.Practising(t.Context()), file, readCodes(t, codes), nil); err != nil {
		t.Errorf("it has its name and does not open with %d sheets: %v", len(codes), err)
	}
}

func checkRecord(t *testing.T, path string, codes []string) {
	t.Helper()
	u, err := custody.ReadUnopened(path, true)
	if err != nil || len(u.Records) != 1 {
		t.Fatalf("%d records, %v", len(u.Records), err)
	}
	for _, share := range readCodes(t, codes) {
		if err := u.Records[0].Judge(t.Context(), share); err != nil {
			t.Error(err)
		}
	}
}
