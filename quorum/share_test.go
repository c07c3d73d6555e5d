package quorum

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
)

const (
	prime = "dc:5f:8e:b5:1a:19:87:ff"
	value = "59:4a:ea:80:e0:e9:9b:8e"
)

func TestParseShareTolerates(t *testing.T) {
	for _, test := range []struct{ prime, id, value string }{
		{prime, "1", value},
		{"DC5F8EB51A1987FF", " 1 ", "594AEA80E0E99B8E"},
		{" dc:5F:8e:b5:1a:19:87:ff\r\n", "01", "594a ea80 e0e9 9b8e"},
		{"dc 5f 8e b5 1a 19 87 ff", "1\n", "59: 4a :ea:80:e0:e9:9b:8e"},
		{"00:" + prime, "1", "0000" + strings.ReplaceAll(value, ":", "")},
		{"dc:5f:8e:b5:1a:l9:87:ff", "l", "59:4a:ea:8O:eO:e9:9b:8e"},
		{"dc-5f-8e-b5-1a-19-87-ff", "#1", "594a.ea80.e0e9.9b8e"},
		{"ｄｃ：５ｆ：８ｅ：ｂ５：１ａ：１９：８７：ｆｆ", "１", "“594a\u00a0ea80\u2009e0e9\u200b9b8e”"},
		{prime, "&", value}, // 1 on a French keyboard
	} {
		s, err := ParseShare(test.prime, test.id, test.value)
		if err != nil {
			t.Errorf("%q: %v", test, err)
			continue
		}
		if s.Prime.Cmp(number("dc5f8eb51a1987ff")) != 0 || new(big.Int).SetBytes(s.Value).Cmp(number("594aea80e0e99b8e")) != 0 || parseID(s.ID, 10) != 1 {
			t.Errorf("%q: read as something else", test)
		}
	}
}

func TestParseShareRefuses(t *testing.T) {
	for _, test := range []struct{ prime, id, value, want string }{
		{"", "1", value, "prime: nothing found"},
		{prime + ":0", "1", value, "prime: group 9 has 1 digits, 2 expected"},
		{prime + ":", "1", value, "prime: group 9 has 0 digits"},
		{"dc:5f:8eb5:1a:19:87:ff", "1", value, "prime: group 3 has 4 digits"},
		{"dc5f8eb51a1987f", "1", value, "prime: 15 digits found, an even number expected"},
		{"dc:5f:8e:b5:1a:19:87", "1", value, "prime: a number of 56 bits, 64 expected"},
		{strings.Repeat("ff", 65), "1", value, "prime: a number of 520 bits"},
		{"dc:5f:8e:b5:1a:19:87:fe", "1", value, "prime: this number is not a prime"},
		{"dc:5f:8e:b5:1a:s9:87:ff", "1", value, `prime: another character found after 10 digits`},
		{"dc:5f:8e:b5:1a:19:8?:??", "1", value, "prime: 3 of its digits cannot be read, and there are several primes, or none"},
		{prime, "1", "59:4a:ea:80:e?:e9:9b:8e", "share value: 1 of its digits cannot be read, and nothing here knows them"},
		{prime, "1", "59 4a ea 80 e0 é9 9b 8e", "share value: the keyboard seems to be set to French; set it to English"},
		{prime, "", value, `share ID: not a number from 1 to 255`},
		{prime, "0", value, `share ID: not a number from 1 to 255`},
		{prime, "256", value, `share ID: not a number from 1 to 255`},
		{prime, "-1", value, `share ID: not a number from 1 to 255`},
		{prime, "+1", value, `share ID: not a number from 1 to 255`},
		{prime, "1 2", value, `share ID: not a number from 1 to 255`},
		{prime, "1_0", value, `share ID: not a number from 1 to 255`},
		{prime, "1", "", "share value: nothing found"},
		{prime, "1", "59:4a:ea:80:e0:e9:9b:8", "share value: group 8 has 1 digits"},
		{prime, "1", "59:4a:ea:80:e0:G9:9b:8e", "share value: another character found after 10 digits"},
		{prime, "1", prime, "share value: not below the prime"},
		{prime, "1", value + ":00", "share value: not below the prime; was a digit added"},
	} {
		_, err := ParseShare(test.prime, test.id, test.value)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want %q", test, err, test.want)
		} else if strings.Contains(err.Error(), "594a") || strings.Contains(err.Error(), "59:4a") {
			t.Errorf("error %v shows the value", err)
		}
	}
}

func TestShareDoesNotPrint(t *testing.T) {
	s, err := ParseShare(prime, "1", value)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
		out := fmt.Sprintf(verb, s)
		if !strings.Contains(out, "[redacted]") || strings.Contains(out, "594a") || strings.Contains(out, "0x59") {
			t.Errorf("%s: %s", verb, out)
		}
	}
}

// FuzzParseShare: what is read prints as on a sheet, and reads back the same.
func FuzzParseShare(f *testing.F) {
	f.Fuzz(func(t *testing.T, prime, id, value string) {
		s, err := ParseShare(prime, id, value)
		if err != nil {
			return
		}
		printed := colons(new(big.Int).SetBytes(s.Value))
		again, err := ParseShare(colons(s.Prime), s.ID, printed)
		if err != nil {
			t.Fatal(err)
		}
		if again.Prime.Cmp(s.Prime) != 0 || again.ID != s.ID || !again.Value.Equal(s.Value) {
			t.Error("read back as another share")
		}
	})
}

// TestMistakesShowNoShare: an answer given to the wrong question is a secret
// all the same.
func TestMistakesShowNoShare(t *testing.T) {
	const prime, value = "dc:5f:8e:b5:1a:19:87:ff", "59:4a:ea:80:e0:e9:9b:8e"
	for _, entered := range [][3]string{{prime, value, "1"}, {value, "1", prime}, {prime, "1", value + ":x"}} {
		_, err := ParseShare(entered[0], entered[1], entered[2])
		if err == nil || strings.Contains(err.Error(), value[:8]) {
			t.Errorf("%q: %v", entered, err)
		}
	}
	for _, id := range []string{"1", "01", " 001 "} {
		if s, err := ParseShare(prime, id, value); err != nil || s.ID != "1" {
			t.Errorf("share ID %q is read as %q, %v", id, s.ID, err)
		}
	}
}
