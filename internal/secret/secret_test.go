package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
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
