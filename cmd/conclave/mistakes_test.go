//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/crypto/argon2"

	"conclave/dkek"
	"conclave/dkek/dkektest"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/quorum"
	"conclave/terminal/terminaltest"
)

// TestMistakes drives the program at a terminal through what people do wrong.
// Each mistake is a scenario in testdata/mistakes.txt, which says what is done,
// what must be said, and what must be asked again:
//
//	== name          begins a scenario, and says what is done wrong
//	real             keys are derived as users have it, not at the cost of practice
//	set NAME         puts the share file and record of a set into the directory
//	evidence         puts that of a ceremony of the first release into root.ceremony
//	run ARGUMENTS    starts conclave
//	columns N        before run: the width of the window, where it matters
//	rows N           the height of the window, which has 50; after run it changes
//	environ NAME=VALUE  before run: a variable of its environment
//	expect REGEXP    waits until that is shown, however its lines are broken: a space
//	                 stands for any white space
//	never REGEXP     checks that nothing before has shown that
//	come             waits until a custodian is asked to come, and presses enter
//	check            has a sheet checked alone: its custodian has come
//	good N           waits until the sheet of custodian N is found good, and for the end
//	import           has the share file imported: the first custodian has come
//	done             waits until it is imported, and for the end
//	create           hands out new sheets: the first custodian has copied theirs
//	type TEXT        types it and enter; {…} stands for what is on the sheets
//	press TEXT       types it without enter, with escapes as in Go
//	hangup           closes the terminal
//	exit CODE        waits for the end
//	imported         checks that the device has the right DKEK now
//	alter FILE HOW   damages a file
//
// No scenario enters a right share twice unless it says why. Each is played in a window
// of one width, and those of a command take turns with all widths; with
// CONCLAVE_TEST_WIDTHS=all each is played at each.
func TestMistakes(t *testing.T) {
	sets := &mistakeSets{made: map[string]func() *mistakeSet{}, home: sync.OnceValue(func() string { return initialisedHome(t) })}
	turn := map[string]int{}
	for i, s := range testrun.Draw(t, readScenarios(t), 130) {
		if testing.Short() && i%4 != 0 {
			continue // the daily check, and the race detector's
		}
		for _, columns := range s.widths(turn) {
			t.Run(fmt.Sprintf("%s (%d columns)", s.name, columns), func(t *testing.T) {
				t.Parallel()
				s.run(t, sets, columns)
			})
		}
	}
}

// scenario is a mistake as data.
type scenario struct {
	name  string
	line  int
	steps []string
}

// widths are those of the windows that the scenario is played in, given how many there
// were before of the same command.
func (s scenario) widths(turn map[string]int) []int {
	all := []int{80, 40, 20, 200}
	if os.Getenv("CONCLAVE_TEST_WIDTHS") == "all" {
		return all
	}
	command := ""
	for _, step := range s.steps {
		if words := strings.Fields(step); words[0] == "run" {
			command = strings.Join(words[1:min(3, len(words))], " ")
			break
		}
	}
	turn[command]++
	return all[turn[command]%len(all):][:1]
}

func readScenarios(t *testing.T) (all []scenario) {
	file, err := os.Open("testdata/mistakes.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	number := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		number++
		text := strings.TrimSpace(lines.Text())
		name, begins := strings.CutPrefix(text, "== ")
		switch {
		case begins:
			all = append(all, scenario{name: name, line: number})
		case text == "" || text[0] == '#':
		case len(all) == 0:
			t.Fatalf("line %d: no scenario has begun", number)
		default:
			last := &all[len(all)-1]
			last.steps = append(last.steps, text)
		}
	}
	return expandPositions(all)
}

// expandPositions repeats a scenario with {at} for each position that its name
// gives as "at 1 to 16"; in a short run for the first and the last.
func expandPositions(all []scenario) (expanded []scenario) {
	span := regexp.MustCompile(`at (\d+) to (\d+)$`)
	for _, s := range all {
		bounds := span.FindStringSubmatch(s.name)
		if bounds == nil {
			expanded = append(expanded, s)
			continue
		}
		first, _ := strconv.Atoi(bounds[1])
		last, _ := strconv.Atoi(bounds[2])
		for at := first; at <= last; at++ {
			if testing.Short() && at > first && at < last {
				continue
			}
			one := scenario{name: span.ReplaceAllString(s.name, "at "+strconv.Itoa(at)), line: s.line}
			for _, step := range s.steps {
				one.steps = append(one.steps, strings.ReplaceAll(step, "{at}", strconv.Itoa(at)))
			}
			expanded = append(expanded, one)
		}
	}
	return expanded
}

// mistakeSet is a share file with its sheets, and everything about it that must
// never be seen.
type mistakeSet struct {
	file   dkek.ShareFile
	record []byte // nil for none
	id     string
	kcv    string
	shares []quorum.CustodianShare
}

// mistakeSets makes each set once.
type mistakeSets struct {
	home func() string // with a device that waits for one DKEK share
	mu   sync.Mutex
	made map[string]func() *mistakeSet
}

// initialisedHome is a home whose device waits for one DKEK share.
func initialisedHome(t *testing.T) (dir string) {
	a := &attempt{t: t, dir: t.TempDir()}
	for _, args := range [][]string{{"hsm", "create"}, {"hsm", "init", "--pin", "env:PIN", "--so-pin", "env:SOPIN", "--dkek-shares", "1"}} {
		if out, err := a.command(args...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return a.path("home")
}

func (m *mistakeSets) get(t *testing.T, name string, real bool) *mistakeSet {
	m.mu.Lock()
	key := fmt.Sprint(name, real)
	one, known := m.made[key]
	if !known {
		one = sync.OnceValue(func() *mistakeSet { return makeSet(t, name, real) })
		m.made[key] = one
	}
	m.mu.Unlock()
	return one()
}

// makeSet makes a set of the name M-of-N or M-of-N/64, or reads that of a
// vector. A set that is expired has the identifier of one that was replaced; one that
// is named has custodians with names.
func makeSet(t *testing.T, name string, real bool) *mistakeSet {
	if of, expired := strings.CutPrefix(name, "expired "); expired {
		set := makeSet(t, of, real)
		for i := range set.shares {
			set.shares[i].Set = replacedSet
		}
		return set
	}
	name, named := strings.CutPrefix(name, "named ")
	var names []string
	if named {
		names = []string{"Alice", "Bob", "Carol", "Dave"}
	}
	var scheme quorum.Scheme
	strength := 128
	if n, _ := fmt.Sscanf(name, "%d-of-%d/%d", &scheme.Threshold, &scheme.Total, &strength); n < 2 {
		return vectorSet(t, name, real)
	}
	scheme.Strength = quorum.Strength(strength)
	set := drawWhole(t, scheme)
	share := make(secret.Bytes, dkek.ShareSize)
	rand.Read(share)
	alone, err := dkek.New(share)
	if err != nil {
		t.Fatal(err)
	}
	ctx := dkektest.Practising(t.Context())
	if real {
		ctx = t.Context()
	}
	file, err := dkek.EncryptShare(ctx, rand.Reader, share, set.Password, nil)
	if err != nil {
		t.Fatal(err)
	}
	record, err := quorum.NewRecord(rand.Reader, set, quorum.Issuance{
		KCV: alone.KCV(), Created: time.Now(), ShareFile: file, FileName: "share.pbe", Names: names, ReadBack: make([]bool, scheme.Total), Replaces: []string{replacedSet},
	})
	if err != nil {
		t.Fatal(err)
	}
	cheapen(record, set)
	content, err := record.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return &mistakeSet{file, content, set.ID, alone.KCV().String(), set.Shares}
}

// drawWhole draws a set in which no value begins with a zero byte: of such a one the
// sheet shows fewer digits, and people are asked whether that is all.
func drawWhole(t *testing.T, scheme quorum.Scheme) *quorum.Set {
	for {
		set, err := quorum.Draw(rand.Reader, scheme)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(set.Shares, func(s quorum.CustodianShare) bool { return len(s.Value) < int(scheme.Strength)/8 }) {
			return set
		}
	}
}

// cheapen makes the fingerprints of a record anew at the least cost that it may
// have: all misreadings of a sheet are compared with them.
func cheapen(record *quorum.Record, set *quorum.Set) {
	record.Cost = quorum.FingerprintCost{Passes: 1, Memory: 8, Threads: 1}
	for i, share := range set.Shares {
		value := new(big.Int).SetBytes(share.Value).FillBytes(make([]byte, (share.Prime.BitLen()+7)/8))
		record.Custodians[i].Fingerprint = hex.EncodeToString(argon2.IDKey(value, record.Custodians[i].Salt, 1, 8, 1, 32))
	}
}

const replacedSet = "QQQQ"

// vectorSet is a set of OpenSC's, or in its form: quorum's vectors.
func vectorSet(t *testing.T, name string, real bool) *mistakeSet {
	name = strings.TrimPrefix(name, "legacy ")
	v := readVector(t, name)
	set := &mistakeSet{file: v.Practice, kcv: v.KCV}
	if real {
		set.file = v.File
	}
	lines, err := os.Open(filepath.Join("..", "..", "quorum", "testdata", name, "shares.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer lines.Close()
	sheets, err := quorum.ReadSheets(lines)
	if err != nil {
		t.Fatal(err)
	}
	for _, typed := range sheets {
		share, err := typed.Read()
		if err != nil {
			t.Fatal(err)
		}
		set.shares = append(set.shares, share)
	}
	return set
}

// secrets are all forms in which a sheet may show.
func (s *mistakeSet) secrets() (all []string) {
	for _, share := range s.shares {
		sheet := share.Sheet()
		all = append(all, sheet.Value, strings.ReplaceAll(sheet.Value, ":", ""), strings.ToUpper(sheet.Value))
		if sheet.Code != "" {
			all = append(all, sheet.Code, strings.ReplaceAll(sheet.Code, " ", ""), strings.ToLower(sheet.Code))
		}
	}
	return all
}

// attempt is one scenario as it goes on.
type attempt struct {
	t       *testing.T
	sets    *mistakeSets
	set     *mistakeSet
	dir     string
	columns int
	rows    int
	environ []string
	real    bool
	session *session
	created quorum.Sheet // the first one that create has shown
}

func (s scenario) run(t *testing.T, sets *mistakeSets, columns int) {
	if testing.Short() && slices.Contains(s.steps, "real") {
		t.Skip("it runs the KDF at its real cost")
	}
	a := &attempt{t: t, sets: sets, dir: t.TempDir(), columns: columns, rows: 50}
	for _, step := range s.steps {
		verb, rest, _ := strings.Cut(step, " ")
		do, known := map[string]func(string){
			"set": a.useSet, "run": a.run, "expect": a.expect, "never": a.never, "come": a.come, "type": a.enter, "press": a.press,
			"hangup": a.hangup, "exit": a.exit, "imported": a.checkImport, "alter": a.alter, "rows": a.setRows,
			"evidence": a.useEvidence,
			"environ":  func(setting string) { a.environ = append(a.environ, setting) },
			"check":    func(string) { a.run("dkek check share.pbe"); a.come("") },
			"good":     func(n string) { a.expect("The sheet of .*" + n + ".* is good: it agrees"); a.exit("0") },
			"import":   func(options string) { a.run("dkek import share.pbe " + options); a.come("") },
			"done":     func(string) { a.expect("DKEK share imported"); a.exit("0"); a.checkImport("") },
			"create":   a.create,
			"real":     func(string) { a.real = true },
			"columns":  func(n string) { a.columns, _ = strconv.Atoi(n) },
		}[verb]
		if !known {
			t.Fatalf("testdata/mistakes.txt: scenario at line %d: %q is not a step", s.line, verb)
		}
		do(rest)
	}
	a.nothingIsLeft()
}

// command is a call in the directory, with devices of its own.
func (a *attempt) command(args ...string) *exec.Cmd {
	command := exec.Command("conclave", args...)
	command.Dir = a.dir
	command.Env = append(os.Environ(), "XDG_DATA_HOME="+a.path("home"), "TMPDIR="+a.path("tmp"), "PIN="+pin, "SOPIN="+soPIN, "TERM=xterm")
	command.Env = append(command.Env, a.environ...)
	if a.real {
		command.Env = append(command.Env, costVariable+"=real")
	}
	return command
}

// create hands out new sheets, and lets the first custodian copy theirs: it can be
// typed from now on, as {code new} and {value new}.
func (a *attempt) create(options string) {
	a.run("dkek create new.pbe --threshold 2 " + options)
	a.come("")
	shown := a.session.ExpectText(`Write down the code: (.*) The same .*Prime : ([0-9a-f: ]+) Share ID : (\d+) Share value : ([0-9a-f: ]+[0-9a-f]).*the screen is cleared\. $`)
	words := strings.Fields(regexp.MustCompile(`\d+-\d+ `).ReplaceAllString(shown[1], ""))
	whole := func(line string) string { return strings.ReplaceAll(line, " ", "") }
	a.created = quorum.Sheet{Code: strings.Join(words, " "), Prime: whole(shown[2]), ID: shown[3], Value: whole(shown[4])}
	a.session.Enter("")
	a.expect("Code or share value: $")
}

func (a *attempt) path(name string) string { return filepath.Join(a.dir, name) }

func (a *attempt) useSet(name string) {
	a.set = a.sets.get(a.t, name, a.real)
	if err := os.Mkdir(a.path("tmp"), 0o700); err != nil {
		a.t.Fatal(err)
	}
	a.write("share.pbe", a.set.file.Bytes())
	if a.set.record != nil {
		a.write("share.pbe.set-"+a.set.id+".json", a.set.record)
	}
	if err := os.CopyFS(a.path("home"), os.DirFS(a.sets.home())); err != nil {
		a.t.Fatal(err)
	}
}

func (a *attempt) useEvidence(string) {
	from := filepath.Join("..", "..", "ceremony", "evidence", "testdata", "rehearsal-1")
	if err := os.CopyFS(a.path("root.ceremony/evidence"), os.DirFS(from)); err != nil {
		a.t.Fatal(err)
	}
}

func (a *attempt) write(name string, content []byte) {
	if err := os.WriteFile(a.path(name), content, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *attempt) run(arguments string) {
	command := a.command(strings.Fields(a.expand(arguments))...)
	terminal, err := pty.StartWithSize(command, &pty.Winsize{Rows: uint16(a.rows), Cols: uint16(a.columns)})
	if err != nil {
		a.t.Fatal(err)
	}
	a.session = &session{terminaltest.Attend(a.t, interruptibleFile(a.t, terminal)), a.t}
	a.session.Command = command
}

func (a *attempt) setRows(n string) {
	a.rows, _ = strconv.Atoi(n)
	if a.session != nil {
		a.session.Resize(a.columns, a.rows)
	}
}

// interruptibleFile is the same terminal, which can be closed while another
// goroutine reads from it: setting its size has made the file block.
func interruptibleFile(t *testing.T, terminal *os.File) *os.File {
	fd, err := syscall.Dup(int(terminal.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "terminal")
}

func (a *attempt) expect(pattern string) { a.session.ExpectText(a.expand(pattern)) }

func (a *attempt) come(string) {
	a.session.ExpectText(`Press <enter> when you are alone\. $`)
	a.session.Enter("")
}

func (a *attempt) never(pattern string) {
	if found := regexp.MustCompile(a.expand(pattern)).FindString(a.session.Text()); found != "" {
		a.t.Errorf("%q was shown:\n%s", found, a.session.All)
	}
}

func (a *attempt) enter(text string) {
	a.session.Enter(a.expand(text))
	a.notInProcess()
}

// notInProcess looks for secrets in what everyone, or the user alone, can see of a
// process.
func (a *attempt) notInProcess() {
	for _, name := range []string{"cmdline", "environ"} {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", a.session.Command.Process.Pid, name))
		if err != nil {
			continue // it has ended
		}
		for _, s := range a.set.secrets() {
			if bytes.Contains(content, []byte(s)) {
				a.t.Errorf("a share is in the %s of the process", name)
			}
		}
	}
}

func (a *attempt) press(text string) {
	unquoted, err := strconv.Unquote(`"` + a.expand(text) + `"`)
	if err != nil {
		a.t.Fatalf("press %s: %v", text, err)
	}
	if _, err := a.session.Terminal.WriteString(unquoted); err != nil {
		a.t.Fatal(err)
	}
}

func (a *attempt) hangup(string) {
	a.session.Terminal.Close()
	a.session.Command.Wait()
}

func (a *attempt) exit(code string) {
	n, _ := strconv.Atoi(code)
	a.session.End(n)
}

// checkImport looks at the device with another call.
func (a *attempt) checkImport(string) {
	out, err := a.command("dkek", "status").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "complete, key check value "+a.set.kcv) {
		a.t.Errorf("the DKEK is not the right one (%v):\n%s", err, out)
	}
}

// alter damages a file: bit N, truncate, base64, utf8, field NAME VALUE of JSON,
// or content by another set's; or gives it another NAME: rename, link, symlink.
func (a *attempt) alter(arguments string) {
	words := strings.Fields(a.expand(arguments))
	rename := map[string]func(old, new string) error{"rename": os.Rename, "link": os.Link, "symlink": os.Symlink}[words[1]]
	if rename != nil {
		if err := rename(a.path(words[0]), a.path(words[2])); err != nil {
			a.t.Fatal(err)
		}
		return
	}
	content, err := os.ReadFile(a.path(words[0]))
	if err != nil {
		a.t.Fatal(err)
	}
	switch words[1] {
	case "bit":
		n, _ := strconv.Atoi(words[2])
		content[n/8] ^= 0x80 >> (n % 8)
	case "truncate":
		content = content[:len(content)-1]
	case "base64":
		content = []byte(base64.StdEncoding.EncodeToString(content) + "\n")
	case "utf8":
		content = pipe(a.t, content, "iconv", "-f", "LATIN1", "-t", "UTF-8")
	case "wrong-base64":
		text := []byte(base64.StdEncoding.EncodeToString(content))
		text[40] = 'A' + (text[40]+1-'A')%26
		content = text
	case "field":
		content = regexp.MustCompile(`("`+words[2]+`": )[^,\n]+`).ReplaceAll(content, []byte("${1}"+words[3]))
	case "by":
		content = a.sets.get(a.t, words[2], a.real).file.Bytes()
	}
	a.write(words[0], content)
}

// expand replaces {code N}, {value N}, {id N}, {prime}, {set}, {kcv} by what is
// on the sheet of custodian N. More words change it: upper, bare (without
// colons or spaces), digit K (another one), drop K, double K, swap K (with the
// next), put K X, line K (of the three of a code, or the two halves of a value),
// group K, numbered K (a line with the numbers of its groups); french, german, russian
// and greek are keyboards that the keys of an English one are pressed on; and
// "of SET" takes the sheet of another set.
func (a *attempt) expand(text string) string {
	return regexp.MustCompile(`\{([a-z]+)([^}]*)\}`).ReplaceAllStringFunc(text, func(match string) string {
		words := strings.Fields(strings.Trim(match, "{}"))
		set := a.set
		for i, w := range words {
			if w == "of" {
				set = a.sets.get(a.t, strings.Join(words[i+1:], " "), a.real)
				words = words[:i]
				break
			}
		}
		if len(words) > 1 && words[1] == "new" {
			return change(a.t, map[string]string{"code": a.created.Code, "value": a.created.Value}[words[0]], words[2:])
		}
		return change(a.t, onSheet(set, &words), words)
	})
}

// onSheet gives a line of a sheet, and takes its words off.
func onSheet(set *mistakeSet, words *[]string) string {
	what := (*words)[0]
	*words = (*words)[1:]
	switch what {
	case "prime":
		return set.shares[0].Sheet().Prime
	case "set":
		return set.id
	case "kcv":
		return set.kcv
	}
	n, _ := strconv.Atoi((*words)[0])
	*words = (*words)[1:]
	sheet := set.shares[n-1].Sheet()
	return map[string]string{"code": sheet.Code, "value": sheet.Value, "id": sheet.ID}[what]
}

// change makes the mistakes that the words say.
func change(t *testing.T, text string, words []string) string {
	for len(words) > 0 {
		verb := words[0]
		words = words[1:]
		if whole := wholeChanges()[verb]; whole != nil {
			text = whole(text)
			continue
		}
		k, err := strconv.Atoi(words[0])
		if err != nil {
			t.Fatalf("%s: a position was expected", verb)
		}
		words = words[1:]
		if part := parts()[verb]; part != nil {
			text = part(text, k)
			continue
		}
		at := place(text, k)
		switch verb {
		case "digit":
			text = text[:at] + another(text[at]) + text[at+1:]
		case "drop":
			text = text[:at] + text[at+1:]
		case "double":
			text = text[:at] + text[at:at+1] + text[at:]
		case "swap":
			next := place(text, k+1)
			b := []byte(text)
			b[at], b[next] = b[next], b[at]
			text = string(b)
		case "put":
			text = text[:at] + words[0] + text[at+1:]
			words = words[1:]
		default:
			t.Fatalf("%q is not a way to change a line", verb)
		}
	}
	return text
}

// wholeChanges are the mistakes that are made with every character.
func wholeChanges() map[string]func(string) string {
	keyboard := func(keys string) func(string) string {
		return func(text string) string {
			return strings.Map(func(r rune) rune {
				if i := strings.IndexRune("0123456789abcdefghijklmnopqrstuvwxyz:", r); i >= 0 {
					return []rune(keys)[i]
				}
				return r
			}, strings.ToLower(text))
		}
	}
	replace := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	return map[string]func(string) string{
		"upper": strings.ToUpper, "lower": strings.ToLower, "bare": replace(":", "", " ", ""),
		"dashes": replace(" ", "\u2013", ":", "\u2013"), "dots": replace(" ", ".", ":", "."), "commas": replace(" ", ", ", ":", ","), "spaces": replace(":", " "),
		"nbsp": replace(" ", "\u00a0", ":", "\u00a0"), "thin": replace(" ", "\u2009", ":", "\u202f"), "unseen": replace(" ", "\u200b \u00ad", ":", ":\u200d"),
		"wide": func(s string) string {
			return strings.Map(func(r rune) rune {
				if r == ' ' {
					return '\u3000'
				}
				return r + 0xFEE0
			}, s)
		},
		"lookalikes": replace("0", "O", "L", "1", "8", "B"), "ones": replace("0", "o", "1", "l"), "cyrillic": replace("A", "А", "C", "С", "E", "Е", "H", "Н", "K", "К", "M", "М", "P", "Р", "T", "Т", "X", "Х"),
		"french": keyboard("à&é\"'(-è_çqbcdefghijkl,noparstuvzxywM"), "german": keyboard("0123456789abcdefghijklmnopqrstuvwxzyÖ"),
		"russian": keyboard("0123456789фисвуапршолдьтщзйкыегмцчняЖ"), "greek": keyboard("0123456789αβψδεφγηιξκλμνοπ;ρστθωςχυζ¨"),
	}
}

// parts are what is typed of a line, in place of all of it.
func parts() map[string]func(text string, k int) string {
	line := func(text string, k int) string {
		if pairs := strings.Split(text, ":"); len(pairs) > 1 {
			return strings.Join(pairs[(k-1)*len(pairs)/2:k*len(pairs)/2], ":")
		}
		return strings.Join(strings.Fields(text)[4*(k-1):4*k], " ")
	}
	return map[string]func(text string, k int) string{
		"line":     line,
		"group":    func(text string, k int) string { return strings.Fields(text)[k-1] },
		"numbered": func(text string, k int) string { return fmt.Sprintf("%4d-%-2d  %s", 4*k-3, 4*k, line(text, k)) },
	}
}

// place is where the digit or character number k is, separators not counted.
func place(text string, k int) int {
	for i := range text {
		if text[i] == ':' || text[i] == ' ' {
			continue
		}
		if k--; k == 0 {
			return i
		}
	}
	return len(text) - 1
}

// another is a character like the one given, of both alphabets.
func another(c byte) string {
	switch c {
	case '3':
		return "8"
	case 'Q':
		return "9"
	}
	if strings.ContainsRune("QPZRYXGTVWSJNKHMUL", rune(c)) {
		return "Q"
	}
	return "3"
}

// nothingIsLeft looks for secrets where they must not be: on the screen when the
// next custodian comes and at the end, wherever their lines are broken, and in all
// files.
func (a *attempt) nothingIsLeft() {
	secrets := a.set.secrets()
	if a.session != nil {
		for _, screen := range screensLeft(a.session.All) {
			for _, s := range secrets {
				if strings.Contains(withoutSpace(string(screen)), withoutSpace(s)) {
					a.t.Errorf("the screen still shows a sheet:\n%s", screen)
				}
			}
		}
	}
	for _, share := range a.set.shares {
		secrets = append(secrets, string(new(big.Int).SetBytes(share.Value).Bytes()), hex.EncodeToString(share.Value))
	}
	err := filepath.WalkDir(a.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, s := range secrets {
			if len(s) > 4 && bytes.Contains(content, []byte(s)) {
				a.t.Errorf("%s holds a share", path)
			}
		}
		return err
	})
	if err != nil {
		a.t.Error(err)
	}
}

func withoutSpace(text string) string { return strings.Join(strings.Fields(text), "") }

// screensLeft are what the screen and its scrollback show whenever a custodian
// is asked to come, and at the end.
func screensLeft(all []byte) (screens [][]byte) {
	clear := []byte("\x1b[H\x1b[2J\x1b[3J")
	coming := regexp.MustCompile(`comes\s+to\s+the\s+screen\s+alone`)
	parts := bytes.Split(all, clear)
	for _, part := range parts {
		if at := coming.FindIndex(part); at != nil {
			screens = append(screens, part[:at[0]])
		}
	}
	return append(screens, parts[len(parts)-1])
}
