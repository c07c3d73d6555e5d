package bch32

import (
	"bufio"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A vector is a string made by another implementation, taken apart.
type vector struct {
	text, prefix string
	word         []byte
	valid        bool
}

func readVectors(t *testing.T, name string) (vectors []vector) {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		verdict, text, ok := strings.Cut(lines.Text(), " ")
		text = strings.TrimSpace(text)
		prefix, letters, separated := strings.Cut(strings.ToLower(text), "1")
		if !ok || !separated || verdict != "valid" && verdict != "invalid" {
			t.Fatalf("%s: %q is not a verdict and a string", name, lines.Text())
		}
		vectors = append(vectors, vector{text, prefix, symbols(t, letters), verdict == "valid"})
	}
	return vectors
}

func symbols(t *testing.T, letters string) (word []byte) {
	t.Helper()
	for _, c := range letters {
		v := strings.IndexRune(Alphabet, c)
		if v < 0 {
			t.Fatalf("%q is not in the alphabet", c)
		}
		word = append(word, byte(v))
	}
	return word
}

func TestVectors(t *testing.T) {
	for name, want := range map[string]int{"bip93.txt": 85, "lightning.txt": 3} {
		vectors := readVectors(t, name)
		if len(vectors) != want {
			t.Errorf("%s: %d strings, want %d", name, len(vectors), want)
		}
		for _, v := range vectors {
			if got := Verify(v.prefix, v.word); got != v.valid {
				t.Errorf("%s: valid %v, want %v", v.text, got, v.valid)
			}
			if len(v.word) > MaxLen {
				continue
			}
			data, checksum := v.word[:len(v.word)-ChecksumLen], v.word[len(v.word)-ChecksumLen:]
			if got := Checksum(v.prefix, data); (string(got[:]) == string(checksum)) != v.valid {
				t.Errorf("%s: Checksum returned %v", v.text, got)
			}
		}
	}
}

// TestLengthAloneRefuses holds MaxLen to BIP-93's strings that are too long for
// their checksum: nothing else is wrong with them.
func TestLengthAloneRefuses(t *testing.T) {
	found := 0
	for _, v := range readVectors(t, "bip93.txt") {
		if len(v.word) > MaxLen && syndrome(v.prefix, v.word) == (residue{}) {
			found++
			if Verify(v.prefix, v.word) {
				t.Errorf("%s: %d symbols are accepted", v.text, len(v.word))
			}
		}
	}
	if found != 5 {
		t.Errorf("%d strings with a right checksum are too long, want 5", found)
	}
}

func TestPrefix(t *testing.T) {
	// The residue after "ms" that BIP-93's ms32_polymod begins with.
	want := big.NewInt(0x23181b3)
	if got := pack(start("ms")); got.Cmp(want) != 0 {
		t.Errorf("residue of ms: %x, want %x", got, want)
	}
	data := symbols(t, "0tests")
	seen := map[[ChecksumLen]byte]string{}
	for _, prefix := range []string{"", "ms", "MS", "sm", "m", "cl", "dkek", "dkel"} {
		sum := Checksum(prefix, data)
		if other, ok := seen[sum]; ok {
			t.Errorf("%q and %q give the same checksum", prefix, other)
		}
		seen[sum] = prefix
	}
}

func TestVerifyRefuses(t *testing.T) {
	word := readVectors(t, "bip93.txt")[0].word
	for name, spoilt := range map[string][]byte{
		"empty":           nil,
		"too short":       word[:ChecksumLen-1],
		"cut":             word[:len(word)-1],
		"longer":          append(word[:len(word):len(word)], 0),
		"zero before":     append([]byte{0}, word...),
		"symbol above 31": append([]byte{word[0] + 32}, word[1:]...),
	} {
		if Verify("ms", spoilt) {
			t.Errorf("%s: accepted", name)
		}
	}
	if !Verify("ms", word) {
		t.Error("the word itself is refused")
	}
}

// TestGarbageInIsRefused: data that is too long, or with a symbol above 31, has
// no checksum that Verify accepts.
func TestGarbageInIsRefused(t *testing.T) {
	for _, data := range [][]byte{make([]byte, MaxLen-ChecksumLen+1), {32}, {255, 0, 1}} {
		sum := Checksum("ms", data)
		if Verify("ms", append(data, sum[:]...)) {
			t.Errorf("data %v: accepted", data)
		}
	}
}

// TestFigures compares the tables with the hexadecimal figures of BIP-93's
// ms32_polymod, and with the words that they spell.
func TestFigures(t *testing.T) {
	for i, figure := range []string{
		"19dc500ce73fde210", "1bfae00def77fe529", "1fbd920fffe7bee52", "1739640bdeee3fdad", "07729a039cfc75f5a",
	} {
		var multiple residue
		for j, g := range generator {
			multiple[j] = multiply(g, 1<<i)
		}
		if got := fmt.Sprintf("%017x", pack(multiple)); got != figure {
			t.Errorf("generator times 2^%d is %s, want %s", i, got, figure)
		}
	}
	if got := fmt.Sprintf("%x", pack(target)); got != "10ce0795c2fd1e62a" {
		t.Errorf("target is %s", got)
	}
	for text, r := range map[string]residue{"secretshare32": target, "em3gqeeelmcss": generator} {
		if string(r[:]) != string(symbols(t, text)) {
			t.Errorf("%v does not spell %s", r, text)
		}
	}
}

// pack writes a residue as BIP-93 does, five bits to a symbol.
func pack(r residue) *big.Int {
	n := new(big.Int)
	for _, v := range r {
		n.Lsh(n, 5).Or(n, big.NewInt(int64(v)))
	}
	return n
}

// TestRoots builds the generator from the roots that BIP-93's mathematical
// companion lists, eight of which follow each other.
func TestRoots(t *testing.T) {
	product := polynomial{{a: 1}}
	for _, n := range []int{17, 20, 46, 49, 52, 77, 78, 79, 80, 81, 82, 83, 84} {
		product = product.times(polynomial{power(n), {a: 1}})
	}
	if d := product.degree(); d != ChecksumLen || product[d] != (element{a: 1}) {
		t.Fatalf("the product has degree %d", d)
	}
	for i, g := range generator {
		if c := product[ChecksumLen-1-i]; c != (element{a: g}) {
			t.Errorf("coefficient of x^%d is %v, want %d", ChecksumLen-1-i, c, g)
		}
	}
	for j := range roots {
		if value := product.at(power(firstRoot + j)); value != (element{}) {
			t.Errorf("the generator is %v at β^%d", value, firstRoot+j)
		}
	}
	if power(MaxLen) != power(0) || power(MaxLen/3) == power(0) || power(3) == power(0) {
		t.Errorf("the order of β is not %d", MaxLen)
	}
}

func TestField(t *testing.T) {
	for a := range byte(32) {
		for b := range byte(32) {
			x := element{a, b}
			if x != (element{}) && x.times(x.inverse()) != (element{a: 1}) {
				t.Errorf("%v times its inverse is not one", x)
			}
		}
	}
	if zeta := (element{b: 1}); zeta.power(2) != zeta.plus(element{a: 1}) {
		t.Error("ζ^2 is not ζ + 1")
	}
}
