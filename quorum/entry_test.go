package quorum

import (
	"errors"
	"strings"
	"testing"
)

// TestUndoIsWhole: after the sheet of another set is taken back, those of either set
// are welcome again, and as many are wanted as before.
func TestUndoIsWhole(t *testing.T) {
	first, second, entry := twoSets(t)
	a, b := entry.Records[0], entry.Records[1]
	if err := entry.Add(t.Context(), second.Shares[0]); err != nil || entry.Record() != b || entry.Wanted() != 3 {
		t.Fatalf("%v, %d sheets wanted", err, entry.Wanted())
	}
	if _, err := entry.Undo(); err != nil || entry.Record() != nil || entry.Wanted() != 0 {
		t.Errorf("after undo: %v, %d sheets wanted", err, entry.Wanted())
	}
	for _, s := range first.Shares[:2] {
		if err := entry.Add(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if entry.Record() != a || !entry.Complete() {
		t.Error("two of two are not enough")
	}

	lines := &Entry{Want: 2}
	for i, s := range first.Shares[:2] {
		share, err := s.Typed().Read()
		if err == nil {
			err = lines.Add(t.Context(), share)
		}
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			lines.Want = 3 // so that a wrong one can be found
		}
	}
	if _, err := lines.Undo(); err != nil || lines.Wanted() != 2 {
		t.Errorf("after undo: %v, %d sheets wanted", err, lines.Wanted())
	}
}

// TestWanted: more sheets than the threshold are wanted only where one can be wrong.
func TestWanted(t *testing.T) {
	set := drawSet(t, 2, 4, Strength128)
	record, _ := recordOf(t, set)
	for name, test := range map[string]struct {
		entry Entry
		codes bool
		want  int
	}{
		"a record":                        {Entry{Records: []*Record{record}, Want: 4}, false, 2},
		"codes":                           {Entry{Want: 4}, true, 2},
		"lines that nothing judges":       {Entry{Want: 4}, false, 4},
		"all, as OpenSC's tool asks them": {Entry{Records: []*Record{record}, Want: 4, All: true}, true, 4},
	} {
		entry := test.entry
		for i := 0; !entry.Complete(); i++ {
			share := set.Shares[i]
			if !test.codes {
				var err error
				if share, err = share.Typed().Read(); err != nil {
					t.Fatal(err)
				}
			}
			if err := entry.Add(t.Context(), share); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(entry.Shares()); n != test.want {
			t.Errorf("%s: %d sheets were asked for, %d was expected", name, n, test.want)
		}
	}
}

// TestUnreadable: the record finds what cannot be read, up to what can be tried.
func TestUnreadable(t *testing.T) {
	set := drawSet(t, 2, 4, Strength128)
	record, _ := recordOf(t, set)
	entry := &Entry{Records: []*Record{record}}
	right := set.Shares[2].Typed()
	hide := func(places ...int) Typed {
		value := []byte(strings.ReplaceAll(right.Value, ":", ""))
		for _, p := range places {
			value[p-1] = '?'
		}
		return Typed{Prime: right.Prime, ID: right.ID, Value: string(value)}
	}
	id := hide()
	id.ID = "?"
	french := right
	french.Value = strings.NewReplacer("0", "à", "1", "&", "2", "é", "3", `"`, "4", "'", "5", "(", "6", "-", "7", "è", "8", "_", "9", "ç", "a", "q", ":", "M").Replace(right.Value)
	for name, test := range map[string]struct {
		typed Typed
		want  string // in the question
	}{
		"one digit": {hide(7), "digit 7 should be "}, "two": {hide(1, 30), "digit 1 should be "}, "the ID": {id, "the share ID should be 3?"},
		"a French keyboard": {french, "the keyboard seems to be set to French; read with that in mind it is right"},
	} {
		_, err := entry.Read(t.Context(), test.typed)
		var doubt *Doubt
		if !errors.As(err, &doubt) || !same(doubt.Share, withoutCode(set.Shares[2])) || !strings.Contains(doubt.Question, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, test := range map[string]struct {
		typed Typed
		want  string
	}{
		"too many": {hide(1, 2, 3), "too many digits are unreadable (3)"},
		"another":  {Typed{Prime: right.Prime, ID: "2", Value: hide(7).Value}, "whatever the unreadable digits are, it is not the one in the set record"},
	} {
		if _, err := entry.Read(t.Context(), test.typed); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other, _ := recordOf(t, drawSet(t, 2, 4, Strength128))
	var doubt *Doubt
	if _, err := (&Entry{Records: []*Record{other, record}}).Read(t.Context(), hide(7)); !errors.As(err, &doubt) || !same(doubt.Share, withoutCode(set.Shares[2])) {
		t.Errorf("of the second of two sets: %v", err)
	}
	if _, err := (&Entry{}).Read(t.Context(), hide(7)); err == nil || !strings.Contains(err.Error(), "nothing here knows them") {
		t.Errorf("without a record: %v", err)
	}
}

func withoutCode(s CustodianShare) CustodianShare {
	s.Set, s.Threshold, s.Total = "", 0, 0
	return s
}
