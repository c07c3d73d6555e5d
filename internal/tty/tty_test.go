package tty_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/creack/pty"

	"conclave/internal/secret"
	"conclave/internal/tty"
)

// TestSecretIsNotShown types at once when the prompt is there, as a script
// does.
func TestSecretIsNotShown(t *testing.T) {
	keyboard, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	shown := make(chan []byte)
	go func() {
		var all []byte
		buffer := make([]byte, 256)
		for typed := false; ; {
			n, err := keyboard.Read(buffer)
			if err != nil {
				shown <- all
				return
			}
			if all = append(all, buffer[:n]...); !typed && bytes.Contains(all, []byte("PIN: ")) {
				typed = true
				io.WriteString(keyboard, "648219\nvisible\n")
			}
		}
	}()
	console := tty.New(terminal, tty.NewOutput(terminal, tty.ColorNever))
	pin, err := console.Secret("PIN: ")
	if err != nil || string(pin) != "648219" {
		t.Errorf("read %d bytes, %v", len(pin), err)
	}
	line, err := console.Line("Name: ")
	if err != nil || line != "visible" {
		t.Errorf("read %q, %v", line, err)
	}
	terminal.Close()
	all := <-shown
	if bytes.Contains(all, []byte("648219")) {
		t.Errorf("the terminal showed the PIN: %q", all)
	}
}

// TestLineUntil: a question that no one answers ends with its context.
func TestLineUntil(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var out *os.File
	if out, err = os.Create(os.DevNull); err != nil {
		t.Fatal(err)
	}
	console := tty.New(r, tty.NewOutput(out, tty.ColorNever))
	io.WriteString(w, "yes\n")
	if line, err := console.LineUntil(t.Context(), "? "); line != "yes" || err != nil {
		t.Errorf("read %q, %v", line, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(0, stop)
	if line, err := console.LineUntil(ctx, "? "); line != "" || !errors.Is(err, context.Canceled) {
		t.Errorf("read %q, %v", line, err)
	}
	if err := console.Waiting("waiting", func() error { return io.EOF }); err != io.EOF {
		t.Errorf("Waiting gives %v", err)
	}
}

func TestLinesOfAScript(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "648219\r\nlast line without end")
	w.Close()
	out, err := os.Create(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	console := tty.New(r, tty.NewOutput(out, tty.ColorNever))
	if pin, err := console.Secret(""); err != nil || string(pin) != "648219" {
		t.Errorf("read %q, %v", []byte(pin), err)
	}
	if line, err := console.Line(""); err != nil || line != "last line without end" {
		t.Errorf("read %q, %v", line, err)
	}
	if _, err := console.Line(""); !errors.Is(err, tty.ErrAborted) {
		t.Errorf("past the end: %v", err)
	}
	if console.Interactive() {
		t.Error("a pipe is taken for a person")
	}
}

// TestTypedAgain: what is not typed twice is kept nowhere.
func TestTypedAgain(t *testing.T) {
	for again, want := range map[string]bool{"648219": true, "648218": false, "": false} {
		first, second := secret.Bytes("648219"), secret.Bytes(again)
		same, err := tty.TypedAgain(first, func() (secret.Bytes, error) { return second, nil })
		if same != want || err != nil {
			t.Errorf("%q after 648219: %v, %v", again, same, err)
		}
		if kept := string(first) == "648219"; kept != want {
			t.Errorf("%q after 648219: is the first kept? %v", again, kept)
		}
		if len(again) > 0 && string(second) == again {
			t.Errorf("%q after 648219 is not wiped", again)
		}
	}
	first := secret.Bytes("648219")
	if same, err := tty.TypedAgain(first, func() (secret.Bytes, error) { return nil, tty.ErrAborted }); same || err != tty.ErrAborted || first[0] != 0 {
		t.Errorf("no one types it again: %v, %v; the first begins with %q", same, err, first[0])
	}
}
