package rfc3161

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"testing"
)

// TestEveryByteCounts changes one bit of each byte of an answer, imprint, time
// and signature among them.
func TestEveryByteCounts(t *testing.T) {
	a := newAuthority(t)
	a.issue(t, "good", "sub", "good", "20200101", "20981231")
	answer, roots := a.stamp(t, "good", content), a.roots(t, "root")
	if _, err := Verify(answer, content, roots); err != nil {
		t.Fatal(err)
	}
	granted := bytes.Index(answer, []byte{0x30, 0x03, 0x02, 0x01, 0x00}) + 4
	for i := range answer {
		bit := byte(1) << (i % 8)
		if i == granted {
			bit = 2 // 1 is "granted with modifications"
		}
		damaged := bytes.Clone(answer)
		damaged[i] ^= bit
		if _, err := Verify(damaged, content, roots); err == nil {
			t.Errorf("bit %#02x of byte %d of %d was changed, and the stamp is good", bit, i, len(answer))
		}
	}
}

// TestLeftovers puts a NULL behind the last value of each of the outer
// containers, whose lengths are made to fit.
func TestLeftovers(t *testing.T) {
	a := newAuthority(t)
	a.issue(t, "good", "sub", "good", "20200101", "20981231")
	answer, roots := a.stamp(t, "good", content), a.roots(t, "root")
	if _, err := Verify(append(bytes.Clone(answer), 5, 0), content, roots); err == nil {
		t.Error("bytes after the answer were ignored")
	}
	if _, err := Verify(answer[:len(answer)-1], content, roots); err == nil {
		t.Error("a missing byte was ignored")
	}
	// What is not DER in a place that no signature covers, on which pkcs7 panics.
	if _, err := Verify(extend(t, answer, []int{1, 1, 0, 3}, []byte{0x1f, 0x80}), content, roots); !errors.Is(err, errNotDER) {
		t.Errorf("a tag of more than one byte among the certificates: %v; expected %v", err, errNotDER)
	}
	// The path, as the index of a value in its container: TimeStampResp,
	// TimeStampToken, [0], SignedData, SignerInfos, SignerInfo.
	for _, path := range [][]int{{}, {1}, {1, 1}, {1, 1, 0}, {1, 1, 0, 4}, {1, 1, 0, 4, 0}} {
		if _, err := Verify(extend(t, answer, path, asn1.NullBytes), content, roots); err == nil {
			t.Errorf("a NULL at the end of %v was ignored", path)
		}
	}
}

func TestNotDER(t *testing.T) {
	deep := []byte{5, 0}
	for range maxDepth + 2 {
		deep = append([]byte{0x30, byte(len(deep))}, deep...)
	}
	for name, b := range map[string][]byte{
		"a length in more bytes than needed": {0x30, 0x81, 2, 5, 0},
		"no length":                          {0x30, 0x80, 5, 0, 0, 0},
		"a string in pieces":                 {0x30, 4, 0x24, 2, 4, 0},
		"a tag of more than one byte":        {0x30, 3, 0x1f, 0x20, 0},
		"cut off":                            {0x30, 3, 5, 0},
		"deep":                               deep,
	} {
		if err := checkDER(b, 0); !errors.Is(err, errNotDER) {
			t.Errorf("%s: %v; expected %v", name, err, errNotDER)
		}
	}
}

// extend appends to the value at a path.
func extend(t *testing.T, der []byte, path []int, more []byte) []byte {
	t.Helper()
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		t.Fatal(err)
	}
	inner := append(bytes.Clone(outer.Bytes), more...)
	if len(path) > 0 {
		rest := outer.Bytes
		inner = nil
		for i := 0; len(rest) > 0; i++ {
			var child asn1.RawValue
			after, err := asn1.Unmarshal(rest, &child)
			if err != nil {
				t.Fatal(err)
			}
			rest = after
			if i == path[0] {
				child.FullBytes = extend(t, child.FullBytes, path[1:], more)
			}
			inner = append(inner, child.FullBytes...)
		}
	}
	outer.FullBytes, outer.Bytes = nil, inner
	b, err := asn1.Marshal(outer)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
