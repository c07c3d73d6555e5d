package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/secret"
)

func TestEveryRenderingIsRedacted(t *testing.T) {
	pin := secret.Bytes("648219")
	nested := struct{ PIN secret.Bytes }{pin}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("login", "pin", pin)
	encoded, err := json.Marshal(nested)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		fmt.Sprint(pin), fmt.Sprintf("%s %v %x %q %#v %d", pin, pin, pin, pin, pin, pin),
		fmt.Sprintf("%+v", nested), fmt.Sprintf("%v", &nested), log.String(), string(encoded),
	} {
		if strings.Contains(s, "648219") || strings.Contains(s, "363438") || strings.Contains(s, "54 52") {
			t.Errorf("the PIN shows in %q", s)
		}
		if !strings.Contains(s, "[redacted]") {
			t.Errorf("%q does not say that something is missing", s)
		}
	}
}

func TestEqualAndWipe(t *testing.T) {
	a := secret.Bytes("correct horse")
	b := a.Clone()
	if !a.Equal(b) || a.Equal(b[1:]) || a.Equal(nil) {
		t.Error("Equal compares wrongly")
	}
	b.Wipe()
	if a.Equal(b) || !b.Equal(make(secret.Bytes, len(b))) {
		t.Error("Wipe left the secret, or wiped its clone")
	}
}

func TestFromArgument(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(path, []byte("648219\r\nsecond line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONCLAVE_TEST_PIN", "648219")
	notepad := path + ".txt" // as Windows saves "Unicode"
	if err := os.WriteFile(notepad, []byte("\xFF\xFE6\x004\x008\x002\x001\x009\x00\r\x00\n\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		argument string
		exposed  bool
	}{{"env:CONCLAVE_TEST_PIN", false}, {"file:" + path, false}, {"file:" + notepad, false}, {"648219", true}} {
		value, exposed, err := secret.FromArgument(test.argument)
		if err != nil || !value.Equal(secret.Bytes("648219")) || exposed != test.exposed {
			t.Errorf("%q: %d bytes, exposed %t, %v", test.argument, len(value), exposed, err)
		}
	}
	for _, argument := range []string{"env:CONCLAVE_TEST_UNSET", "file:" + path + ".missing"} {
		if _, _, err := secret.FromArgument(argument); err == nil {
			t.Errorf("%q gave no error", argument)
		}
	}
}
