package custody

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"conclave/internal/typed"
	"conclave/quorum"
)

// What a custodian may answer to any question instead of a line. ErrQuit ends the
// whole.
var (
	ErrQuit  = errors.New("stopped, as someone has typed quit")
	errUndo  = errors.New("the last sheet is taken back")
	errLeave = errors.New("another custodian comes")
)

// CommandError is the error for a word that is not an answer but a command, to be
// returned by those who ask; nil for an answer. It is not for help, which only who
// asks can give: see IsHelp.
func CommandError(text string) error {
	switch typed.Word(text, "undo", "leave", "quit", "exit") {
	case "undo":
		return errUndo
	case "leave":
		return errLeave
	case "quit", "exit":
		return ErrQuit
	}
	return nil
}

// IsHelp says whether someone asks what can be typed.
func IsHelp(text string) bool { return typed.Word(text, "help") != "" }

// help says what can be typed where a field is asked for.
func help(field Field) string {
	what := map[Field]string{
		Prime:      "Type the code of the sheet, on one line or on several, as it is written; or the line Prime, 16 digits or more from 0 to 9 and a to f.",
		ShareID:    "Type the code of the sheet, on one line or on several, as it is written; or the share ID, a number from 1 to 255, and the share value after it.",
		ShareValue: "Type the share value, digits from 0 to 9 and a to f, with or without colons, on one line or on several; or the code of the sheet.",
		ReadBack:   "Type the code from your sheet, or the share value, on one line or on several. If it differs twice from what was shown, the sheet is shown again.",
		Rest:       "Type what follows on the sheet; undo takes the last line back.",
	}[field] + " Capitals, spaces and dashes do not matter."
	switch field {
	case ReadBack:
		return what + " Commands are undo, which takes the last line back; and quit, to stop, which makes all sheets void."
	case Rest:
		return what + " The command quit is to stop."
	}
	return what + " A character that cannot be read is typed as ?. Commands are undo, which takes the last line or sheet back; leave, to let another custodian come; and quit, to stop."
}

// answer asks for a line, and again after an empty one, which a paste leaves behind,
// unless the rest of one is asked for. What a sheet says beside is passed over, and
// a label that was pasted too is dropped. The error is that of a command.
func answer(ctx context.Context, custodians Custodians, field Field, problem error) (label, text string, err error) {
	for {
		text, err := custodians.Ask(ctx, field, problem)
		if err == nil {
			err = CommandError(text)
		}
		if err != nil {
			return "", "", err
		}
		problem = nil
		if IsHelp(text) {
			custodians.Tell(help(field))
			continue
		}
		label, text = quorum.SplitLabel(text)
		beside := label == "share file" || label == "key check" || label == "set"
		if !beside && (text != "" || field == Rest) {
			return label, text, nil
		}
	}
}

// typing is what one custodian types, line by line.
type typing struct {
	custodians Custodians
	lines      quorum.Lines
	prime      *big.Int // of the sheet; nil until it is known
	// openSC takes each line of digits as it is, as OpenSC's tool does.
	openSC bool
}

// line asks for a field, and for more until a code, a prime or a value has come
// whole: enough says that digits are all there is, few as they are.
func (t *typing) line(ctx context.Context, field Field, problem error, enough func(digits string) bool) (text string, code bool, err error) {
	asked := field
	for {
		label, line, err := answer(ctx, t.custodians, asked, problem)
		if errors.Is(err, errUndo) && t.lines.Undo() {
			problem = nil
			t.custodians.Tell("The last line is taken back.")
			if !t.lines.Begun() {
				asked = field
			}
			continue
		}
		if err != nil {
			return "", false, err
		}
		passed, err := t.passOver(label, line, field)
		if problem = err; problem == nil && !passed && line != "" {
			problem = t.add(line, field)
		}
		if problem != nil || passed {
			continue
		}
		if text, code = t.lines.Code(digitsAlone(field)); !code {
			text = t.lines.Digits()
		}
		more := t.missing(field, code)
		if more == "" || !code && (line == "" || enough(text)) {
			return text, code, nil
		}
		t.custodians.Tell(more)
		asked = Rest
	}
}

// passOver looks at the label of a line from a whole sheet that was pasted: its prime
// is passed over where it is known, and the same.
func (t *typing) passOver(label, line string, field Field) (passed bool, problem error) {
	wanted := lowerFirst(field.String())
	switch {
	case label == "" || label == wanted || label == "code":
		return false, nil
	case label == "prime" && t.prime != nil:
		p, err := quorum.ParsePrime(line)
		if err == nil && p.Cmp(t.prime) != 0 {
			err = errOtherPrime
		}
		return true, err
	}
	return true, fmt.Errorf("that is the line with the %s, and the line with the %s is wanted", label, wanted)
}

var errOtherPrime = errors.New("prime: it is not the one in the set record; was a digit misread, or is the sheet of another set?")

// add takes a line. Digits that are as many as all of them are the whole line again.
func (t *typing) add(line string, field Field) error {
	const few = 2 // digits that may be missing from it
	n, full := len(typed.Bare(line)), t.full(field)
	if _, code := t.lines.Code(digitsAlone(field)); !code && full > 0 && n >= full-few && t.lines.Count()+n > full+few {
		t.lines.Anew(line)
		return nil
	}
	return t.lines.Add(line)
}

// digitsAlone says whether hexadecimal digits alone are an answer.
func digitsAlone(field Field) bool { return field == Prime || field == ShareValue }

// missing says what is still to come of a line; empty if nothing is.
func (t *typing) missing(field Field, code bool) string {
	const undo = " (undo takes the last line back)."
	n, full := t.lines.Count(), t.full(field)
	if code {
		if more := t.lines.Missing(); more != "" {
			return more + undo
		}
	} else if !t.openSC && n < full {
		return fmt.Sprintf("%d of %d digits; go on, or type the whole line again, or press <enter> if the sheet has no more%s", n, full, undo)
	}
	return ""
}

// full is how many digits a field has: a value as many as the prime, or hardly ever
// fewer. The prime of 128 bits is a little longer, and known by how it begins.
func (t *typing) full(field Field) int {
	const leastPrime = 16
	known := typed.Bare(quorum.CustodianShare{Prime: quorum.Prime128()}.Sheet().Prime)
	switch begin := typed.Bare(t.lines.Digits()); {
	case field == Prime && len(begin) > leastPrime/2 && strings.HasPrefix(known, begin):
		return len(known)
	case field == Prime:
		return leastPrime
	case field == ShareValue && t.prime != nil:
		return 2 * ((t.prime.BitLen() + 6) / 8)
	}
	return 0
}
