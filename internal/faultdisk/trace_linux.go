package faultdisk

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"conclave/internal/foreign"
	"conclave/internal/testrun"
)

// Traced is a child whose calls of the system strace takes down, or lets fail.
type Traced struct {
	*testrun.Child
	tb    testing.TB
	trace string
}

// tracedCalls are those that change files, and those that tell of which.
const tracedCalls = "open,openat,write,pwrite64,fsync,fdatasync,ftruncate,truncate,renameat,renameat2,linkat,unlinkat,unlink,mkdirat,mkdir"

// Trace starts a child as testrun.Start does, under strace. Each injection is one of
// strace's: which call fails, how and when. It counts the calls of each thread, so a
// child to be injected into stays on the one on which it begins.
func Trace(tb testing.TB, path string, injections ...string) *Traced {
	tb.Helper()
	foreign.Need(tb, "strace")
	trace := filepath.Join(tb.TempDir(), "trace")
	command := []string{"strace", "-f", "-y", "-xx", "-s", "100000000", "--seccomp-bpf", "-o", trace, "-e", "trace=" + tracedCalls}
	for _, injection := range injections {
		command = append(command, "-e", "inject="+injection)
	}
	return &Traced{testrun.StartUnder(tb, path, command...), tb, trace}
}

// TracedCall is a call that a child has made.
type TracedCall struct {
	Name   string
	Nth    int // of the thread's calls of that name, from 1
	Failed bool
	args   []string // texts without their quotes, descriptors with their paths
	result string
}

// A line of the trace: a call, or one that was interrupted by another thread's and
// goes on in a later line.
var (
	wholeCall   = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += (.*)$`)
	resumedCall = regexp.MustCompile(`^(\d+) +<\.\.\. \w+ resumed>(.*)$`)
)

const unfinished = " <unfinished ...>"

// Calls are the calls of a child that has ended, in order.
func (c *Traced) Calls() (all []TracedCall) {
	c.tb.Helper()
	f, err := os.Open(c.trace)
	if err != nil {
		c.tb.Fatal(err)
	}
	defer f.Close()
	begun, count := map[string]string{}, map[string]int{} // by thread
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		line := lines.Text()
		thread, _, _ := strings.Cut(line, " ")
		if first, ok := strings.CutSuffix(line, unfinished); ok {
			begun[thread] = first
			continue
		}
		if m := resumedCall.FindStringSubmatch(line); m != nil {
			line = begun[thread] + m[2]
		}
		m := wholeCall.FindStringSubmatch(line)
		if m == nil {
			continue // a signal, or the end of a thread
		}
		count[thread+m[2]]++
		call := TracedCall{Name: m[2], Nth: count[thread+m[2]], Failed: strings.HasPrefix(m[4], "-1"), result: c.unhex(m[4])}
		for _, arg := range strings.Split(m[3], ", ") {
			call.args = append(call.args, c.unhex(arg))
		}
		all = append(all, call)
	}
	if lines.Err() != nil || len(all) == 0 {
		c.tb.Fatalf("%d calls were traced, %v", len(all), lines.Err())
	}
	return all
}

// unhex turns what strace has in hex into what it is.
func (c *Traced) unhex(arg string) string {
	if !strings.Contains(arg, `\x`) {
		return strings.Trim(arg, `"`)
	}
	text, err := strconv.Unquote(`"` + strings.Trim(arg, `"`) + `"`)
	if err != nil {
		c.tb.Fatalf("strace printed %q: %v", arg, err)
	}
	return text
}

// file takes a descriptor apart: its number, and its path.
func file(arg string) (number, path string) {
	number, path, _ = strings.Cut(strings.TrimSuffix(arg, ">"), "<")
	return number, path
}

// touches says whether a call is about anything below a directory.
func (c TracedCall) touches(root string) bool {
	for _, arg := range c.args[:min(2, len(c.args))] {
		if _, path := file(arg); strings.HasPrefix(path, root) || strings.HasPrefix(arg, root) {
			return true
		}
	}
	return false
}

// Replay lets a disk do what a child has done, and tells of each line that the child
// has answered.
func (d *Disk) Replay(tb testing.TB, calls []TracedCall, answered func(line string)) {
	tb.Helper()
	r := replay{d, map[string]int64{}, map[string]bool{}}
	for _, c := range calls {
		if number, _ := file(c.args[0]); c.Name == "write" && number == "1" {
			answered(strings.TrimSuffix(c.args[1], "\n"))
		} else if err := r.do(c); err != nil {
			tb.Fatalf("%s(%.200q) = %s: %v", c.Name, c.args, c.result, err)
		}
	}
}

// replay knows of each descriptor where it writes next, and whether at the end.
type replay struct {
	*Disk
	offsets map[string]int64
	appends map[string]bool
}

func (r *replay) do(c TracedCall) error {
	if c.Failed {
		return nil
	}
	number, path := file(c.args[0])
	switch c.Name {
	case "open":
		r.opened(c.args[0], c.args[1], c.result)
	case "openat":
		r.opened(c.args[1], c.args[2], c.result)
	case "write":
		if r.appends[number] {
			r.offsets[number] = r.size(path)
		}
		n, err := strconv.ParseInt(c.result, 10, 64)
		if err != nil {
			return err
		}
		r.write(path, r.offsets[number], []byte(c.args[1][:n]))
		r.offsets[number] += n
	case "pwrite64":
		offset, err := strconv.ParseInt(c.args[3], 10, 64)
		if err != nil {
			return err
		}
		r.write(path, offset, []byte(c.args[1]))
	case "fsync", "fdatasync":
		r.sync(path)
	case "ftruncate", "truncate":
		size, err := strconv.ParseInt(c.args[1], 10, 64)
		if err != nil {
			return err
		}
		if c.Name == "truncate" {
			path = c.args[0]
		}
		r.truncate(path, size)
	case "renameat", "renameat2":
		r.move(c.args[1], c.args[3], false)
	case "linkat":
		r.move(c.args[1], c.args[3], true)
	case "unlinkat":
		r.remove(c.args[1])
	case "unlink":
		r.remove(c.args[0])
	case "mkdirat":
		r.create(c.args[1], true)
	case "mkdir":
		r.create(c.args[0], true)
	default:
		return fmt.Errorf("it is not known what that does")
	}
	return nil
}

func (r *replay) opened(path, flags, result string) {
	number, _ := file(result)
	if strings.Contains(flags, "O_CREAT") {
		r.create(path, false)
	}
	if strings.Contains(flags, "O_TRUNC") {
		r.truncate(path, 0)
	}
	r.offsets[number], r.appends[number] = 0, strings.Contains(flags, "O_APPEND")
}
