package testrun

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"
)

// childVariable names the file of a child, in the environment of a process that
// is one instead of running the tests.
const childVariable = "CONCLAVE_TEST_CHILD"

// Main is TestMain's: it runs the tests, or in a process that Start has started
// child, which gets the path that Start got, and carries out one order after the
// other. What it prints is its answers, a line each.
func Main(m *testing.M, child func(path string, orders iter.Seq[string]) error) {
	path := os.Getenv(childVariable)
	if path == "" {
		os.Exit(m.Run())
	}
	err := child(path, func(yield func(string) bool) {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan() && yield(lines.Text()); {
		}
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Child is a process of the test's that works on a file, and that can be killed.
type Child struct {
	tb      testing.TB
	process *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Scanner
}

// Command is a child that is not started yet, under another program if there is one.
func Command(path string, program ...string) *exec.Cmd {
	command := append(program, os.Args[0])
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), childVariable+"="+path)
	return cmd
}

// Start starts a child. It does not outlive the test.
func Start(tb testing.TB, path string) *Child {
	tb.Helper()
	return StartUnder(tb, path)
}

// StartUnder is Start under another program, which gets the child's as its last
// argument.
func StartUnder(tb testing.TB, path string, program ...string) *Child {
	tb.Helper()
	c := &Child{tb: tb, process: Command(path, program...)}
	c.process.Stderr = os.Stderr
	orders, err := c.process.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	answers, err := c.process.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.process.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.process.Process.Kill() })
	c.orders, c.answers = orders, bufio.NewScanner(answers)
	return c
}

// Order gives an order, to a child that may be dead already.
func (c *Child) Order(words ...any) { fmt.Fprintln(c.orders, words...) }

// Answer reads the next answer; ok is false where the child is dead and has left
// none.
func (c *Child) Answer() (answer string, ok bool) {
	ok = c.answers.Scan()
	return c.answers.Text(), ok
}

// Kill kills the child, and gives the answers that were not read.
func (c *Child) Kill() (answers []string) {
	c.process.Process.Kill()
	for answer, ok := c.Answer(); ok; answer, ok = c.Answer() {
		answers = append(answers, answer)
	}
	c.process.Wait()
	return answers
}

// Strike lets the child go on for some answers, kills it at a random moment
// after them, and gives all its answers from now on.
func (c *Child) Strike(random *rand.Rand) (answers []string) {
	c.tb.Helper()
	for range 1 + random.IntN(10) {
		answer, ok := c.Answer()
		if !ok {
			c.tb.Fatalf("the child died by itself: %v", c.process.Wait())
		}
		answers = append(answers, answer)
	}
	time.Sleep(time.Duration(random.IntN(1000)) * time.Microsecond) // to strike anywhere in what it does, not to wait for it
	return append(answers, c.Kill()...)
}

// End lets the child do what it was ordered, and says how it ended.
func (c *Child) End() error {
	c.orders.Close()
	for _, ok := c.Answer(); ok; _, ok = c.Answer() {
	}
	return c.process.Wait()
}
