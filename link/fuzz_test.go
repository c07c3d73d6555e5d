package link_test

import (
	"encoding/binary"
	"testing"

	"conclave/link"
	"conclave/link/linktest"
)

// FuzzServe lets a reader send anything, and compares what comes back with
// what the framing demands.
func FuzzServe(f *testing.F) {
	f.Fuzz(func(t *testing.T, sent []byte) {
		card, conn := linktest.NewCard(), scripted(string(sent))
		err := link.Serve(conn, card, linktest.ATR())
		answers, clean := expected(sent)
		if (err == nil) != clean {
			t.Errorf("error %v; a clean end: %v", err, clean)
		}
		got := conn.Bytes()
		for i, answer := range answers {
			if len(got) < 2+len(answer) || int(binary.BigEndian.Uint16(got)) != len(answer) || string(got[2:2+len(answer)]) != answer {
				t.Fatalf("answer %d is not % X", i, answer)
			}
			got = got[2+len(answer):]
		}
		if len(got) != 0 {
			t.Errorf("% X after the last answer", got)
		}
		if card.LoggedIn() {
			t.Error("the session is open after Serve")
		}
	})
}

// expected lists the answers to sent, and tells whether it ends cleanly.
func expected(sent []byte) (answers []string, clean bool) {
	loggedIn := false
	for len(sent) > 0 {
		if len(sent) < 2 || len(sent) < 2+int(binary.BigEndian.Uint16(sent)) {
			return answers, false
		}
		n := 2 + int(binary.BigEndian.Uint16(sent))
		payload := string(sent[2:n])
		sent = sent[n:]
		switch payload {
		case "\x00", "\x01", "\x02":
			loggedIn = false
		case "\x04":
			answers = append(answers, string(linktest.ATR()))
		case linktest.Break:
			return answers, false
		case linktest.Login:
			loggedIn = true
			answers = append(answers, linktest.LoggedIn)
		case linktest.Status:
			answers = append(answers, map[bool]string{true: linktest.LoggedIn, false: linktest.LoggedOut}[loggedIn])
		default:
			if len(payload) == 1 {
				return answers, false
			}
			answers = append(answers, string(linktest.Complement([]byte(payload))))
		}
	}
	return answers, true
}
