package bch32

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// random is seeded with n, so that a failure comes again.
func random(n int) *rand.Rand { return rand.New(rand.NewPCG(uint64(n), 93)) }

func randomWord(r *rand.Rand, prefix string, n int) []byte {
	data := make([]byte, n-ChecksumLen)
	for i := range data {
		data[i] = byte(r.IntN(32))
	}
	sum := Checksum(prefix, data)
	return append(data, sum[:]...)
}

// spoil returns a copy that is wrong at all places.
func spoil(r *rand.Rand, word []byte, places []int) []byte {
	word = slices.Clone(word)
	for _, place := range places {
		word[place] ^= byte(1 + r.IntN(31))
	}
	return word
}

func sorted(places []int) []int {
	places = slices.Clone(places)
	slices.Sort(places)
	return places
}

// correctsTo fails unless received is corrected to word, changed at these places.
func correctsTo(t rapid.TB, prefix string, word, received []byte, erasures, wrong []int) {
	t.Helper()
	given := slices.Clone(received)
	corrected, changed, err := Correct(prefix, received, erasures)
	if err != nil || !bytes.Equal(corrected, word) || !slices.Equal(changed, wrong) {
		t.Fatalf("%v erased, %v wrong: corrected %v, changed %v, %v", erasures, wrong, bytes.Equal(corrected, word), changed, err)
	}
	if !bytes.Equal(received, given) {
		t.Fatal("the word given was changed")
	}
}

// TestEachSingleSymbol: any symbol of the word wrong in any way, or erased.
func TestEachSingleSymbol(t *testing.T) {
	for _, n := range []int{ChecksumLen, 48, MaxLen} {
		word := randomWord(random(n), "ms", n)
		correctsTo(t, "ms", word, word, nil, nil)
		for place := range n {
			for value := range byte(32) {
				received := slices.Clone(word)
				received[place] = value
				correctsTo(t, "ms", word, received, []int{place}, nil)
				if value != word[place] {
					correctsTo(t, "ms", word, received, nil, []int{place})
				}
			}
		}
	}
}

// TestAllMixes takes every number of erasures and errors within the bound, at
// random places, and with BIP-93's strings as well as with random words.
func TestAllMixes(t *testing.T) {
	r := random(1)
	for erased := 0; erased <= roots; erased++ {
		for wrong := 0; erased+2*wrong <= roots; wrong++ {
			for range 100 {
				word := randomWord(r, "dkek", 20+r.IntN(MaxLen-19))
				mix(t, r, "dkek", word, erased, wrong)
			}
			for _, v := range readVectors(t, "bip93.txt") {
				if v.valid {
					mix(t, r, v.prefix, v.word, erased, wrong)
				}
			}
		}
	}
}

func mix(t *testing.T, r *rand.Rand, prefix string, word []byte, erased, wrong int) {
	t.Helper()
	places := r.Perm(len(word))
	erasures, errors := sorted(places[:erased]), sorted(places[erased:erased+wrong])
	received := spoil(r, word, errors)
	for _, place := range erasures {
		received[place] = byte(r.IntN(256))
	}
	correctsTo(t, prefix, word, received, erasures, errors)
}

func TestCorrectWithinTheBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.StringMatching(`[a-z]{0,9}`).Draw(t, "prefix")
		data := rapid.SliceOfN(rapid.ByteMax(31), 0, MaxLen-ChecksumLen).Draw(t, "data")
		sum := Checksum(prefix, data)
		word := slices.Concat(data, sum[:])
		places := rapid.Permutation(slices.Collect(count(len(word)))).Draw(t, "places")
		erased := rapid.IntRange(0, roots).Draw(t, "erased")
		wrong := rapid.IntRange(0, (roots-erased)/2).Draw(t, "wrong")
		erasures, errors := sorted(places[:erased]), sorted(places[erased:erased+wrong])
		received := slices.Clone(word)
		for _, place := range erasures {
			received[place] = rapid.Byte().Draw(t, "unknown symbol")
		}
		for _, place := range errors {
			received[place] ^= rapid.ByteRange(1, 31).Draw(t, "error")
		}
		correctsTo(t, prefix, word, received, erasures, errors)
	})
}

// count yields 0, 1, … n-1.
func count(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// checkResult fails unless the result of Correct is a code word within the bound
// of received, or an error without one. It returns whether there is a result.
func checkResult(t rapid.TB, prefix string, received []byte, erasures []int) bool {
	t.Helper()
	corrected, changed, err := Correct(prefix, received, erasures)
	if err != nil {
		if corrected != nil || changed != nil {
			t.Fatalf("%v, and a result", err)
		}
		return false
	}
	if !Verify(prefix, corrected) || len(corrected) != len(received) {
		t.Fatal("what was returned is not a code word of the same length")
	}
	var differ []int
	for place := range received {
		if corrected[place] != received[place] && !slices.Contains(erasures, place) {
			differ = append(differ, place)
		}
	}
	if !slices.Equal(differ, changed) || len(erasures)+2*len(changed) > roots {
		t.Fatalf("changed %v, in fact %v, with %d erasures", changed, differ, len(erasures))
	}
	return true
}

// TestBeyondTheBound: what is returned for too many errors is a code word all
// the same, and near. Correct's comment says how rare that is for 5 errors; for
// more it is rarer.
func TestBeyondTheBound(t *testing.T) {
	const trials = 1000
	for _, n := range []int{48, MaxLen} {
		r := random(n)
		for wrong := 5; wrong <= 13; wrong++ {
			returned := 0
			for range trials {
				received := spoil(r, randomWord(r, "ms", n), r.Perm(n)[:wrong])
				if checkResult(t, "ms", received, nil) {
					returned++
				}
			}
			if returned > trials/500 {
				t.Errorf("%d of %d symbols wrong: corrected %d times of %d", wrong, n, returned, trials)
			}
		}
	}
}

// TestEveryThirdPlace: the code is worst at errors whose places leave the same
// remainder modulo 3. There β^3 is in GF(32), and the code is a Reed-Solomon
// code: any 9 of the 31 places hold the difference of two code words, 31 in fact.
// 5 errors are then near a wrong one in C(31,9)*31 * C(9,5) / (C(31,5)*31^5) =
// 1.6% of all cases.
func TestEveryThirdPlace(t *testing.T) {
	const trials = 5000
	r, returned := random(3), 0
	for range trials {
		class, places := r.IntN(3), r.Perm(MaxLen / 3)[:5]
		for i := range places {
			places[i] = 3*places[i] + class
		}
		if checkResult(t, "ms", spoil(r, randomWord(r, "ms", MaxLen), places), nil) {
			returned++
		}
	}
	if returned < trials/100 || returned > trials/40 {
		t.Errorf("%d of %d words were corrected, about %d expected", returned, trials, trials*16/1000)
	}
}

// TestMixesBeyondTheBound: one error or one erasure more than there may be.
func TestMixesBeyondTheBound(t *testing.T) {
	const trials = 1000
	r := random(2)
	for erased := 0; erased <= roots; erased++ {
		wrong, returned := (roots-erased)/2+1, 0
		for range trials {
			word, places := randomWord(r, "ms", 48), r.Perm(48)
			received := spoil(r, word, places[:erased+wrong])
			if checkResult(t, "ms", received, sorted(places[:erased])) {
				returned++
			}
		}
		if returned > 1 {
			t.Errorf("%d erased, %d wrong: corrected %d times of %d", erased, wrong, returned, trials)
		}
	}
}

// TestErrorOutsideOfTheWord: the word is one symbol away from a code word of the
// full length, but that symbol would be before its beginning.
func TestErrorOutsideOfTheWord(t *testing.T) {
	const n = 48
	word := randomWord(random(4), "ms", n)
	for degree := n; degree < MaxLen; degree++ {
		r := residue{ChecksumLen - 1: 7}
		for range degree {
			r.append(0)
		}
		received := slices.Clone(word)
		for i, v := range r {
			received[n-ChecksumLen+i] ^= v
		}
		if _, changed, err := Correct("ms", received, nil); !errors.Is(err, ErrUncorrectable) {
			t.Errorf("error at x^%d: changed %v, %v", degree, changed, err)
		}
	}
}

func TestArguments(t *testing.T) {
	word := randomWord(random(5), "ms", 48)
	high := slices.Clone(word)
	high[7] = 32
	for name, c := range map[string]struct {
		word     []byte
		erasures []int
		want     string
	}{
		"no word":         {nil, nil, "a word of 0 symbols; 13 to 93 expected, 13 of them the checksum"},
		"too short":       {word[:12], nil, "a word of 12 symbols; 13 to 93 expected, 13 of them the checksum"},
		"too long":        {make([]byte, 94), nil, "a word of 94 symbols; 13 to 93 expected, 13 of them the checksum"},
		"symbol above 31": {high, []int{6}, "the symbol at place 7 is above 31; was a letter taken for a symbol?"},
		"before":          {word, []int{-1}, "place -1 is erased; 0 to 47 are in the word"},
		"after":           {word, []int{0, 48}, "place 48 is erased; 0 to 47 are in the word"},
		"twice":           {word, []int{3, 3}, "place 3 is erased after place 3; ascending places expected, each once"},
		"descending":      {word, []int{4, 3}, "place 3 is erased after place 4; ascending places expected, each once"},
		"nine erasures":   {word, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, ErrUncorrectable.Error()},
	} {
		if _, _, err := Correct("ms", c.word, c.erasures); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	correctsTo(t, "ms", word, high, []int{7}, nil)
}

// TestCorrectWithin: what has more wrong symbols than are allowed is refused, and
// nothing else is.
func TestCorrectWithin(t *testing.T) {
	r := random(48)
	word := randomWord(r, "ms", 48)
	for wrong := range roots/2 + 1 {
		received := spoil(r, word, r.Perm(48)[:wrong])
		for most := range roots/2 + 1 {
			corrected, changed, err := CorrectWithin("ms", received, nil, most)
			if good := err == nil && bytes.Equal(corrected, word) && len(changed) == wrong; good != (wrong <= most) {
				t.Errorf("%d symbols wrong and %d allowed: %v, %v", wrong, most, changed, err)
			}
		}
	}
}

func FuzzCorrect(f *testing.F) {
	f.Fuzz(func(t *testing.T, prefix string, word, erased []byte) {
		var erasures []int
		for _, place := range erased {
			erasures = append(erasures, int(int8(place)))
		}
		returned := checkResult(t, prefix, word, erasures)
		if !returned && Verify(prefix, word) && checkWord(word, erasures) == nil && len(erasures) <= roots {
			t.Fatal("a code word is refused")
		}
	})
}

func BenchmarkCorrect(b *testing.B) {
	for _, n := range []int{48, MaxLen} {
		for wrong := 0; wrong <= 4; wrong += 4 {
			b.Run(fmt.Sprintf("symbols=%d/wrong=%d", n, wrong), func(b *testing.B) {
				r := random(n)
				received := spoil(r, randomWord(r, "ms", n), r.Perm(n)[:wrong])
				for b.Loop() {
					if _, _, err := Correct("ms", received, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
