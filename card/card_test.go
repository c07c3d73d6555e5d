package card_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"conclave/card"
	"conclave/card/store"
	"conclave/card/store/memory"
	"conclave/card/store/sqlite"
	"conclave/internal/keyop"
)

// cheapPINs make a login cost next to nothing.
var cheapPINs = card.PINCost{Time: 1, Memory: 8, Threads: 1}

// stores makes an empty store of each kind.
func stores(t testing.TB) map[string]store.Store {
	t.Helper()
	return map[string]store.Store{"memory": memory.New(), "sqlite": newSQLite(t)}
}

func newSQLite(t testing.TB) store.Store {
	t.Helper()
	s, err := sqlite.Create(filepath.Join(t.TempDir(), "test.device"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func manufacture(t testing.TB, s store.Store) {
	t.Helper()
	issuer, err := card.NewDeviceIssuer(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := card.Manufacture(s, issuer, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func openCard(t testing.TB, s store.Store) *card.Card {
	t.Helper()
	c, err := card.New(s, card.Config{Keys: keyop.Go(), PINCost: cheapPINs, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// exchange is one line of a scenario.
type exchange struct {
	line    int
	command []byte
	status  string
	data    string // hex, or "/" and a regular expression
}

// TestScenarios plays testdata/*.txt, each on a device of its own, on each kind
// of store.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios, %v", err)
	}
	for _, file := range files {
		for kind, s := range stores(t) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+kind, func(t *testing.T) {
				manufacture(t, s)
				c := openCard(t, s)
				for _, x := range readScenario(t, file) {
					if err := x.play(c); err != nil {
						t.Fatalf("%s:%d: % X: %v", file, x.line, x.command, err)
					}
				}
			})
		}
	}
}

func (x exchange) play(c *card.Card) error {
	answer, err := c.Transmit(x.command)
	if err != nil {
		return err
	}
	data := strings.ToUpper(hex.EncodeToString(answer[:len(answer)-2]))
	status := strings.ToUpper(hex.EncodeToString(answer[len(answer)-2:]))
	if status != x.status {
		return fmt.Errorf("SW %s; %s was expected", status, x.status)
	}
	if expression, ok := strings.CutPrefix(x.data, "/"); ok {
		if matched, err := regexp.MatchString(expression, data); err != nil || !matched {
			return fmt.Errorf("data %s does not match %s, %v", data, expression, err)
		}
	} else if data != x.data {
		return fmt.Errorf("data %s; %s was expected", data, x.data)
	}
	return nil
}

func readScenario(t testing.TB, path string) (exchanges []exchange) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		left, right, found := strings.Cut(text, "=")
		command, err := hex.DecodeString(strings.Join(strings.Fields(left), ""))
		expected := strings.Fields(right)
		if err != nil || !found || len(expected) == 0 {
			t.Fatalf("%s:%d: %q is not an exchange, %v", path, n, text, err)
		}
		exchanges = append(exchanges, exchange{n, command, expected[0], strings.Join(expected[1:], " ")})
	}
	return exchanges
}
