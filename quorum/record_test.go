package quorum

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"conclave/dkek"
	"conclave/internal/foreign"
	"conclave/internal/secret"
)

// recordOf makes the record of a set for a share file that need not open.
func recordOf(t testing.TB, set *Set) (*Record, dkek.ShareFile) {
	t.Helper()
	file, err := dkek.ParseShareFile(append([]byte("Salted__"), make([]byte, 56)...))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range set.Total {
		names = append(names, "Custodian "+string('A'+rune(i%26)))
	}
	r, err := NewRecord(rand.Reader, set, Issuance{
		Ceremony: "Root 2026", Names: names, ReadBack: make([]bool, set.Total), KCV: dkek.KCV{1, 2, 3}, Created: time.Now(),
		Tool: "test", FileName: "dkek.pbe", ShareFile: file, Replaces: []string{"QQQQ"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, file
}

func drawSet(t testing.TB, threshold, total int, strength Strength) *Set {
	t.Helper()
	set, err := Draw(rand.Reader, Scheme{threshold, total, strength})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestRecordWithoutRandomness: a record with a salt that is not random is none.
func TestRecordWithoutRandomness(t *testing.T) {
	set, gone := drawSet(t, 2, 3, Strength64), errors.New("the generator is gone")
	for _, n := range []int{0, saltSize - 1, saltSize, 3*saltSize - 1} {
		if r, err := NewRecord(&failing{left: n, err: gone}, set, Issuance{ReadBack: make([]bool, 3)}); !errors.Is(err, gone) || r != nil {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// TestRecordHoldsNoSecret looks for every form of every secret of the set.
func TestRecordHoldsNoSecret(t *testing.T) {
	for _, strength := range []Strength{Strength64, Strength128} {
		set := drawSet(t, 2, 4, strength)
		r, _ := recordOf(t, set)
		content, err := r.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		secrets := []string{hex.EncodeToString(set.Password)}
		for _, s := range set.Shares {
			sheet := s.Sheet()
			secrets = append(secrets, sheet.Value, strings.ReplaceAll(sheet.Value, ":", ""), sheet.Code, strings.ReplaceAll(sheet.Code, " ", ""), hex.EncodeToString(s.Value))
		}
		for _, s := range secrets {
			if bytes.Contains(bytes.ToLower(content), []byte(strings.ToLower(s))) {
				t.Errorf("the record holds a secret")
			}
		}
		again, err := ParseRecord(content)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range set.Shares {
			if err := again.Judge(t.Context(), s); err != nil {
				t.Errorf("share %s: %v", s.ID, err)
			}
		}
	}
}

// TestFingerprintByAnother: the fingerprint is Argon2id of the value at the
// width of the prime, as the reference program computes it.
func TestFingerprintByAnother(t *testing.T) {
	foreign.Need(t, "argon2")
	set := drawSet(t, 2, 3, Strength64)
	set.Shares[0].Value = secret.Bytes("ABCDEFGH")
	salt := []byte("0123456789abcdef")
	cmd := exec.Command("argon2", string(salt), "-id", "-t", "1", "-k", "4096", "-p", "1", "-l", "32", "-r")
	cmd.Stdin = strings.NewReader("ABCDEFGH")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(defaultCost().fingerprint(set.Shares[0], salt)); got != strings.TrimSpace(string(out)) {
		t.Errorf("%s, the reference program says %s", got, out)
	}
}

func TestJudge(t *testing.T) {
	if testing.Short() {
		t.Skip("every digit of every position")
	}
	set, other := drawSet(t, 2, 4, Strength64), drawSet(t, 2, 4, Strength64)
	r, _ := recordOf(t, set)
	lines := func(s CustodianShare, id string) CustodianShare {
		s.Set, s.Threshold, s.Total, s.ID, s.Value = "", 0, 0, id, s.Value.Clone()
		return s
	}
	expired := set.Shares[0]
	expired.Set = "QQQQ"
	otherPrime := lines(other.Shares[0], "1")
	foreignValue := lines(set.Shares[0], "1")
	foreignValue.Value = secret.Bytes{1, 2, 3, 4, 5, 6, 7, 8}
	misread := lines(set.Shares[1], "2")
	misread.Value[3] ^= 0x10
	for _, test := range []struct {
		name  string
		share CustodianShare
		want  string
	}{
		{"another set's code", other.Shares[1], "is of set " + other.ID + ", another ceremony's; bring the sheet of set " + set.ID},
		{"an expired set's code", expired, "of set QQQQ, which set " + set.ID + " has replaced"},
		{"another prime", otherPrime, "prime: it is not that of set"},
		{"another value", foreignValue, "it is not that of Custodian A (custodian 1)"},
		{"another custodian's value", lines(set.Shares[2], "1"), "it is that of Custodian C (custodian 3), not of Custodian A (custodian 1)"},
		{"a custodian who does not exist", lines(set.Shares[2], "9"), "share ID: 9; set " + set.ID + " has 4 custodians"},
		{"a misread digit", misread, "a digit was misread"},
	} {
		err := r.Judge(t.Context(), test.share)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
		if sheet := test.share.Sheet(); err != nil && strings.Contains(err.Error(), sheet.Value) {
			t.Errorf("%s: the error shows the value", test.name)
		}
	}
	var doubt *Doubt
	if err := r.Judge(t.Context(), misread); !errors.As(err, &doubt) || !doubt.Share.Value.Equal(set.Shares[1].Value) || !strings.Contains(doubt.Question, "digit 7 should be") {
		t.Errorf("a misread digit: %v", err)
	}
}

func TestParseRecordRefuses(t *testing.T) {
	r, file := recordOf(t, drawSet(t, 2, 3, Strength128))
	if !r.Of(file) {
		t.Error("the record is not of its file")
	}
	for name, damage := range map[string]func(*Record){
		"format":            func(r *Record) { r.Format = "conclave share set 2" },
		"threshold":         func(r *Record) { r.Threshold = 9 },
		"strength":          func(r *Record) { r.Strength = 4096 },
		"prime":             func(r *Record) { r.Prime = "01:02" },
		"custodian missing": func(r *Record) { r.Custodians = r.Custodians[1:] },
		"fingerprint":       func(r *Record) { r.Custodians[0].Fingerprint = "00" },
		"salt":              func(r *Record) { r.Custodians[0].Salt = nil },
		"set":               func(r *Record) { r.Set = "\x1b[2J" },
		"replaced set":      func(r *Record) { r.Replaces = []string{"QQQQ", "of"} },
	} {
		var damaged Record
		content, _ := json.Marshal(r)
		if err := json.Unmarshal(content, &damaged); err != nil {
			t.Fatal(err)
		}
		damage(&damaged)
		content, _ = json.Marshal(damaged)
		if _, err := ParseRecord(content); err == nil || !strings.Contains(err.Error(), "set record") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	whole, err := r.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"": "not a set record", "[]": "not a set record", "{}": "format", `{"format":"conclave share set 1","unknown":1}`: "unknown field",
		strings.Replace(string(whole), `"total": 3`, `"total": 3, "Threshold": 3`, 1): `the field "Threshold" comes twice`,
		string(whole) + "{}": "there is more after the end",
		string(whole[:len(whole)-3]) + `, "more": ` + strings.Repeat("[", 100_000): "nested more than 20 deep",
	} {
		if _, err := ParseRecord([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s…: error %v, want %q", text, err, want)
		}
	}
}

// TestRecordCost: whatever a record says, a sheet costs no more memory, passed over, than
// with one that is made here.
func TestRecordCost(t *testing.T) {
	for _, test := range []struct {
		cost FingerprintCost
		good bool
	}{
		{defaultCost(), true},
		{FingerprintCost{4096 / 32, 32, 4}, true},
		{FingerprintCost{512, 8, 1}, true},
		{FingerprintCost{2, 4096, 1}, false},
		{FingerprintCost{1, 4097, 1}, false},
		{FingerprintCost{16, 1 << 20, 1}, false},
		{FingerprintCost{1 << 31, 1 << 31, 1}, false},
		{FingerprintCost{1, 4096, 5}, false},
		{FingerprintCost{1, 4096, 255}, false},
		{FingerprintCost{100, 31, 4}, false}, // argon2 would take 32
		{FingerprintCost{0, 4096, 1}, false},
		{FingerprintCost{1, 4096, 0}, false},
		{FingerprintCost{1, 0, 1}, false},
	} {
		if err := test.cost.check(); (err == nil) != test.good {
			t.Errorf("%+v: %v", test.cost, err)
		}
	}
	const tried = 1200 // of which 543 are for one digit of 34, or two exchanged
	share := drawSet(t, 2, 3, Strength128).Shares[0]
	alike := share
	alike.Value = bytes.Repeat([]byte{0xAA}, 16)
	for _, share := range []CustodianShare{share, alike} {
		if n := len(misreadings(1, share)); 1+maxShares+n > tried {
			t.Errorf("%d fingerprints for one sheet; %d were expected to take less than two seconds", 1+maxShares+n, tried)
		}
	}
}

// TestMisread: the record knows what hands and ears make of a value.
func TestMisread(t *testing.T) {
	r := Record{Cost: FingerprintCost{1, 8, 1}, Total: 1, Custodians: []CustodianRecord{{Number: 1, Salt: make([]byte, saltSize)}}}
	for _, test := range []struct{ wrong, meant, question string }{
		{"59:4a", "59:7a", "digit 3 should be 7?"},
		{"57:94", "59:74", "digits 2 and 3 should be exchanged?"},
		{"79:5a", "59:7a", "digit 1 should be 5, digit 3 should be 7?"},
		{"53:0a", "51:3a", "digit 2 should be 1, digit 3 should be 3?"},
		{"51:3a", "53:0a", "digit 2 should be 3, digit 3 should be 0?"},
		{"55:4a", "77:4a", "digit 1 should be 7, digit 2 should be 7?"},
		{"59:49", "57:47", "digit 2 should be 7, digit 4 should be 7?"},
	} {
		typed, err := ParseShare(colons(Prime128()), "1", test.wrong)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ParseShare(colons(Prime128()), "1", test.meant)
		if err != nil {
			t.Fatal(err)
		}
		r.Custodians[0].Fingerprint = hex.EncodeToString(r.Cost.fingerprint(want, r.Custodians[0].Salt))
		var doubt *Doubt
		if err := r.misread(t.Context(), 1, typed); !errors.As(err, &doubt) || doubt.Question != test.question || !same(doubt.Share, want) {
			t.Errorf("%s for %s: %v, %+v", test.wrong, test.meant, err, doubt)
		}
	}
}

// TestJudgeEnds: what is broken off is no judgement.
func TestJudgeEnds(t *testing.T) {
	set := drawSet(t, 2, 3, Strength128)
	r, _ := recordOf(t, set)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wrong := set.Shares[0]
	wrong.Value = wrong.Value.Clone()
	wrong.Value[3] ^= 0x10
	entry := &Entry{Records: []*Record{r}}
	if err := entry.Add(ctx, wrong); !errors.Is(err, context.Canceled) || len(entry.Shares()) != 0 {
		t.Errorf("%v, %d shares", err, len(entry.Shares()))
	}
}

// TestRecordCannotOverruleCodes: a record that anyone can change says nothing against the
// checksum of a code, above all not that fewer sheets are enough; nor do two codes.
func TestRecordCannotOverruleCodes(t *testing.T) {
	set := drawSet(t, 3, 5, Strength64)
	other := drawSet(t, 3, 5, Strength64)
	for name, test := range map[string]struct {
		change func(*Record)
		want   string
	}{
		"a lower threshold":  {func(r *Record) { r.Threshold = 2 }, "is 3-of-5, and the set record that it is 2-of-5; the code has a checksum"},
		"a higher threshold": {func(r *Record) { r.Threshold = 5 }, "is 3-of-5, and the set record that it is 5-of-5"},
		"fewer custodians":   {func(r *Record) { r.Total, r.Custodians = 3, r.Custodians[:3] }, "is 3-of-5, and the set record that it is 3-of-3"},
		"another prime":      {func(r *Record) { r.Prime = other.Shares[0].Sheet().Prime }, "its prime is not the one that the record"},
		"another strength":   {func(r *Record) { r.Strength, r.Prime = Strength128, colons(Prime128()) }, "its prime is not the one that the record"},
	} {
		r, _ := recordOf(t, set)
		test.change(r)
		content, err := r.Bytes()
		if err == nil {
			r, err = ParseRecord(content)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, share := range []CustodianShare{set.Shares[0], set.Shares[4]} {
			entry := &Entry{Records: []*Record{r}}
			if err := entry.Add(t.Context(), share); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "--no-record") {
				t.Errorf("%s, share %s: %v", name, share.ID, err)
			}
		}
	}
	twin := set.Shares[1]
	twin.Threshold = 2
	entry := &Entry{}
	if err := entry.Add(t.Context(), set.Shares[0]); err != nil {
		t.Fatal(err)
	}
	if err := entry.Add(t.Context(), twin); err == nil || !strings.Contains(err.Error(), "of two sets with the same name") {
		t.Errorf("a code of the same set with another threshold: %v", err)
	}
}

// twoSets are two sets that open the same file, 2-of-4 and 3-of-5, and an entry that
// sheets of either may begin.
func twoSets(t *testing.T) (first, second *Set, entry *Entry) {
	t.Helper()
	first = drawSet(t, 2, 4, Strength128)
	second, err := ShareOut(rand.Reader, first.Password, Scheme{3, 5, Strength128})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := recordOf(t, first)
	b, _ := recordOf(t, second)
	return first, second, &Entry{Records: []*Record{a, b}}
}

// TestEntryKeepsToOneSet: two sets open the same file, and their sheets do not
// go together.
func TestEntryKeepsToOneSet(t *testing.T) {
	first, second, entry := twoSets(t)
	b := entry.Records[1]
	lines, err := second.Shares[4].Typed().Read() // no code says which set
	if err != nil {
		t.Fatal(err)
	}
	if entry.Record() != nil || entry.Threshold() != 0 {
		t.Error("the set is known before any sheet")
	}
	if err := entry.Add(t.Context(), lines); err != nil || entry.Record() != b || entry.Threshold() != 3 || entry.Complete() {
		t.Errorf("%v, threshold %d", err, entry.Threshold())
	}
	if err := entry.Add(t.Context(), first.Shares[0]); err == nil || !strings.Contains(err.Error(), "of set "+first.ID) {
		t.Errorf("a sheet of the other set: %v", err)
	}
	for _, s := range second.Shares[:2] {
		if err := entry.Add(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if !entry.Complete() || entry.Sure() == "" {
		t.Error("three of three are not enough, or not sure")
	}
	if id, err := entry.Undo(); err != nil || id != "2" || entry.Complete() {
		t.Errorf("undo %q, %v", id, err)
	}
}

// TestLocate finds the wrong one of four lines that nothing else can judge.
func TestLocate(t *testing.T) {
	v := readVector(t, "2-of-4")
	for wrong := range 4 {
		entry := &Entry{Want: 4}
		for i, share := range v.entered {
			share.Value = share.Value.Clone()
			if i == wrong {
				share.Value[5] ^= 0x20
			}
			if err := entry.Add(t.Context(), share); err != nil {
				t.Fatal(err)
			}
		}
		misfits := entry.Locate()
		if len(misfits) != 1 || misfits[0].ID != v.entered[wrong].ID || misfits[0].Where != "digit 11" {
			t.Errorf("share %d is wrong: located %v", wrong+1, misfits)
		}
		if !entry.Shares()[wrong].Value.Equal(v.entered[wrong].Value) || Threshold(entry.Shares()) != 2 || entry.Sure() == "" {
			t.Errorf("share %d is not as it should be, or the threshold is not known", wrong+1)
		}
	}
}

// FuzzParseRecord: what is read is written and read again.
func FuzzParseRecord(f *testing.F) {
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := ParseRecord(content)
		if err != nil {
			return
		}
		written, err := r.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseRecord(written)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := again.Bytes(); err != nil || !bytes.Equal(written, second) {
			t.Error("written otherwise the second time")
		}
	})
}
