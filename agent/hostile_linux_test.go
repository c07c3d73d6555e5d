package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"

	"conclave/internal/testrun"
	"conclave/token"
	"conclave/token/cryptoki"
)

// resized is a message whose size says something else.
func resized(m []byte, size uint32) []byte {
	binary.NativeEndian.PutUint32(m, size)
	return m
}

// malformed are messages that end a connection, sent after a HELLO.
func malformed(slot token.SlotID) map[string][]byte {
	crypt := func(operation, stage, begins uint64, arguments ...argument) []byte {
		return message(callCrypt, 0, slot, 1, append([]argument{number(operation), number(stage), number(begins)}, arguments...)...)
	}
	empty, begun := str(""), []argument{number(0), str(""), number(0), str(""), str("")}
	return map[string][]byte{
		"no arguments where there must be some":    message(callFind, 0, slot, 1),
		"more than the arguments":                  message(callLogout, 0, slot, 1, number(0)),
		"a size below that of any request":         resized(message(callLogout, 0, slot, 1), 15),
		"a size of nothing":                        make([]byte, 8),
		"a size beyond the bound":                  resized(message(callLogout, 0, slot, 1), maxRequest+1),
		"the greatest size":                        resized(message(callLogout, 0, slot, 1), ^uint32(0)),
		"two requests at once":                     append(message(callLogout, 0, slot, 1), message(callLogout, 0, slot, 1)...),
		"no call":                                  message(0, 0, slot, 1),
		"a call that there is not":                 message(17, 0, slot, 1),
		"a call beyond all":                        message(0xFFFF, 0, slot, 1),
		"HELLO again":                              message(callHello, 0, 0, 0, number(1), number(0), empty),
		"no session":                               message(callLogout, 0, slot, 0),
		"a session where there is none":            message(callCloseAll, 0, slot, 1),
		"a slot where there is none":               message(callSlots, 0, slot, 0, number(0)),
		"the agent's own session":                  message(callLogout, 0, slot, ownSession),
		"a session of another slot":                message(callLogout, 0, slot+1, sessionBefore),
		"a string longer than the message":         message(callLogin, 0, slot, 1, number(1), number(5), raw([]byte("1234"))),
		"a string of all there could be":           message(callLogin, 0, slot, 1, number(1), number(^uint64(0))),
		"a template of more than there is":         message(callFind, 0, slot, 1, number(2), number(0), empty),
		"a template of all there could be":         message(callFind, 0, slot, 1, number(^uint64(0))),
		"a template whose size has no 64 bits":     message(callFind, 0, slot, 1, number(uint64(1)<<60), number(0), empty),
		"an attribute cut off":                     message(callFind, 0, slot, 1, number(1), number(0), number(1)),
		"a label of 31 bytes":                      message(callInitToken, 0, slot, 0, empty, str(fmt.Sprintf("%31s", ""))),
		"too many random bytes":                    message(callRandom, 0, slot, 1, number(maxRandom+1)),
		"a negative number of random bytes":        message(callRandom, 0, slot, 1, number(^uint64(0))),
		"operation 0":                              crypt(0, 4, 0, empty, empty),
		"operation 8":                              crypt(8, 4, 0, empty, empty),
		"stage 5":                                  crypt(5, 5, 0, empty, empty),
		"a beginning that is neither there or not": crypt(5, 1, 2, begun...),
		"a beginning that is not there":            crypt(5, 0, 0, empty, empty),
		"a beginning that is cancelled":            crypt(5, 4, 1, begun...),
		"a beginning without a mechanism":          crypt(5, 1, 1, empty, empty),
	}
}

// sessionBefore is open when a malformed message comes.
const sessionBefore = 77

func TestMalformed(t *testing.T) {
	path := serving(t, Options{Home: newHome(t, "office")})
	bystander := connected(t, path)
	slot := onlySlot(t, bystander)
	for name, m := range malformed(slot) {
		t.Run(name, func(t *testing.T) {
			client := connected(t, path)
			if _, err := client.call(callRandom, 0, slot, sessionBefore, number(1)); err != nil {
				t.Fatal(err)
			}
			if _, err := client.conn.Write(m); err != nil {
				t.Fatal(err)
			}
			if r, err := client.answer(); !errors.Is(err, errEnded) {
				t.Errorf("the answer is %v, %v", r, err)
			}
		})
	}
	if _, err := bystander.open(slot).random(8); err != nil {
		t.Errorf("who has done nothing is told %v", err)
	}
}

func TestMalformedBeforeHello(t *testing.T) {
	path := serving(t, Options{Home: newHome(t)})
	for name, m := range map[string][]byte{
		"another call first":    message(callSlots, 0, 0, 0, number(0)),
		"another version":       message(callHello, 0, 0, 0, number(2), number(0), str("")),
		"in a slot":             message(callHello, 0, 1, 0, number(1), number(0), str("")),
		"in a session":          message(callHello, 0, 0, 1, number(1), number(0), str("")),
		"with flags":            message(callHello, 1, 0, 0, number(1), number(0), str("")),
		"with a processor":      message(callHello, 2, 0, 0, number(1), number(0), str("")),
		"with more than it has": message(callHello, 0, 0, 0, number(1), number(0), str(""), number(0)),
		"of the web":            []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(m); err != nil {
			t.Fatal(err)
		}
		if _, err := (&module{conn: conn}).answer(); !errors.Is(err, errEnded) {
			t.Errorf("%s: %v", name, err)
		}
		conn.Close()
	}
}

// TestInPieces: a request is what it is, however it comes.
func TestInPieces(t *testing.T) {
	m := connected(t, serving(t, Options{Home: newHome(t, "office")}))
	slot, long := onlySlot(t, m), make([]byte, 100_000)
	whole := message(callCrypt, 0, slot, 1, number(token.Digest), number(stageSingle), number(1), mech(cryptoki.Mechanism{Type: cryptoki.SHA256}), number(0), str(long), str(""))
	random := testrun.Random(t)
	for range 5 {
		for rest := whole; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(len(rest)/8+1))
			if _, err := m.conn.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if r, err := m.answer(); err != nil || len(r.string()) != 32 {
			t.Fatalf("%v", err)
		}
	}
}

// TestWhoDoesNotRead is stopped by nothing, and stops no one.
func TestWhoDoesNotRead(t *testing.T) {
	path := serving(t, Options{Home: newHome(t, "office")})
	lazy, other := connected(t, path), connected(t, path)
	s := lazy.open(onlySlot(t, lazy))
	for range 8 {
		_, err := s.do(callCreate, attributes(
			cryptoki.Attribute{Type: cryptoki.AttrClass, Value: cryptoki.Number(cryptoki.ClassData)},
			cryptoki.Attribute{Type: cryptoki.AttrValue, Value: make([]byte, 60_000)},
		))
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := lazy.conn.Write(message(callFind, 0, s.slot, s.number, number(0))); err != nil { // the answer fills the socket
		t.Fatal(err)
	}
	for range 100 {
		if _, err := other.open(s.slot).random(16); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := lazy.answer(); err != nil {
		t.Errorf("who reads at last: %v", err)
	}
}

// TestThousandClients has them all at once.
func TestThousandClients(t *testing.T) {
	const clients = 1000
	path := serving(t, Options{Home: newHome(t, "office")})
	all := make([]*module, clients)
	for i := range all {
		all[i] = connected(t, path)
	}
	slot := onlySlot(t, all[0])
	for range 2 {
		for _, m := range all {
			if _, err := m.open(slot).random(16); err != nil {
				t.Fatal(err)
			}
		}
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil || len(threads) > clients/2 {
		t.Errorf("%d threads, %v", len(threads), err)
	}
}

// FuzzRequest sends requests to an agent, one after the other, behind a HELLO. Where they
// name slot 1, the device is meant.
func FuzzRequest(f *testing.F) {
	s, err := newServer(Options{Home: newHome(f, "office")})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.close)
	slots, _, err := s.look()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, messages []byte) {
		c := &connection{server: s}
		if err := c.answer(message(callHello, 0, 0, 0, number(1), number(0), str(""))); err != nil {
			t.Fatal(err)
		}
		defer func() { s.leave(c.client) }()
		for len(messages) >= headerBytes {
			n := uncounted + int(binary.NativeEndian.Uint32(messages))
			if n < headerBytes || n > len(messages) {
				return
			}
			var one []byte
			one, messages = messages[:n:n], messages[n:]
			if binary.NativeEndian.Uint64(one[8:]) == 1 {
				binary.NativeEndian.PutUint64(one[8:], uint64(slots[0].ID))
			}
			if call(binary.NativeEndian.Uint16(one[4:])) == callWait {
				return
			}
			if c.answer(one) != nil {
				return
			}
			if size := binary.NativeEndian.Uint32(c.out.bytes); int(size) != len(c.out.bytes)-uncounted || size > maxAnswer {
				t.Fatalf("an answer of %d bytes says %d", len(c.out.bytes), size)
			}
		}
	})
}

// TestCorpus writes what FuzzRequest begins with, if it is told to.
func TestCorpus(t *testing.T) {
	if os.Getenv("CONCLAVE_UPDATE") == "" {
		t.Skip("writes testdata/fuzz/FuzzRequest with CONCLAVE_UPDATE=1")
	}
	const slot = 1
	sha256, ec := mech(cryptoki.Mechanism{Type: cryptoki.SHA256}), mech(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen})
	data := attributes(cryptoki.Attribute{Type: cryptoki.AttrClass, Value: cryptoki.Number(cryptoki.ClassData)}, cryptoki.Attribute{Type: cryptoki.AttrLabel, Value: []byte("note")})
	join := func(messages ...[]byte) (all []byte) {
		for _, m := range messages {
			all = append(all, m...)
		}
		return all
	}
	for name, content := range map[string][]byte{
		"slots":   join(message(callSlots, 0, 0, 0, number(0)), message(callCloseAll, 0, slot, 0)),
		"login":   join(message(callLogin, 1, slot, 1, number(1), str(userPIN)), message(callLogout, 1, slot, 1), message(callClose, 1, slot, 1)),
		"resume":  message(callResume, 0, slot, 0, str(make([]byte, 34))),
		"pins":    join(message(callSetPIN, 1, slot, 1, str(userPIN), str(userPIN)), message(callInitPIN, 1, slot, 1, str(userPIN)), message(callInitToken, 0, slot, 0, str(soPIN), str(fmt.Sprintf("%32s", "")))),
		"objects": join(message(callCreate, 0, slot, 1, data), message(callFind, 0, slot, 1, data), message(callFind, 0, slot, 1, number(0)), message(callGet, 0, slot, 1, number(1)), message(callCopy, 0, slot, 1, number(1), data), message(callSet, 0, slot, 1, number(1), data), message(callDestroy, 0, slot, 1, number(1))),
		"digest":  join(message(callCrypt, 0, slot, 1, number(token.Digest), number(stageSingle), number(1), sha256, number(0), str("abc"), str("")), message(callCrypt, 0, slot, 1, number(token.Digest), number(stageBegin), number(1), sha256, number(0), str(""), str("")), message(callCrypt, 0, slot, 1, number(token.Digest), number(stageUpdate), number(0), str("abc"), str("")), message(callCrypt, 0, slot, 1, number(token.Digest), number(stageFinal), number(0), str(""), str(""))),
		"keys":    join(message(callGeneratePair, 1, slot, 1, ec, data, data), message(callGenerate, 1, slot, 1, ec, data), message(callWrap, 0, slot, 1, ec, number(1), number(2)), message(callUnwrap, 1, slot, 1, ec, number(1), str("wrapped"), data), message(callDerive, 1, slot, 1, ec, number(1), data)),
		"random":  message(callRandom, 0, slot, 1, number(16)),
	} {
		if err := os.WriteFile("testdata/fuzz/FuzzRequest/"+name, fmt.Appendf(nil, "go test fuzz v1\n[]byte(%q)\n", content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
