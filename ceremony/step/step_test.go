package step_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conclave/ceremony/step"
)

// actions are all that package step has a name for.
func actions(t *testing.T) (actions []step.Action) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "step.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Action" {
				text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				actions = append(actions, step.Action(text))
			}
		}
		return true
	})
	if len(actions) < 18 {
		t.Fatalf("only %d actions: %v", len(actions), actions)
	}
	return actions
}

// structs are all structs of facts, as pointers, by name.
func structs(t *testing.T) map[string]any {
	all := map[string]any{"Opened": &step.Opened{}, "UnshownFacts": &step.UnshownFacts{}, "Resumed": &step.Resumed{}, "NoteFacts": &step.NoteFacts{}, "ExceptionFacts": &step.ExceptionFacts{}}
	for _, a := range actions(t) {
		if facts := a.New(); facts != nil {
			all[reflect.TypeOf(facts).Elem().Name()] = facts
		}
	}
	return all
}

// TestEveryActionHasFacts: a step without facts could say anything.
func TestEveryActionHasFacts(t *testing.T) {
	for _, a := range actions(t) {
		if a.New() == nil {
			t.Errorf("the action %s has no facts", a)
		}
		if a.New() == a.New() && len(step.Fields(a.New())) > 0 {
			t.Errorf("the action %s has the same facts twice", a)
		}
	}
	if facts := step.Action("dance").New(); facts != nil {
		t.Errorf("an action that does not exist has the facts %T", facts)
	}
	if id := step.Prepare.ID("primary"); id != "prepare-primary" {
		t.Errorf("the ID is %q", id)
	}
}

// TestEveryFieldHasAName: no two facts of a step can be taken for one another, and
// nobody's own words but these are believed.
func TestEveryFieldHasAName(t *testing.T) {
	var own []string
	for name, facts := range structs(t) {
		fields := step.Fields(facts)
		for i, f := range fields {
			if f.Name == "" || f.Since > step.Schema {
				t.Errorf("%s: the fact %q of schema %d", name, f.Name, f.Since)
			}
			if f.OwnWords {
				own = append(own, name+": "+f.Name)
			}
			for j, other := range fields {
				if i != j && (f.Name == other.Name || f.Family && strings.HasPrefix(other.Name, f.Name)) {
					t.Errorf("%s: the facts %q and %q are taken for one another", name, f.Name, other.Name)
				}
			}
		}
	}
	slices.Sort(own)
	want := []string{
		"CloseFacts: recording", "CloseFacts: recording sha256", "CloseFacts: time by the watch", "DecideFacts: decided", "DecideFacts: what has happened", "OpenFacts: time by the watch", "PrepareFacts: device version",
		"RetireFacts: the old device", "SealFacts: bag: ", "UnshownFacts: not shown",
	}
	if !slices.Equal(own, want) {
		t.Errorf("own words are %q; %q were expected", own, want)
	}
}

// draw fills a struct of facts of a schema: what is optional, in part.
func draw(t *rapid.T, facts any, schema int) {
	v := reflect.ValueOf(facts).Elem()
	for i, f := range step.Fields(facts) {
		field := v.Field(i)
		field.SetZero()
		switch {
		case f.Family:
			field.Set(reflect.MakeMap(field.Type()))
			for _, key := range rapid.SliceOfDistinct(rapid.String(), rapid.ID[string]).Draw(t, f.Name) {
				if f.Since <= schema {
					field.SetMapIndex(reflect.ValueOf(key), drawValue(t, field.Type().Elem(), f.Name))
				}
			}
		case f.Since > schema || f.Optional && rapid.Bool().Draw(t, "without "+f.Name):
		default:
			field.Set(drawValue(t, field.Type(), f.Name))
		}
	}
}

func drawValue(t *rapid.T, kind reflect.Type, name string) reflect.Value {
	switch {
	case kind.Kind() == reflect.Int:
		return reflect.ValueOf(rapid.Int().Draw(t, name))
	case kind == reflect.TypeFor[step.Sum]():
		return reflect.ValueOf(step.Sum(rapid.StringMatching(`[0-9a-f]{64}`).Draw(t, name)))
	}
	return reflect.ValueOf(rapid.StringN(1, -1, -1).Draw(t, name))
}

// TestWriteAndRead: what is written is read again, in each schema.
func TestWriteAndRead(t *testing.T) {
	for name, facts := range structs(t) {
		for schema := 1; schema <= step.Schema; schema++ {
			t.Run(name+"/"+strconv.Itoa(schema), func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { writeAndRead(t, facts, schema) }) })
		}
	}
}

func writeAndRead(t *rapid.T, facts any, schema int) {
	draw(t, facts, schema)
	written, err := step.Write(facts, schema)
	if err != nil {
		t.Fatal(err)
	}
	if byValue, err := step.Write(reflect.ValueOf(facts).Elem().Interface(), schema); err != nil || !reflect.DeepEqual(byValue, written) {
		t.Errorf("by value it is %q, and by reference %q (%v)", byValue, written, err)
	}
	again := reflect.New(reflect.TypeOf(facts).Elem()).Interface()
	if err := step.Read(written, schema, again); err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(again).Elem()
	for i, f := range step.Fields(again) {
		if f.Family && v.Field(i).IsNil() { // it came with a later schema
			v.Field(i).Set(reflect.MakeMap(v.Field(i).Type()))
		}
	}
	if !reflect.DeepEqual(again, facts) {
		t.Errorf("%+v was written as %q, and read as %+v", facts, written, again)
	}
	missing(t, facts, written, schema)
}

// missing leaves out, and adds, each fact in turn.
func missing(t *rapid.T, facts any, written map[string]string, schema int) {
	for _, f := range step.Fields(facts) {
		value, ok := written[f.Name]
		if !ok || f.Family {
			continue
		}
		delete(written, f.Name)
		err := step.Read(written, schema, reflect.New(reflect.TypeOf(facts).Elem()).Interface())
		if f.Optional != (err == nil) || err != nil && !strings.Contains(err.Error(), strconv.Quote(f.Name)) {
			t.Errorf("without the fact %q: %v", f.Name, err)
		}
		written[f.Name] = value
	}
}

// TestReadRefuses names what is not a fact of a step, or not as one is.
func TestReadRefuses(t *testing.T) {
	sum := strings.Repeat("0123456789abcdef", 4)
	backup := func(change ...string) map[string]string {
		facts := map[string]string{"wrapped key sha256": sum, "key check value": "00", "key reference": "1"}
		for i := 0; i < len(change); i += 2 {
			facts[change[i]] = change[i+1]
		}
		return facts
	}
	for _, test := range []struct {
		schema  int
		written map[string]string
		want    []string // one problem each
	}{
		{2, backup(), nil},
		{2, nil, []string{`the fact "wrapped key sha256" is missing`, `the fact "key check value" is missing`, `the fact "key reference" is missing`}},
		{1, backup(), []string{`the fact "key reference" is not known in schema 1`}},
		{2, backup("weather", "fair", "age", "7"), []string{`the fact "age" is not known in schema 2`, `the fact "weather" is not known in schema 2`}},
		{2, backup("key check value", ""), []string{`the fact "key check value" is empty`}},
		{2, backup("key reference", ""), []string{`the fact "key reference" is "", which is not a number`}},
		{2, backup("key reference", "01"), []string{`is "01", which is not a number`}},
		{2, backup("key reference", "+1"), []string{`is "+1", which is not a number`}},
		{2, backup("key reference", "-0"), []string{`is "-0", which is not a number`}},
		{2, backup("key reference", "1 "), []string{`is "1 ", which is not a number`}},
		{2, backup("key reference", "1e0"), []string{`is "1e0", which is not a number`}},
		{2, backup("key reference", "99999999999999999999"), []string{"which is not a number"}},
		{2, backup("wrapped key sha256", ""), []string{`the fact "wrapped key sha256" is "", which is not a SHA-256`}},
		{2, backup("wrapped key sha256", strings.ToUpper(sum)), []string{"which is not a SHA-256"}},
		{2, backup("wrapped key sha256", sum[1:]), []string{"which is not a SHA-256"}},
		{2, backup("wrapped key sha256", sum+"\n"), []string{"which is not a SHA-256"}},
		{2, backup("wrapped key sha256", "é"+sum[2:]), []string{"which is not a SHA-256"}},
		{2, backup("Key reference", "1"), []string{`the fact "Key reference" is not known`}},
	} {
		var facts step.BackupFacts
		checkRefused(t, step.Read(test.written, test.schema, &facts), test.want)
	}
	var inspected step.InspectFacts
	checkRefused(t, step.Read(map[string]string{
		"share file sha256": sum, "wrapped key sha256 root": "x", "wrapped key sha256 other": "", "bag: media": "", "bag": "A", "wrapped key sha256": sum,
	}, 2, &inspected), []string{
		`the fact "wrapped key sha256 other" is "", which is not a SHA-256`, `the fact "wrapped key sha256 root" is "x", which is not a SHA-256`,
		`the fact "bag: media" is empty`, `the fact "bag" is not known`, `the fact "wrapped key sha256" is not known`,
	})
}

func checkRefused(t *testing.T, err error, want []string) {
	t.Helper()
	var problems []string
	if err != nil {
		problems = strings.Split(err.Error(), "\n")
	}
	if len(problems) != len(want) {
		t.Errorf("%q; %q was expected", problems, want)
		return
	}
	for i, problem := range problems {
		if !strings.Contains(problem, want[i]) {
			t.Errorf("%q; %q was expected", problem, want[i])
		}
	}
}

// TestWriteRefuses: a step that lacks a fact, or has one that is none, is not
// written down as done.
func TestWriteRefuses(t *testing.T) {
	sum := step.Sum(strings.Repeat("0", 64))
	for _, test := range []struct {
		facts any
		want  []string
	}{
		{step.BackupFacts{}, []string{`"wrapped key sha256" is missing`, `"key check value" is missing`}},
		{step.BackupFacts{Wrapped: "0", KCV: "00"}, []string{`"wrapped key sha256" is "0", which is not a SHA-256`}},
		{step.RollCallFacts{Present: map[string]string{"Ada": ""}}, []string{`"present: Ada" is empty`}},
		{step.CloseFacts{Schema: 2, Watch: "14:05", Clock: "2027-01-15T14:05:00Z", Recording: "none", RecordingSum: "none", Files: map[string]step.Sum{"plan.json": "0"}}, []string{`"file plan.json" is "0", which is not a SHA-256`}},
		{step.PrepareFacts{Serial: "1", Version: "3.5", Certificates: sum, Proof: "0"}, []string{`"device proof sha256" is "0", which is not a SHA-256`}},
		{step.PrepareFacts{Serial: "1", Version: "3.5", Certificates: sum}, nil},
		{&step.NoteFacts{}, nil},
		{step.NoFacts{}, nil},
	} {
		written, err := step.Write(test.facts, step.Schema)
		checkRefused(t, err, test.want)
		if len(written) == 0 && written != nil {
			t.Errorf("%T: no facts are %q; nil was expected", test.facts, written)
		}
	}
}

// TestSchemas: an earlier schema leaves out what came later.
func TestSchemas(t *testing.T) {
	sum := step.Sum(strings.Repeat("0", 64))
	facts := step.OpenBackupFacts{KCV: "00", Restored: map[string]step.Sum{"root": sum}, Wrapped: map[string]step.Sum{"root": sum}, Custodians: "1, 2"}
	for schema, want := range map[int]string{1: "key check value, restored: root", 2: "custodians, key check value, restored: root, wrapped key sha256 root"} {
		written, err := step.Write(facts, schema)
		var names []string
		for name := range written {
			names = append(names, name)
		}
		slices.Sort(names)
		if got := strings.Join(names, ", "); err != nil || got != want {
			t.Errorf("schema %d: %s (%v); %s was expected", schema, got, err, want)
		}
	}
}

// TestDeputy: who stands in is who was said to, and no one is no one.
func TestDeputy(t *testing.T) {
	for present, want := range map[string]string{
		step.Here: "", "": "", "no": "", "no; ": "", "no;  stands in": "", "no;   stands in": "", "no; no one stands in": "", "no; No  ONE stands in": "", "no; \t stands in": "",
		"no; Dora stands in": "Dora", "no; Dora stands in for her": "", "No; Dora stands in": "", "Dora stands in": "", "no; Dora stands in stands in": "Dora stands in", "no; no one else stands in": "no one else",
	} {
		if got := step.Deputy(present); got != want {
			t.Errorf("%q: %q stands in; %q was expected", present, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name, deputy := rapid.String().Draw(t, "name"), rapid.String().Draw(t, "deputy")
		if got := step.Deputy(step.StandsIn(deputy)); got != deputy && !step.IsNoOne(deputy) {
			t.Errorf("%q stands in for %q", got, deputy)
		}
		if deputy != "" && !step.SaysAbsent(step.Absent(name, deputy), name) {
			t.Errorf("%q does not say that %q is absent", step.Absent(name, deputy), name)
		}
	})
	for exception, want := range map[string]bool{
		"Cora is absent; Dora stands in": true, "Cora is absent; she is late": false, "Cora is absent": false, "Carla is absent; Dora stands in": false, "": false,
	} {
		if step.SaysAbsent(exception, "Cora") != want {
			t.Errorf("%q says that Cora is absent: %v was expected", exception, want)
		}
	}
}

// TestWords are those that transcripts of earlier releases have too.
func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		step.TooFewCopies(2, 3):                             "copies of the backup: 2; fewer than 3",
		step.TooFewCopies(1, 2):                             "copies of the backup: 1; fewer than two",
		step.SheetIs("the sheet of Cora", step.SheetBad):    "the sheet of Cora is not good",
		step.SheetIs("the sheet of Cora", step.SheetAbsent): "the sheet of Cora is not here",
		step.Absent("Cora", "Dora"):                         "Cora is absent; Dora stands in",
		step.StandsIn("Dora"):                               "no; Dora stands in",
	} {
		if got != want {
			t.Errorf("%q; %q was expected", got, want)
		}
	}
}
