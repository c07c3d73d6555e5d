package step

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Field is a fact, or a family of facts, of a struct of facts.
type Field struct {
	Name     string // of a family, what all names begin with
	Family   bool
	Optional bool
	Since    int  // the schema that it came with
	OwnWords bool // nothing else in the evidence tells it
}

// Fields are those of a struct of facts.
func Fields(facts any) (fields []Field) {
	t := reflect.Indirect(reflect.ValueOf(facts)).Type()
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, family := strings.CutSuffix(tag.Get("fact"), "*")
		_, optional := tag.Lookup("optional")
		since, _ := strconv.Atoi(tag.Get("since"))
		fields = append(fields, Field{name, family, optional, since, tag.Get("own") != ""})
	}
	return fields
}

// New gives a pointer to the facts of a step with this action, for Read; nil for
// an action that does not exist.
func (a Action) New() any {
	switch a {
	case Open:
		return &OpenFacts{}
	case RollCall:
		return &RollCallFacts{}
	case Prepare:
		return &PrepareFacts{}
	case Share:
		return &ShareFacts{}
	case Import:
		return &ImportFacts{}
	case SealPIN:
		return &SealPINFacts{}
	case Generate:
		return &GenerateFacts{}
	case Backup:
		return &BackupFacts{}
	case Restore:
		return &RestoreFacts{}
	case Certify:
		return &CertifyFacts{}
	case SignCRL:
		return &SignCRLFacts{}
	case Erase:
		return &NoFacts{}
	case Copy:
		return &CopyFacts{}
	case Seal:
		return &SealFacts{}
	case Close:
		return &CloseFacts{}
	case LoneSheet:
		return &LoneSheetFacts{}
	case Inspect:
		return &InspectFacts{}
	case OpenBackup:
		return &OpenBackupFacts{}
	case Compare:
		return &CompareFacts{}
	case ChangePIN:
		return &ChangePINFacts{}
	case Retire:
		return &RetireFacts{}
	case Decide:
		return &DecideFacts{}
	case PINs:
		return &PINsFacts{}
	}
	return nil
}

// Write gives facts as a transcript of this schema has them, by name; nil for
// none. The error names those that are required and missing, or are not what they
// should be.
func Write(facts any, schema int) (map[string]string, error) {
	written := map[string]string{}
	v := reflect.Indirect(reflect.ValueOf(facts))
	for i, field := range Fields(facts) {
		value := v.Field(i)
		switch {
		case field.Since > schema:
		case field.Family:
			for _, key := range value.MapKeys() {
				written[field.Name+key.String()] = value.MapIndex(key).String()
			}
		case value.Kind() == reflect.Int && !(field.Optional && value.IsZero()):
			written[field.Name] = strconv.FormatInt(value.Int(), 10)
		case value.Kind() == reflect.String && value.String() != "":
			written[field.Name] = value.String()
		}
	}
	if len(written) == 0 {
		written = nil
	}
	return written, Read(written, schema, reflect.New(v.Type()).Interface())
}

// Read reads what a transcript of this schema has into facts, a pointer to a
// struct. Facts that are missing, that are not known, and values that are not of
// their kind are errors, joined, which name the fact.
func Read(written map[string]string, schema int, facts any) error {
	v := reflect.ValueOf(facts).Elem()
	unknown := maps.Clone(written)
	var problems []error
	for i, field := range Fields(facts) {
		if field.Since > schema {
			continue
		}
		if field.Family {
			problems = append(problems, readFamily(unknown, field, v.Field(i)))
			continue
		}
		value, ok := written[field.Name]
		delete(unknown, field.Name)
		switch {
		case ok:
			problems = append(problems, set(v.Field(i), field.Name, value))
		case !field.Optional:
			problems = append(problems, fmt.Errorf("the fact %q is missing", field.Name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		problems = append(problems, fmt.Errorf("the fact %q is not known in schema %d", name, schema))
	}
	return errors.Join(problems...)
}

// readFamily moves what begins with the name of a family into a map.
func readFamily(unknown map[string]string, field Field, family reflect.Value) error {
	family.Set(reflect.MakeMap(family.Type()))
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		key, ok := strings.CutPrefix(name, field.Name)
		if !ok {
			continue
		}
		value := reflect.New(family.Type().Elem()).Elem()
		problems = append(problems, set(value, name, unknown[name]))
		family.SetMapIndex(reflect.ValueOf(key), value)
		delete(unknown, name)
	}
	return errors.Join(problems...)
}

// set takes a value that is of its kind, and written as Write does.
func set(v reflect.Value, name, value string) error {
	if v.Kind() == reflect.Int {
		n, err := strconv.Atoi(value)
		if err != nil || strconv.Itoa(n) != value {
			return fmt.Errorf("the fact %q is %q, which is not a number", name, value)
		}
		v.SetInt(int64(n))
		return nil
	}
	if _, ok := v.Interface().(Sum); ok && !isSum(value) {
		return fmt.Errorf("the fact %q is %q, which is not a SHA-256", name, value)
	}
	if value == "" {
		return fmt.Errorf("the fact %q is empty", name)
	}
	v.SetString(value)
	return nil
}

func isSum(value string) bool {
	return len(value) == 2*sha256.Size && !strings.ContainsFunc(value, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
}
